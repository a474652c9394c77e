package digest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Answer is what a client sends: the value of an Authorization or Proxy-Authorization header. Its texts are as they stood
// between their quotes.
type Answer struct {
	Username  string
	Realm     string
	Nonce     string
	URI       string
	Opaque    string
	Algorithm Algorithm
	QOP       string // auth, auth-int, or "" of an RFC 2069 client
	CNonce    string
	Count     uint32 // nc; 0 without qop

	nc       string // as written
	response string // in lower-case hexadecimal digits
}

// ParseAnswer reads one header value. Everything that Verify needs is there when the error is nil.
func ParseAnswer(headerValue string) (Answer, error) {
	p, err := parse(headerValue)
	if err != nil {
		return Answer{}, fmt.Errorf("digest answer: %w", err)
	}
	for _, name := range []string{"username", "realm", "nonce", "uri", "response"} {
		if _, ok := p[name]; !ok {
			return Answer{}, fmt.Errorf("digest answer: %s is missing", name)
		}
	}
	name, named := p["algorithm"]
	a := Answer{Username: p["username"], Realm: p["realm"], Nonce: p["nonce"], URI: p["uri"], Opaque: p["opaque"], QOP: strings.ToLower(p["qop"]),
		CNonce: p["cnonce"], nc: p["nc"], response: strings.ToLower(p["response"])}
	var known bool
	if a.Algorithm, known = algorithmOf(name, named); !known {
		return Answer{}, fmt.Errorf("digest answer: %w: algorithm %q", ErrUnsupported, name)
	}
	if len(a.response) != a.Algorithm.Size() || !isHex(a.response) {
		return Answer{}, errors.New("digest answer: the response is no hash of its algorithm")
	}
	switch a.QOP {
	case "":
		return a, nil
	case Auth, AuthInt:
	default:
		return Answer{}, fmt.Errorf("digest answer: %w: qop %q", ErrUnsupported, a.QOP)
	}
	count, err := strconv.ParseUint(a.nc, 16, 32)
	if len(a.nc) != 8 || err != nil || a.CNonce == "" { // RFC 7616 §3.4: both must be there with qop
		return Answer{}, errors.New("digest answer: nc or cnonce is missing or wrong")
	}
	a.Count = uint32(count)
	return a, nil
}

// Verify reports whether the answer proves that its sender knows the password behind ha1, for a request of this method and
// body and the URI that the answer names. It takes the same time whichever digit is wrong.
func (a Answer) Verify(ha1, method string, body []byte) bool {
	want := a.Algorithm.response(ha1, proof{nonce: a.Nonce, nc: a.nc, cnonce: a.CNonce, qop: a.QOP, method: method, uri: a.URI, body: body})
	return subtle.ConstantTimeCompare([]byte(want), []byte(a.response)) == 1
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
