//go:build race

package admin

// downloadRows is how many rows tests download: under the race detector a row takes ten times as long.
const downloadRows = 60_000
