package grammar

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// parseVia reads one hop (RFC 3261 §20.42, §25.1): sent-protocol LWS sent-by *( ";" param ), with spaces around every mark.
// An IPv6 host has no brackets, as the library wants it.
func parseVia(_ []byte, text string) (sip.Header, error) {
	h := new(sip.ViaHeader)
	s, ok := text, false
	for _, part := range []*string{&h.ProtocolName, &h.ProtocolVersion} {
		if *part, s, ok = strings.Cut(s, "/"); !ok {
			return nil, fmt.Errorf("malformed Via: protocol")
		}
		*part = strings.Trim(*part, " \t")
	}
	s = skipSpace(s)
	n := tokenLength(s)
	h.Transport, s = s[:n], s[n:]
	sentBy, rest := s, ""
	if i := strings.IndexAny(s, ";,"); i >= 0 {
		sentBy, rest = s[:i], s[i:]
	}
	if n == 0 || skipSpace(sentBy) == sentBy || !scanSentBy(strings.Trim(sentBy, " \t"), h) {
		return nil, fmt.Errorf("malformed Via: transport or host")
	}
	rest, err := scanParams(rest, &h.Params)
	if err != nil {
		return nil, err
	}
	return h, more(text, rest)
}

// scanSentBy reads host [ ":" port ].
func scanSentBy(s string, h *sip.ViaHeader) bool {
	host, port, hasPort := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		host = s[1:end]
		_, port, hasPort = strings.Cut(s[end+1:], ":")
		if !hasPort && skipSpace(s[end+1:]) != "" {
			return false
		}
	}
	h.Host = strings.Trim(host, " \t")
	if hasPort {
		n, err := strconv.ParseUint(strings.Trim(port, " \t"), 10, 16)
		if err != nil {
			return false
		}
		h.Port = int(n)
	}
	return IsHost(h.Host)
}
