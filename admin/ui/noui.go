//go:build noui

package ui

import (
	"io/fs"
	"testing/fstest"
)

// Built says whether the pages are in this binary. Building with -tags noui leaves them out.
const Built = false

func files() fs.FS { return fstest.MapFS{} }
