package siptest

import (
	"strings"

	"tollgate/sipctl/digest"
)

const maxChallenges = 3 // that one request answers: the first, and outdated nonces after it

// Digest answers challenges as a phone with this name and password does: the strongest algorithm that is offered, each
// nonce for one request (RFC 7616, RFC 8760).
func Digest(username, password string) Authorizer {
	return func(challenge *Message, method, uri string) (Header, bool) {
		asked, answer := "WWW-Authenticate", "Authorization"
		if challenge.Code == 407 {
			asked, answer = "Proxy-Authenticate", "Proxy-Authorization"
		}
		var values []string
		for _, h := range challenge.Headers {
			if sameName(h.Name, asked) {
				values = append(values, h.Value)
			}
		}
		c, err := digest.Choose(values)
		if err != nil {
			return Header{}, false
		}
		value, err := c.Answer(digest.Credentials{Username: username, Password: password}, method, uri, 1, "0a4f113b", nil)
		return Header{answer, value}, err == nil
	}
}

// challenged reports whether a response asks for credentials that are worth giving, after so many that were given: a second
// time only where the nonce was outdated (RFC 7616 §3.3).
func challenged(m *Message, given int) bool {
	if m == nil || m.Code != 401 && m.Code != 407 || given >= maxChallenges {
		return false
	}
	if given == 0 {
		return true
	}
	for _, h := range m.Headers {
		if c, err := digest.ParseChallenge(h.Value); err == nil && c.Stale && strings.HasSuffix(strings.ToLower(h.Name), "-authenticate") {
			return true
		}
	}
	return false
}
