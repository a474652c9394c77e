package sipctl

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/grammar"
)

// callerOf tells who pays for a call: the extension that its phone has proven to be, whatever From says, else the one that
// its trusted peer asserts. The error wraps rating.ErrUnknownExtension; the extension is "" then.
func callerOf(from peer, req *sip.Request) (string, error) {
	if from.proven != "" {
		return from.proven, nil
	}
	if from.trusted == nil {
		return "", fmt.Errorf("%w: the peer is not trusted", rating.ErrUnknownExtension)
	}
	return assertedBy(from.trusted.Identity, req)
}

// checkTrusted reports what is wrong with a list of trusted peers, nil when nothing is.
func checkTrusted(trusted []Trusted) error {
	for _, t := range trusted {
		if !t.Net.IsValid() {
			return fmt.Errorf("trusted: write a network such as 192.0.2.10/32")
		}
		kind, value, _ := strings.Cut(t.Identity, ":")
		switch {
		case t.Identity == "from", t.Identity == "pai":
		case kind == "header" && grammar.IsToken(value) && fateOf(grammar.LongName(value)) == passes:
		case kind == "account" && rating.ValidExtension(value):
		default:
			return fmt.Errorf("trusted %s: identity %q: write from, pai, header:X-Name or account:NUMBER", t.Net, t.Identity)
		}
	}
	return nil
}

// identityHeader names the header in which a peer tells us who pays, long and in small letters; "" = another way.
func identityHeader(from peer) string {
	if from.trusted == nil {
		return ""
	}
	name, ok := strings.CutPrefix(from.trusted.Identity, "header:")
	if !ok {
		return ""
	}
	return grammar.LongName(name)
}

// assertedBy reads the identity in one of its four forms: from | pai | header:X-Name | account:NUMBER.
func assertedBy(mode string, req *sip.Request) (string, error) {
	kind, value, _ := strings.Cut(mode, ":")
	switch kind {
	case "from":
		return extensionOf(&req.From().Address)
	case "pai":
		return fromPAI(req.Headers())
	case "header":
		return fromHeader(req.Headers(), grammar.LongName(value))
	case "account":
		return extensionFrom(value)
	}
	return "", fmt.Errorf("%w: identity mode %q", rating.ErrUnknownExtension, mode)
}

// fromPAI takes the first SIP, SIPS or tel URI of P-Asserted-Identity (RFC 3325 §9.1).
func fromPAI(headers []sip.Header) (string, error) {
	for _, h := range headers {
		if grammar.LongName(h.Name()) != "p-asserted-identity" {
			continue
		}
		addresses, err := grammar.ParseAddresses(h.Value())
		if err != nil {
			return "", fmt.Errorf("%w: P-Asserted-Identity: %w", rating.ErrUnknownExtension, err)
		}
		for i := range addresses {
			switch uri := &addresses[i].URI; uri.Scheme {
			case "sip", "sips", "tel":
				return extensionOf(uri)
			}
		}
	}
	return "", fmt.Errorf("%w: no P-Asserted-Identity", rating.ErrUnknownExtension)
}

// fromHeader takes the whole value of a header that the peer adds, by its long name in small letters. Twice there, it says
// nothing.
func fromHeader(headers []sip.Header, name string) (string, error) {
	value, found := "", false
	for _, h := range headers {
		if grammar.LongName(h.Name()) == name {
			if found {
				return "", fmt.Errorf("%w: two headers %s", rating.ErrUnknownExtension, name)
			}
			value, found = h.Value(), true
		}
	}
	return extensionFrom(value)
}

// extensionOf takes the user part of a URI, without parameters of a telephone number (RFC 3966 §3).
func extensionOf(uri *sip.Uri) (string, error) {
	user := uri.User
	if uri.Scheme == "tel" {
		user = uri.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	return extensionFrom(user)
}

// extensionFrom reads an extension as a peer writes it: percent-decoded, and where it is a number, without the visual
// separators (RFC 3966 §5.1.1) that a dialled number may have, too. Letters make it a name, in which they count.
func extensionFrom(text string) (string, error) {
	decoded, err := url.PathUnescape(strings.Trim(text, " \t"))
	if err != nil || len(decoded) > 3*rating.MaxExtension {
		return "", fmt.Errorf("%w: the asserted identity cannot be read", rating.ErrUnknownExtension)
	}
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-.() ", r) {
			return -1
		}
		return r
	}, decoded)
	switch {
	case rating.ValidNumber(number) && rating.ValidExtension(number):
		return number, nil
	case rating.ValidExtension(decoded):
		return decoded, nil
	}
	return "", fmt.Errorf("%w: the asserted identity is no extension", rating.ErrUnknownExtension)
}
