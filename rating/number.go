package rating

import (
	"fmt"
	"net/url"
	"strings"
)

const (
	prefixRule    = "may hold an optional leading +, then digits, * and #, at most 32 characters"
	extensionRule = "letters, digits and . _ - * # +, at most 32 characters"
)

// NormalizeNumber turns the user part of a Request-URI (RFC 3261 §19.1.1) into the number that is rated, routed and
// dialled: percent-decoded, visual separators -.() and spaces dropped (RFC 3966 §5.1.1); an optional leading +, then
// digits, * and #. Anything else, a user parameter included, is ErrBadNumber.
func NormalizeNumber(user string) (string, error) {
	if len(user) > 3*MaxNumber {
		return "", fmt.Errorf("%w: longer than %d characters", ErrBadNumber, MaxNumber)
	}
	decoded, err := url.PathUnescape(user)
	if err != nil {
		return "", fmt.Errorf("%w: %q is wrongly percent-encoded", ErrBadNumber, shorten(user))
	}
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-.() ", r) {
			return -1
		}
		return r
	}, decoded)
	if !ValidNumber(number) {
		return "", fmt.Errorf("%w: %q", ErrBadNumber, shorten(user))
	}
	return number, nil
}

// ValidNumber reports whether s is a dialled number in the form that NormalizeNumber gives.
func ValidNumber(s string) bool {
	return len(s) <= MaxNumber && strings.Trim(s, "+") != "" && dialable(s)
}

// validPrefix reports whether s may begin a dialled number.
func validPrefix(s string) bool { return len(s) <= MaxPrefix && s != "" && dialable(s) }

// dialable reports whether s is an optional leading + followed by digits, * and #.
func dialable(s string) bool {
	for i := range len(s) {
		if symbol(s[i]) < 0 || (s[i] == '+' && i > 0) {
			return false
		}
	}
	return true
}

// symbols is how many different characters a number is made of.
const symbols = 13

// symbol numbers the characters of a dialled number from 0; -1 is none of them.
func symbol(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case c == '*':
		return 10
	case c == '#':
		return 11
	case c == '+':
		return 12
	}
	return -1
}

// ValidExtension reports whether s may name an extension: it is used in From headers, in lists separated by spaces
// and in file names, so it has no spaces, quotes or control characters.
func ValidExtension(s string) bool {
	if s == "" || len(s) > MaxExtension || s == AllExtensions {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && symbol(c) < 0 && !strings.ContainsRune("._-", rune(c)) {
			return false
		}
	}
	return true
}
