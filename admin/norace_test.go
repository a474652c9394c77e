//go:build !race

package admin

// downloadRows is how many rows tests download.
const downloadRows = 300_000
