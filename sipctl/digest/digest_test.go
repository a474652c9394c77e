package digest

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Worked examples: RFC 2617 §3.5, RFC 7616 §3.9.1, and those of SIP from draft-smith-sipping-auth-examples-01.
var examples = []struct {
	name, challenge string
	who             Credentials
	method, uri     string
	cnonce          string
	body            string
	response        string
}{
	{"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		Credentials{"Mufasa", "Circle Of Life"}, "GET", "/dir/index.html", "0a4f113b", "", "6629fae49393a05397450978507c4ef1"},
	{"RFC 7616 with MD5", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		Credentials{"Mufasa", "Circle of Life"}, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "", "8ca523f5e9506fed4657c9700eebdbec"},
	{"RFC 7616 with SHA-256", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		Credentials{"Mufasa", "Circle of Life"}, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	{"SIP without qop", `Digest realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		Credentials{"bob", "zanzibar"}, "INVITE", "sip:bob@biloxi.com", "0a4f113b", "", "bf57e4e0d0bffc0fbaedce64d59add5e"},
	{"SIP with qop", `Digest realm="biloxi.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		Credentials{"bob", "zanzibar"}, "INVITE", "sip:bob@biloxi.com", "0a4f113b", "", "89eb0059246c02b2f6ee02c7961d5ea3"},
	{"SIP with the body", `Digest realm="biloxi.com", qop="auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		Credentials{"bob", "zanzibar"}, "INVITE", "sip:bob@biloxi.com", "0a4f113b",
		"v=0\r\no=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\ns=-\r\nc=IN IP4 media.biloxi.com\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n",
		"bdbeebb2da6adb6bca02599c2239e192"},
}

func TestWorkedExamples(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			c, err := ParseChallenge(e.challenge)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParseChallenge(c.String()); err != nil || !reflect.DeepEqual(again, c) {
				t.Errorf("%s is read as %+v, %v; want %+v", c, again, err, c)
			}
			value, err := c.Answer(e.who, e.method, e.uri, 1, e.cnonce, []byte(e.body))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(value, `response="`+e.response+`"`) {
				t.Errorf("%s\nwant response %s", value, e.response)
			}
			if strings.Contains(value, "algorithm=") != strings.Contains(e.challenge, "algorithm=") {
				t.Errorf("%s names an algorithm as the challenge does not", value)
			}
			a, err := ParseAnswer(value)
			if err != nil {
				t.Fatal(err)
			}
			ha1 := HA1(c.Algorithm, e.who.Username, c.Realm, e.who.Password)
			if !a.Verify(ha1, e.method, []byte(e.body)) {
				t.Error("the right answer is refused")
			}
			if a.Verify(ha1, "BYE", []byte(e.body)) || a.Verify(HA1(c.Algorithm, e.who.Username, c.Realm, "guess"), e.method, []byte(e.body)) {
				t.Error("the answer is good for another method or password")
			}
			if a.Verify(ha1, e.method, []byte(e.body+"x")) != (a.QOP != AuthInt) {
				t.Error("the body counts with auth-int, and only then")
			}
		})
	}
}

func TestChallenges(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        Challenge
		fault       string // what the error says
	}{
		{"spelled as nobody does", "dIGEST\tREALM = \"a\" ,, Nonce=\"b\",QOP=AUTH , Stale=TRUE,algorithm=\"sha-256\", domain=\"sip:x\", charset=UTF-8,", Challenge{Realm: "a", Nonce: "b", Stale: true, Algorithm: SHA256, QOP: []string{Auth}}, ""},
		{"quoted pairs stay as they are", `Digest realm="a\"b", nonce="b"`, Challenge{Realm: `a\"b`, Nonce: "b", Algorithm: MD5}, ""},
		{"an empty qop is none", `Digest realm="a", nonce="b", qop=""`, Challenge{Realm: "a", Nonce: "b", Algorithm: MD5}, ""},
		{"an unknown qop beside a known one", `Digest realm="a", nonce="b", qop="auth-conf,auth-int"`, Challenge{Realm: "a", Nonce: "b", Algorithm: MD5, QOP: []string{AuthInt}}, ""},
		{"an unknown qop alone", `Digest realm="a", nonce="b", qop="auth-conf"`, Challenge{}, "not supported"},
		{"session algorithm", `Digest realm="a", nonce="b", algorithm=MD5-sess`, Challenge{}, "not supported"},
		{"another scheme", `Basic realm="a"`, Challenge{}, "not Digest"},
		{"a longer scheme", `Digests realm="a", nonce="b"`, Challenge{}, "not Digest"},
		{"nothing", ``, Challenge{}, "not Digest"},
		{"no nonce", `Digest realm="a"`, Challenge{}, "missing"},
		{"twice", `Digest realm="a", nonce="b", Nonce="c"`, Challenge{}, "twice"},
		{"open quotes", `Digest realm="a", nonce="b\"`, Challenge{}, "not closed"},
		{"no comma", `Digest realm="a" nonce="b"`, Challenge{}, "comma"},
		{"no value", `Digest realm=, nonce="b"`, Challenge{}, "no value"},
		{"a line end", "Digest realm=\"a\r\nX: y\", nonce=\"b\"", Challenge{}, "control"},
		{"too long", `Digest realm="` + strings.Repeat("a", maxValue) + `"`, Challenge{}, "longer"},
		{"too many", `Digest ` + strings.Repeat("a", 1) + `=b` + manyParameters(), Challenge{}, "more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseChallenge(c.value)
			got.bare = false
			switch {
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("error %v, want one that says %q", err, c.fault)
			case c.fault == "" && (err != nil || got.Realm != c.want.Realm || got.Nonce != c.want.Nonce || got.Stale != c.want.Stale ||
				got.Algorithm != c.want.Algorithm || !slices.Equal(got.QOP, c.want.QOP)):
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func manyParameters() string {
	var b strings.Builder
	for i := range maxParameters {
		b.WriteString(", p" + strings.Repeat("x", i+1) + "=1")
	}
	return b.String()
}

func TestTheStrongestChallengeIsChosen(t *testing.T) {
	const md5, sha, sess = `Digest realm="a", nonce="m"`, `Digest realm="a", nonce="s", algorithm=SHA-256`, `Digest realm="a", nonce="x", algorithm=SHA-256-sess`
	for _, c := range []struct {
		values []string
		nonce  string
	}{
		{[]string{md5, sha}, "s"}, {[]string{sha, md5}, "s"}, {[]string{sess, md5}, "m"}, {[]string{`Basic realm="b"`, sha}, "s"},
		{[]string{`Digest realm="a", nonce="first"`, md5}, "first"},
	} {
		if got, err := Choose(c.values); err != nil || got.Nonce != c.nonce {
			t.Errorf("of %q chosen: %q, %v", c.values, got.Nonce, err)
		}
	}
	if _, err := Choose([]string{sess}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("only -sess: %v", err)
	}
	if _, err := Choose(nil); err == nil {
		t.Error("something is chosen of nothing")
	}
}

func TestAnswers(t *testing.T) {
	const good = `Digest username="101", realm="tollgate", nonce="n", uri="sip:1@h", response="00112233445566778899aabbccddeeff"`
	for _, c := range []struct{ name, value, fault string }{
		{"of RFC 2069", good, ""},
		{"with qop", good + `, qop=auth, nc=00000001, cnonce="x"`, ""},
		{"in capitals", strings.ToUpper(good[7:len(good)-34]) + `"00112233445566778899AABBCCDDEEFF"`, "not Digest"},
		{"qop without count", good + `, qop=auth, cnonce="x"`, "nc or cnonce"},
		{"qop with a short count", good + `, qop=auth, nc=1, cnonce="x"`, "nc or cnonce"},
		{"qop with no count", good + `, qop=auth, nc=0000000g, cnonce="x"`, "nc or cnonce"},
		{"qop without cnonce", good + `, qop=auth, nc=00000001, cnonce=""`, "nc or cnonce"},
		{"another qop", good + `, qop=auth-conf, nc=00000001, cnonce="x"`, "not supported"},
		{"a hash of the wrong length", good + `, algorithm=SHA-256`, "no hash"},
		{"an unknown algorithm", good + `, algorithm=MD4`, "not supported"},
		{"no hash", strings.Replace(good, "0011", "zz11", 1), "no hash"},
		{"no user", strings.Replace(good, "username", "name", 1), "username is missing"},
	} {
		_, err := ParseAnswer(c.value)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fault)
		}
	}
}

func TestNothingIsWrittenThatCannotBeRead(t *testing.T) {
	c := Challenge{Realm: "a", Nonce: "b", Algorithm: MD5, QOP: []string{Auth}}
	for _, name := range []string{"", `a"b`, `a\`, "a\r\nX: y"} {
		if value, err := c.Answer(Credentials{name, "p"}, "INVITE", "sip:1@h", 1, "x", nil); err == nil {
			t.Errorf("user %q: %s", name, value)
		}
	}
	value, err := c.Answer(Credentials{"Ännchen", `p"\:`}, "INVITE", "sip:1@h", 0xfedcba98, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseAnswer(value)
	if err != nil || a.Count != 0xfedcba98 || !a.Verify(HA1(MD5, "Ännchen", "a", `p"\:`), "INVITE", nil) {
		t.Errorf("%s: %+v, %v", value, a, err)
	}
}
