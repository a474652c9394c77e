package grammar

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// compact maps the registered one-letter header names to the long ones (IANA "SIP Header Fields").
var compact = [...]struct {
	letter byte
	long   string
}{
	{'a', "Accept-Contact"}, {'b', "Referred-By"}, {'c', "Content-Type"}, {'d', "Request-Disposition"}, {'e', "Content-Encoding"},
	{'f', "From"}, {'i', "Call-ID"}, {'j', "Reject-Contact"}, {'k', "Supported"}, {'l', "Content-Length"}, {'m', "Contact"},
	{'n', "Identity-Info"}, {'o', "Event"}, {'r', "Refer-To"}, {'s', "Subject"}, {'t', "To"}, {'u', "Allow-Events"}, {'v', "Via"},
	{'x', "Session-Expires"}, {'y', "Identity"},
}

// lower holds the long names in small letters, by letter.
var lower = lowerTable()

func lowerTable() (table [256]string) {
	for _, c := range compact {
		table[c.letter] = strings.ToLower(c.long)
		table[c.letter-'a'+'A'] = table[c.letter]
	}
	return table
}

// LongName returns a header's name in its long form and in small letters: "k" and "SUPPORTED" are both "supported".
func LongName(name string) string {
	if len(name) == 1 && lower[name[0]] != "" {
		return lower[name[0]]
	}
	return sip.HeaderToLower(name)
}

// FullName returns a header's name in its long form, otherwise as it is written.
func FullName(name string) string {
	if len(name) == 1 {
		for _, c := range compact {
			if c.letter == name[0]|0x20 {
				return c.long
			}
		}
	}
	return name
}

// Header returns the first of the headers with a name, long or compact, in any case; nil where there is none.
// The name is given long and in small letters.
func Header(headers []sip.Header, name string) sip.Header {
	for _, h := range headers {
		if LongName(h.Name()) == name {
			return h
		}
	}
	return nil
}

// Tokens returns the tokens of a comma-separated header (RFC 3261 §7.3.1), however many lines it takes, in small letters.
// The name is given long and in small letters.
func Tokens(headers []sip.Header, name string) []string {
	var tokens []string
	for _, h := range headers {
		if LongName(h.Name()) != name {
			continue
		}
		for part := range strings.SplitSeq(h.Value(), ",") {
			if part = strings.Trim(part, " \t"); part != "" {
				tokens = append(tokens, sip.ASCIIToLower(part))
			}
		}
	}
	return tokens
}
