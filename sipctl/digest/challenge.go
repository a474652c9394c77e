package digest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Challenge is what a server asks for: the value of a WWW-Authenticate or Proxy-Authenticate header. Its texts are as they
// stood between their quotes.
type Challenge struct {
	Realm     string
	Nonce     string
	Opaque    string
	Stale     bool // the answer was right, its nonce too old: answer again, without asking anybody for the password
	Algorithm Algorithm
	QOP       []string // auth, auth-int, in the server's order; empty: the server is of RFC 2069

	bare bool // the algorithm was not named, and must not be in the answer of old servers
}

// ParseChallenge reads one header value. Of qop what we do not know is left out; where that leaves nothing, or the
// algorithm is unknown, the error says so and wraps ErrUnsupported. domain, charset, userhash and the like are passed over.
func ParseChallenge(headerValue string) (Challenge, error) {
	p, err := parse(headerValue)
	if err != nil {
		return Challenge{}, fmt.Errorf("digest challenge: %w", err)
	}
	name, named := p["algorithm"]
	c := Challenge{Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"], Stale: strings.EqualFold(p["stale"], "true"), bare: !named}
	if _, ok := p["realm"]; !ok || c.Nonce == "" {
		return Challenge{}, errors.New("digest challenge: realm or nonce is missing")
	}
	var known bool
	if c.Algorithm, known = algorithmOf(name, named); !known {
		return Challenge{}, fmt.Errorf("digest challenge: %w: algorithm %q", ErrUnsupported, name)
	}
	for quality := range strings.SplitSeq(p["qop"], ",") {
		quality = strings.ToLower(trim(quality))
		if (quality == Auth || quality == AuthInt) && !slices.Contains(c.QOP, quality) {
			c.QOP = append(c.QOP, quality)
		}
	}
	if len(c.QOP) == 0 && trim(p["qop"]) != "" {
		return Challenge{}, fmt.Errorf("digest challenge: %w: qop %q", ErrUnsupported, p["qop"])
	}
	return c, nil
}

// String is the value of a WWW-Authenticate header; ParseChallenge is its inverse. Realm and nonce must not hold quotes.
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString(`Digest realm="` + c.Realm + `", nonce="` + c.Nonce + `"`)
	if c.Opaque != "" {
		b.WriteString(`, opaque="` + c.Opaque + `"`)
	}
	if c.Stale {
		b.WriteString(", stale=true")
	}
	if !c.bare {
		b.WriteString(", algorithm=" + string(c.Algorithm))
	}
	if len(c.QOP) > 0 {
		b.WriteString(`, qop="` + strings.Join(c.QOP, ",") + `"`)
	}
	return b.String()
}

// ErrUnsupported says that a challenge is well formed, and asks for what we cannot do.
var ErrUnsupported = errors.New("not supported")

// Choose reads all challenges of a response, one a header (RFC 3261 §7.3.1), and returns the one with the strongest
// algorithm; of equals the first (RFC 8760 §2.4). The error tells why the last of them cannot be answered.
func Choose(headerValues []string) (Challenge, error) {
	best, err := Challenge{}, errors.New("there is no digest challenge")
	for _, value := range headerValues {
		c, e := ParseChallenge(value)
		switch {
		case e != nil && best.Nonce == "":
			err = e
		case e == nil && (best.Nonce == "" || c.Algorithm.Size() > best.Algorithm.Size()):
			best, err = c, nil
		}
	}
	return best, err
}

// Credentials are what a server knows its users by.
type Credentials struct {
	Username, Password string
}

// Answer computes the value of the Authorization or Proxy-Authorization header for a request: method and uri are those of
// its request line. nc counts the requests sent with this nonce, from 1; cnonce is a random text of the client's. The body
// counts where the server demands auth-int.
func (c Challenge) Answer(who Credentials, method, uri string, nc uint32, cnonce string, body []byte) (headerValue string, err error) {
	for _, text := range []string{who.Username, uri, cnonce} {
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }) {
			return "", errors.New("digest answer: username, URI and cnonce must not be empty, and have no quote, backslash or control character")
		}
	}
	p := proof{nonce: c.Nonce, nc: fmt.Sprintf("%08x", nc), cnonce: cnonce, method: method, uri: uri, body: body}
	switch {
	case slices.Contains(c.QOP, Auth):
		p.qop = Auth
	case slices.Contains(c.QOP, AuthInt):
		p.qop = AuthInt
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`, who.Username, c.Realm, c.Nonce, uri,
		c.Algorithm.response(HA1(c.Algorithm, who.Username, c.Realm, who.Password), p))
	if !c.bare {
		b.WriteString(", algorithm=" + string(c.Algorithm))
	}
	if p.qop != "" {
		fmt.Fprintf(&b, `, cnonce="%s", qop=%s, nc=%s`, cnonce, p.qop, p.nc)
	}
	if c.Opaque != "" {
		b.WriteString(`, opaque="` + c.Opaque + `"`)
	}
	return b.String(), nil
}
