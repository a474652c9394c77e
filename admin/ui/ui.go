//go:build !noui

package ui

import (
	"embed"
	"io/fs"
)

// Built says whether the pages are in this binary. Building with -tags noui leaves them out.
const Built = true

//go:embed all:dist
var embedded embed.FS

// files returns what `npm run build` made.
func files() fs.FS {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil { // cannot be: the name is a constant
		panic(err)
	}
	return dist
}
