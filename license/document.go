package license

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A document is readable text: a title with its version, then lines of "name: value", each ended by a line feed. The last
// line proves the others, by a signature or by a checksum, so every byte of it counts.
type document struct {
	title string
	lines []line
}

type line struct{ name, value string }

// Limits of a document, so that no file costs more than itself.
const (
	maxDocument = 64 << 10
	maxLines    = 1000
)

var errNotDocument = errors.New("the file is not one of ours")

func (d *document) add(name, value string) { d.lines = append(d.lines, line{name, value}) }

// text returns the document as bytes.
func (d *document) text() []byte {
	var b bytes.Buffer
	b.WriteString(d.title + "\n")
	for _, l := range d.lines {
		b.WriteString(l.name + ": " + l.value + "\n")
	}
	return b.Bytes()
}

// parseDocument reads a document with this title. What it accepts, text gives back byte for byte.
func parseDocument(title string, text []byte) (*document, error) {
	head, rest, found := strings.Cut(string(text), "\n")
	switch {
	case len(text) > maxDocument:
		return nil, fmt.Errorf("%w: it is larger than %d bytes", errNotDocument, maxDocument)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%w: it is not text", errNotDocument)
	case !found || head != title:
		return nil, fmt.Errorf("%w: its first line is not %q", errNotDocument, title)
	}
	d := &document{title: title}
	for rest != "" {
		var one string
		if one, rest, found = strings.Cut(rest, "\n"); !found {
			return nil, fmt.Errorf("%w: its last line is cut off", errNotDocument)
		}
		name, value, found := strings.Cut(one, ": ")
		if !found || name == "" || strings.ContainsAny(one, "\r\x00") {
			return nil, fmt.Errorf("%w: line %d is not \"name: value\"", errNotDocument, len(d.lines)+2)
		}
		if d.add(name, value); len(d.lines) > maxLines {
			return nil, fmt.Errorf("%w: it has more than %d lines", errNotDocument, maxLines)
		}
	}
	return d, nil
}

// proof takes the last line off, which must have this name, and returns its value and the bytes that it proves.
func (d *document) proof(name string) (value string, proved []byte, err error) {
	if len(d.lines) == 0 || d.lines[len(d.lines)-1].name != name {
		return "", nil, fmt.Errorf("%w: its last line is not %q", errNotDocument, name)
	}
	value = d.lines[len(d.lines)-1].value
	d.lines = d.lines[:len(d.lines)-1]
	return value, d.text(), nil
}

// reader takes the lines of a document one after the other; the first that is not what it must be is the error.
type reader struct {
	lines []line
	err   error
}

// next takes the next line, which must have this name.
func (r *reader) next(name string) string {
	value, ok := r.optional(name)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("%w: the line %q is missing", errNotDocument, name)
	}
	return value
}

// optional takes the next line if it has this name.
func (r *reader) optional(name string) (string, bool) {
	if r.err != nil || len(r.lines) == 0 || r.lines[0].name != name {
		return "", false
	}
	value := r.lines[0].value
	r.lines = r.lines[1:]
	return value, true
}

// parse takes the next line through a function that reads its value.
func parse[T any](r *reader, name string, read func(string) (T, error)) T {
	value, err := read(r.next(name))
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: line %q: %w", errNotDocument, name, err)
	}
	return value
}

// end returns the first error; a line that nobody took is one.
func (r *reader) end() error {
	if r.err == nil && len(r.lines) > 0 {
		r.err = fmt.Errorf("%w: line %q is not expected here", errNotDocument, r.lines[0].name)
	}
	return r.err
}
