package sipctl

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

// Which headers pass from one leg to the other (DESIGN-headers.md gives the reasons). A header passes unless it is listed.

// origin is where a message comes from, which decides what of it is believed.
type origin uint8

const (
	fromCaller   origin = iota // a trusted peer
	fromTrunk                  // a trunk
	fromStranger               // a phone that has authenticated: what it says of identities and routes counts for nothing
)

// origin is that of what a leg says.
func (c *Call) origin(s side) origin {
	switch {
	case s == trunkSide:
		return fromTrunk
	case c.digest:
		return fromStranger
	}
	return fromCaller
}

// fate is what becomes of a header.
type fate uint8

const (
	passes      fate = iota
	ours             // each leg has its own, built by us or left out
	withBody         // describes the body: passes where there is one
	whenTrusted      // passes unless a stranger sent it
	carriedOnly      // a list of option tags, of which those in carried pass
)

// fates of headers by their long names in small letters. Proxy-* and what is not a token are ours without being listed.
var fates = map[string]fate{
	// The transaction and the dialog (RFC 3261): each leg's own.
	"via": ours, "from": ours, "to": ours, "call-id": ours, "cseq": ours, "max-forwards": ours, "max-breadth": ours,
	"contact": ours, "route": ours, "record-route": ours, "path": ours, "service-route": ours, "timestamp": ours,
	"content-length": ours, "allow": ours, "allow-events": ours, "rseq": ours, "rack": ours, "user-agent": ours, "server": ours,
	"retry-after": ours, "supported": carriedOnly, "require": carriedOnly,
	// References to dialogs, which have other identifiers on the other leg, and what would transfer a call (RFC 3891, 3515).
	"replaces": ours, "join": ours, "target-dialog": ours, "in-reply-to": ours, "refer-to": ours, "refer-sub": ours,
	// Credentials, and the security of one hop (RFC 7616, 3329, 5626).
	"authorization": ours, "www-authenticate": ours, "authentication-info": ours, "security-client": ours,
	"security-server": ours, "security-verify": ours, "flow-timer": ours,
	// Who calls: ours is built from the account (RFC 3325).
	"p-asserted-identity": ours, "p-preferred-identity": ours, "remote-party-id": ours,
	// What is believed only within a trust domain (RFC 5806, 7044, 3892, 8224, 7315).
	"diversion": whenTrusted, "history-info": whenTrusted, "referred-by": whenTrusted, "identity": whenTrusted,
	"identity-info": whenTrusted, "p-access-network-info": whenTrusted, "p-called-party-id": whenTrusted,
	"p-charging-vector": whenTrusted, "p-charging-function-addresses": whenTrusted, "p-served-user": whenTrusted,
	"p-visited-network-id": whenTrusted, "p-associated-uri": whenTrusted,
	// The body (RFC 3261 §20, 2045, 8262).
	"content-type": withBody, "content-encoding": withBody, "content-language": withBody, "content-disposition": withBody,
	"content-id": withBody, "mime-version": withBody,
}

// fateOf looks a header up by its long name in small letters.
func fateOf(name string) fate {
	if strings.HasPrefix(name, "proxy-") {
		return ours
	}
	return fates[name]
}

// passed appends those of a message's headers that may stand in the message for the other leg. They are written from their
// parsed values, without a control character, and under their long names. A header named except does not pass: it tells us,
// and nobody else, who pays.
func (t *text) passed(headers []sip.Header, from origin, except ...string) {
	body := hasBody(headers)
	for _, h := range headers {
		name := grammar.LongName(h.Name())
		value := h.Value()
		switch fateOf(name) {
		case ours:
			continue
		case withBody:
			if !body {
				continue
			}
		case whenTrusted:
			if from == fromStranger {
				continue
			}
		case carriedOnly:
			if value = carriedOf(value); value == "" {
				continue
			}
		}
		if long := grammar.FullName(h.Name()); grammar.IsToken(long) && !slices.Contains(except, name) {
			t.header(long, grammar.Clean(value))
		}
	}
}

// hasBody reports whether the headers announce a body. The parser makes Content-Length what there is.
func hasBody(headers []sip.Header) bool {
	for _, h := range headers {
		if length, ok := h.(*sip.ContentLengthHeader); ok {
			return *length > 0
		}
	}
	return false
}
