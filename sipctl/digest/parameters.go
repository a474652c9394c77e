package digest

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a header value: past them it is refused, whatever it means.
const (
	maxValue      = 4096 // bytes
	maxParameters = 32
)

// ErrScheme says that a header value is of another scheme than Digest.
var ErrScheme = errors.New("the authentication scheme is not Digest")

// parameters are the parts of a header value by name, in lower case. A value that came in quotes is the text between
// them, backslashes and all: that is what RFC 7616 §3.4 hashes ("unq") and what is sent back.
type parameters map[string]string

// parse reads "Digest name=value, name="value", …" (RFC 7235 §2.1, RFC 3261 §25.1). A name that comes twice is an error:
// two readers must not understand two different things.
func parse(value string) (parameters, error) {
	if len(value) > maxValue {
		return nil, fmt.Errorf("longer than %d bytes", maxValue)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return nil, errors.New("has a control character")
		}
	}
	value = trim(value)
	end := tokenEnd(value)
	rest := value[end:]
	if !strings.EqualFold(value[:end], "Digest") || rest == "" || rest[0] > ' ' {
		return nil, ErrScheme
	}
	found := make(parameters, 10)
	for rest = trimList(rest); rest != ""; rest = trimList(rest) {
		var name, text string
		var err error
		if name, text, rest, err = parameter(rest); err != nil {
			return nil, err
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%s comes twice", name)
		}
		if len(found) >= maxParameters {
			return nil, fmt.Errorf("more than %d parameters", maxParameters)
		}
		found[name] = text
		if rest = trim(rest); rest != "" && rest[0] != ',' {
			return nil, fmt.Errorf("no comma after %s", name)
		}
	}
	return found, nil
}

// parameter reads name = value from the front of s.
func parameter(s string) (name, value, rest string, err error) {
	end := tokenEnd(s)
	name, rest = strings.ToLower(s[:end]), trim(s[end:])
	if name == "" || rest == "" || rest[0] != '=' {
		return "", "", "", errors.New("a parameter is not written name=value")
	}
	rest = trim(rest[1:])
	if rest == "" || rest[0] != '"' {
		end = tokenEnd(rest)
		if end == 0 {
			return "", "", "", fmt.Errorf("%s has no value", name)
		}
		return name, rest[:end], rest[end:], nil
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			return name, rest[1:i], rest[i+1:], nil
		}
	}
	return "", "", "", fmt.Errorf("the quotes of %s are not closed", name)
}

// tokenEnd is the length of the token that s begins with (RFC 3261 §25.1).
func tokenEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte("-.!%*_+`'~", c) < 0 {
			return i
		}
	}
	return len(s)
}

func trim(s string) string     { return strings.Trim(s, " \t") }
func trimList(s string) string { return strings.Trim(s, " \t,") }
