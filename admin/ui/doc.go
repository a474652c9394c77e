// Package ui is the web interface: pages in TypeScript (src), built by Vite into dist, which is committed, embedded and
// served by Handler. A clone with nothing but Go builds the whole product; `make ui` builds the pages again.
package ui
