package digest

import (
	"strings"
	"testing"
)

// FuzzParseChallenge: what is understood can be answered, and the answer proves the password.
func FuzzParseChallenge(f *testing.F) {
	for _, e := range examples {
		f.Add(e.challenge)
	}
	f.Add("dIGEST\tREALM = \"a\\\"b\" ,, Nonce=\"\\\\\",QOP=\"auth-conf,auth-int\" , Stale=TRUE,algorithm=\"sha-256\",")
	f.Fuzz(func(t *testing.T, value string) {
		c, err := ParseChallenge(value)
		if err != nil {
			return
		}
		line, err := c.Answer(Credentials{"101", "secret"}, "INVITE", "sip:1@h", 1, "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("a header with a line end: %q", line)
		}
		if len(value) > maxValue/2 {
			return // with our own parts it may be longer than we read
		}
		a, err := ParseAnswer(line)
		if err != nil {
			t.Fatalf("%q to %q: %v", line, value, err)
		}
		if a.Nonce != c.Nonce || a.Realm != c.Realm || a.Opaque != c.Opaque || !a.Verify(HA1(c.Algorithm, "101", c.Realm, "secret"), "INVITE", nil) {
			t.Fatalf("%q does not answer %q", line, value)
		}
	})
}

// FuzzParseAnswer: nothing that is understood proves a password that its sender does not have.
func FuzzParseAnswer(f *testing.F) {
	for _, e := range examples {
		c, err := ParseChallenge(e.challenge)
		if err != nil {
			f.Fatal(err)
		}
		line, err := c.Answer(e.who, e.method, e.uri, 1, e.cnonce, []byte(e.body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a, err := ParseAnswer(value)
		if err != nil {
			return
		}
		if a.QOP != "" && (a.CNonce == "" || len(a.nc) != 8) {
			t.Fatalf("%q: %+v", value, a)
		}
		if a.Verify(HA1(a.Algorithm, a.Username, a.Realm, "a password that no seed has"), "INVITE", nil) {
			t.Fatalf("%q proves a password", value)
		}
	})
}
