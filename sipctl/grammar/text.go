package grammar

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// HasControl reports whether s has a control character other than TAB. Whoever writes such text into a message writes
// lines that he does not mean to.
func HasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// Clean returns s fit for a header value: control characters, of Unicode too, are spaces, and what is no UTF-8 is U+FFFD.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// tokenChar marks the characters of a token (RFC 3261 §25.1).
var tokenChar = charTable("-.!%*_+`'~")

// userChar marks those of a user part or password: unreserved, user-unreserved and the escape; and # which every phone
// sends unescaped.
var userChar = charTable("-_.!~*'()&=+$,;?/:%#")

// paramChar marks those of a URI parameter: unreserved, param-unreserved and the escape.
var paramChar = charTable("-_.!~*'()[]/:&+$%")

// hostChar marks those of a host name, with the underscore that is common in private networks.
var hostChar = charTable("-._")

func charTable(marks string) (table [256]bool) {
	for _, c := range []byte(marks + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		table[c] = true
	}
	return table
}

func consistsOf(s string, table *[256]bool) bool {
	for i := range len(s) {
		if !table[s[i]] {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token (RFC 3261 §25.1).
func IsToken(s string) bool { return s != "" && consistsOf(s, &tokenChar) }

// IsCallID reports whether s is word [ "@" word ] (RFC 3261 §25.1), or would be if phones did not also take =, $ and the like:
// printable ASCII without a space or comma.
func IsCallID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ',' {
			return false
		}
	}
	return s != ""
}

// Quote makes a display name of any text: the inside of a quoted-string (RFC 3261 §25.1), without the quotes.
func Quote(text string) string { return quotedPairs.Replace(Clean(text)) }

var quotedPairs = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Unquote is the text of a display name, which is the inside of a quoted-string.
func Unquote(display string) string {
	if !strings.Contains(display, `\`) {
		return display
	}
	var b strings.Builder
	for i := 0; i < len(display); i++ {
		if display[i] == '\\' && i+1 < len(display) {
			i++
		}
		b.WriteByte(display[i])
	}
	return b.String()
}
