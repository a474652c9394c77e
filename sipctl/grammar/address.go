package grammar

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// ErrAddress is wrapped by what is wrong with an address.
var ErrAddress = errors.New("malformed address")

// Address is a name-addr or addr-spec with its header parameters (RFC 3261 §25.1).
type Address struct {
	Display string           // as it stands inside quotes; see Unquote
	URI     sip.Uri          // checked
	Params  sip.HeaderParams // names in small letters; a quoted value keeps its quotes unless it has spaces: the library adds them
}

// ParseAddress reads the value of a header that has exactly one address, such as From.
func ParseAddress(value string) (a Address, err error) {
	err = parseOne(value, &a.Display, &a.URI, &a.Params)
	return a, err
}

// parseOne is ParseAddress into the fields of a header.
func parseOne(value string, display *string, uri *sip.Uri, params *sip.HeaderParams) error {
	rest, err := scanAddress(value, display, uri, params)
	if err == nil && rest != "" {
		err = fmt.Errorf("%w: more than one", ErrAddress)
	}
	return err
}

// ParseAddresses reads a comma-separated list, such as P-Asserted-Identity.
func ParseAddresses(value string) ([]Address, error) {
	var list []Address
	for {
		var a Address
		rest, err := scanAddress(value, &a.Display, &a.URI, &a.Params)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
		if rest == "" {
			return list, nil
		}
		value = rest[1:]
	}
}

// scanAddress reads one address. The rest is empty or begins with a comma.
func scanAddress(s string, display *string, uri *sip.Uri, params *sip.HeaderParams) (rest string, err error) {
	name, address, s, err := splitAddress(skipSpace(s))
	if err != nil {
		return "", err
	}
	*display = name
	if err := sip.ParseUri(address, uri); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if err := CheckURI(uri); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return scanParams(s, params)
}

// splitAddress finds the display name and the URI, and what follows them.
func splitAddress(s string) (display, uri, rest string, err error) {
	i := strings.IndexAny(s, `"<;,`)
	switch {
	case i < 0:
		uri, rest, err = addrSpec(s, "")
	case s[i] == '"':
		if strings.Trim(s[:i], " \t") != "" {
			return "", "", "", fmt.Errorf("%w: text before a quoted name", ErrAddress)
		}
		if display, s, err = scanQuoted(s[i:]); err == nil {
			uri, rest, err = scanBracketed(skipSpace(s))
		}
	case s[i] == '<':
		if words := strings.Fields(s[:i]); len(words) > 0 {
			display = Quote(strings.Join(words, " "))
		}
		uri, rest, err = scanBracketed(s[i:])
	default:
		uri, rest, err = addrSpec(s[:i], s[i:])
	}
	return display, uri, rest, err
}

// addrSpec checks a URI without brackets: it may have neither parameters nor headers, which would be the header's own
// (RFC 3261 §20.10), and no spaces.
func addrSpec(uri, rest string) (string, string, error) {
	uri = strings.Trim(uri, " \t")
	if uri == "" || strings.ContainsAny(uri, "?> \t") {
		return "", "", fmt.Errorf("%w: a URI that needs brackets, or none", ErrAddress)
	}
	return uri, rest, nil
}

// scanBracketed reads "<" addr-spec ">".
func scanBracketed(s string) (uri, rest string, err error) {
	end := strings.IndexByte(s, '>')
	if end < 2 || s[0] != '<' || strings.ContainsAny(s[1:end], "< \t\"") {
		return "", "", fmt.Errorf("%w: no URI in brackets", ErrAddress)
	}
	return s[1:end], s[end+1:], nil
}

// scanQuoted reads a quoted-string, and returns its inside as it stands.
func scanQuoted(s string) (inside, rest string, err error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("%w: an open quote", ErrAddress)
}

// scanParams reads *( ";" name [ "=" value ] ). Empty ones are skipped; one that is there twice could be read in two ways.
func scanParams(s string, params *sip.HeaderParams) (rest string, err error) {
	for {
		s = skipSpace(s)
		if s == "" || s[0] == ',' {
			return s, nil
		}
		if s[0] != ';' {
			return "", fmt.Errorf("%w: %q after the URI", ErrAddress, s[:1])
		}
		s = skipSpace(s[1:])
		n := tokenLength(s)
		if n == 0 {
			if s == "" || s[0] == ';' || s[0] == ',' {
				continue
			}
			return "", fmt.Errorf("%w: parameter name", ErrAddress)
		}
		name, value := strings.ToLower(s[:n]), ""
		if s = skipSpace(s[n:]); s != "" && s[0] == '=' {
			if value, s, err = scanParamValue(skipSpace(s[1:])); err != nil {
				return "", err
			}
		}
		if params.Has(name) {
			return "", fmt.Errorf("%w: parameter %s twice", ErrAddress, name)
		}
		*params = append(*params, sip.HeaderKV{K: name, V: value})
	}
}

// scanParamValue reads a token, host or quoted-string.
func scanParamValue(s string) (value, rest string, err error) {
	if s != "" && s[0] == '"' {
		inside, rest, err := scanQuoted(s)
		if err == nil && !strings.ContainsAny(inside, " \t") {
			return s[:len(inside)+2], rest, nil
		}
		return inside, rest, err
	}
	n := 0
	for n < len(s) && (tokenChar[s[n]] || s[n] == '[' || s[n] == ']' || s[n] == ':') {
		n++
	}
	if n == 0 {
		return "", "", fmt.Errorf("%w: parameter value", ErrAddress)
	}
	return s[:n], s[n:], nil
}

func tokenLength(s string) int {
	n := 0
	for n < len(s) && tokenChar[s[n]] {
		n++
	}
	return n
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t") }
