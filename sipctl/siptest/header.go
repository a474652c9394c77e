package siptest

import (
	"net/netip"
	"strconv"
	"strings"
)

// Get returns the value of the first header of this name, in any case and also in its compact form (RFC 3261 §7.3.3), or
// "".
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if sameName(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// All returns the values of every header of this name, lines with several values split at their commas (RFC 3261 §7.3.1).
// It is meant for lists (Via, Route, Contact, Allow); a date or a digest challenge has commas of its own.
func (m *Message) All(name string) []string {
	var values []string
	for _, h := range m.Headers {
		if sameName(h.Name, name) {
			values = append(values, splitList(h.Value)...)
		}
	}
	return values
}

// compact lists the one-letter names of RFC 3261 §20, RFC 3515, RFC 3892, RFC 4028 and RFC 6665.
var compact = [26]string{
	'b' - 'a': "Referred-By", 'c' - 'a': "Content-Type", 'e' - 'a': "Content-Encoding", 'f' - 'a': "From",
	'i' - 'a': "Call-ID", 'k' - 'a': "Supported", 'l' - 'a': "Content-Length", 'm' - 'a': "Contact", 'o' - 'a': "Event",
	'r' - 'a': "Refer-To", 's' - 'a': "Subject", 't' - 'a': "To", 'u' - 'a': "Allow-Events", 'v' - 'a': "Via",
	'x' - 'a': "Session-Expires",
}

func longName(name string) string {
	if len(name) != 1 {
		return name
	}
	if letter := name[0] | 0x20; letter >= 'a' && letter <= 'z' && compact[letter-'a'] != "" {
		return compact[letter-'a']
	}
	return name
}

func sameName(a, b string) bool { return strings.EqualFold(longName(a), longName(b)) }

// Param returns a parameter of a header value such as From, Via or Contact, in any case; parameters inside < > belong to
// the URI and do not count. A parameter without a value, or none, is "".
func Param(value, name string) string {
	v, _ := findParam(value, name)
	return v
}

func findParam(value, name string) (string, bool) {
	_, params := splitAddress(value)
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		key, val, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(val), `"`), true
		}
	}
	return "", false
}

// splitAddress parts a name-addr or addr-spec (RFC 3261 §20.10) into the URI and the header's own parameters.
func splitAddress(value string) (uri, params string) {
	start := 0
	if strings.HasPrefix(value, `"`) { // a display name may hold anything, also < and ;
		start = endOfQuoted(value)
	}
	if open := strings.IndexByte(value[start:], '<'); open >= 0 {
		uri, params, _ = strings.Cut(value[start+open+1:], ">")
		_, params, _ = strings.Cut(params, ";")
		return uri, params
	}
	uri, params, _ = strings.Cut(value[start:], ";")
	return strings.TrimSpace(uri), params
}

// endOfQuoted is the index just after the quoted string at the start of s.
func endOfQuoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// AddressURI is the URI of a header value such as From, Contact or P-Asserted-Identity.
func AddressURI(value string) string {
	uri, _ := splitAddress(value)
	return uri
}

// User is the user part of a SIP URI as it is written, or "" when there is none; the number of a tel URI.
func User(uri string) string {
	scheme, rest, _ := strings.Cut(uri, ":")
	if strings.EqualFold(scheme, "tel") {
		return rest
	}
	user, _, found := strings.Cut(rest, "@")
	if !found {
		return ""
	}
	user, _, _ = strings.Cut(user, ":")
	return user
}

const defaultPort = 5060

// hostPort is the address that a SIP URI points to, if it names one by number; port 5060 when it names none.
func hostPort(uri string) (netip.AddrPort, bool) {
	_, rest, _ := strings.Cut(uri, ":")
	if _, host, found := strings.Cut(rest, "@"); found {
		rest = host
	}
	if end := strings.IndexAny(rest, ";?"); end >= 0 {
		rest = rest[:end]
	}
	return parseHostPort(rest)
}

func parseHostPort(s string) (netip.AddrPort, bool) {
	if addr, err := netip.ParseAddrPort(s); err == nil {
		return addr, true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return netip.AddrPortFrom(addr, defaultPort), err == nil
}

// sentBy is the port of a Via's sent-by (RFC 3261 §18.2.2).
func sentByPort(via string) uint16 {
	_, rest, _ := strings.Cut(via, " ")
	rest, _, _ = strings.Cut(rest, ";")
	rest = strings.TrimSpace(rest)
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, ']') {
		if port, err := strconv.ParseUint(strings.TrimSpace(rest[colon+1:]), 10, 16); err == nil {
			return uint16(port)
		}
	}
	return defaultPort
}

// firstOf is the first value of a comma-separated list.
func firstOf(list string) string {
	if strings.IndexByte(list, ',') < 0 {
		return list
	}
	return splitList(list)[0]
}

// splitList splits at the commas that stand outside quotes and angle brackets.
func splitList(list string) []string {
	var values []string
	start, depth := 0, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '"':
			i += endOfQuoted(list[i:]) - 1
		case '<':
			depth++
		case '>':
			depth--
		case ',':
			if depth == 0 {
				values = append(values, strings.TrimSpace(list[start:i]))
				start = i + 1
			}
		}
	}
	return append(values, strings.TrimSpace(list[start:]))
}
