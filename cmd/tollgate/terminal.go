package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminalWidth is how many characters fit into a line.
func terminalWidth(out io.Writer) int {
	const usual = 80
	file, ok := out.(*os.File)
	if !ok {
		return usual
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 1 {
		return usual
	}
	return width
}

// terminal reports whether out is one, so that lines may be redrawn.
func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
