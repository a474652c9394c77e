package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// mostNested bounds how deep a body may be nested; ours need four levels.
const mostNested = 64

// strictJSON is JSON as RFC 8259 would have it sent: in UTF-8, with every name of an object once. encoding/json takes the last
// of two equal names, and what somebody has checked may have been the first.
func strictJSON() huma.Format {
	format := huma.DefaultJSONFormat
	format.Unmarshal = func(text []byte, value any) error {
		if _, first := value.(*any); first { // Huma reads a body twice, and looks at it with the schema first
			if err := soundJSON(text); err != nil {
				return err
			}
		}
		return json.Unmarshal(text, value)
	}
	return format
}

// soundJSON reports what is wrong with a JSON text beyond its grammar.
func soundJSON(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("the body is not UTF-8")
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	type level struct {
		names  map[string]bool // nil in a list
		expect bool            // the next token is a name
	}
	var levels []level
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		top := len(levels) - 1
		if name, ok := token.(string); ok && top >= 0 && levels[top].expect {
			if levels[top].names[name] {
				return fmt.Errorf("the name %q stands twice in one object", shortText(name))
			}
			levels[top].names[name], levels[top].expect = true, false
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if len(levels) == mostNested {
				return fmt.Errorf("the body is nested deeper than %d levels", mostNested)
			}
			if token == json.Delim('{') {
				levels = append(levels, level{map[string]bool{}, true})
			} else {
				levels = append(levels, level{})
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:top]
		}
		if top = len(levels) - 1; top >= 0 {
			levels[top].expect = levels[top].names != nil
		}
	}
}
