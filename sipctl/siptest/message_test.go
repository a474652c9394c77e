package siptest

import (
	"errors"
	"strings"
	"testing"
)

const invite = "INVITE sip:988@192.0.2.1:5070;user=phone SIP/2.0\r\n" +
	"v: SIP/2.0/UDP 192.0.2.7:5066 ;Branch=z9hG4bKa;rport, SIP/2.0/TCP [2001:db8::1];branch=z9hG4bKb\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKc\r\n" +
	"f: \"A <b>;tag=no, \\\"c\\\"\" <sip:101:pw@h;tag=inside>;TAG=abc\r\n" +
	"To : <sip:988@h>\r\n" +
	"i: id@h\r\n" +
	"CSeq: 7  INVITE\r\n" +
	"Subject: folded\r\n   over two lines\r\n" +
	"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n" +
	"l: 4\r\n\r\nbodyand more"

func TestParse(t *testing.T) {
	m, err := Parse(invite)
	if err != nil {
		t.Fatal(err)
	}
	n, method := m.CSeq()
	for _, c := range []struct{ what, got, want string }{
		{"method", m.Method, "INVITE"},
		{"request URI", m.URI, "sip:988@192.0.2.1:5070;user=phone"},
		{"user", User(m.URI), "988"},
		{"branch of the topmost Via, any case", m.Branch(), "z9hG4bKa"},
		{"From tag, not the one in the name or the URI", m.FromTag(), "abc"},
		{"From URI", AddressURI(m.Get("From")), "sip:101:pw@h;tag=inside"},
		{"From user without its password", User(AddressURI(m.Get("From"))), "101"},
		{"no To tag", m.ToTag(), ""},
		{"Call-ID in its compact form", m.CallID(), "id@h"},
		{"CSeq method", method, "INVITE"},
		{"folded line", m.Get("s"), "folded over two lines"},
		{"list", strings.Join(m.All("record-route"), " "), "<sip:p1;lr> <sip:p2;lr>"},
		{"body by its length", m.Body, "body"},
		{"no such header", m.Get("X-None"), ""},
		{"a line for the log", m.String(), "INVITE sip:988@192.0.2.1:5070;user=phone"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if n != 7 || !m.IsRequest() || len(m.All("Via")) != 3 {
		t.Errorf("CSeq %d, Vias %q", n, m.All("Via"))
	}
}

func TestParseIsStrict(t *testing.T) {
	for _, c := range []struct {
		what     string
		from, to string // a change to the good INVITE
		want     error
	}{
		{"no end of headers", "\r\n\r\nbodyand more", "", errTruncated},
		{"another version", "SIP/2.0\r\nv:", "SIP/7.0\r\nv:", errStartLine},
		{"no request URI", "sip:988@192.0.2.1:5070;user=phone ", "", errStartLine},
		{"a status code of two digits", "INVITE sip:988@192.0.2.1:5070;user=phone SIP/2.0", "SIP/2.0 99 Low", errStartLine},
		{"a bare LF in a header", "To : <", "To : \n<", errHeaderLine},
		{"a bare CR in a header", "To : <", "To : \r<", errHeaderLine},
		{"a line without a colon", "i: id@h", "id@h", errHeaderLine},
		{"a folded line before any header", "v: SIP/2.0/UDP", " v: SIP/2.0/UDP", errHeaderLine},
		{"no Call-ID", "i: id@h\r\n", "", errMissing},
		{"two Call-IDs", "i: id@h\r\n", "i: id@h\r\nCall-ID: other\r\n", errRepeated},
		{"two Content-Lengths", "l: 4", "l: 4\r\nContent-Length: 3", errRepeated},
		{"a CSeq of another method", "7  INVITE", "7 BYE", errCSeq},
		{"a CSeq past 32 bits", "CSeq: 7", "CSeq: 4294967296", errCSeq},
		{"a length past the end", "l: 4", "l: 400", errLength},
		{"a negative length", "l: 4", "l: -4", errLength},
	} {
		broken := strings.Replace(invite, c.from, c.to, 1)
		if broken == invite {
			t.Fatalf("%s: nothing was changed", c.what)
		}
		if _, err := Parse(broken); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ uri, addr, user string }{
		{"sip:101@127.0.0.1:5070;transport=tcp", "127.0.0.1:5070", "101"},
		{"sips:127.0.0.1", "127.0.0.1:5060", ""},
		{"sip:a%20b@[::1]:7;lr?x=y", "[::1]:7", "a%20b"},
		{"sip:a@[::1]", "[::1]:5060", "a"},
		{"sip:a@example.com", "", "a"},
		{"tel:+4930", "", "+4930"},
		{"", "", ""},
	} {
		addr, found := hostPort(c.uri)
		if found != (c.addr != "") || found && addr.String() != c.addr || User(c.uri) != c.user {
			t.Errorf("%q: %s %t %q", c.uri, addr, found, User(c.uri))
		}
	}
}

func TestTheAnswerGoesWhereTheViaSays(t *testing.T) {
	at := func(via string) (string, string) {
		m, err := Parse(strings.Replace(invite, "v: SIP/2.0/UDP 192.0.2.7:5066 ;Branch=z9hG4bKa;rport,", "v: "+via+",", 1))
		if err != nil {
			t.Fatal(err)
		}
		m.Source, _ = parseHostPort("127.0.0.9:4444")
		m.from.addr = m.Source
		answer, err := Parse(string(writeReply(m, 200, "", "mine", "", nil, Body{})))
		if err != nil {
			t.Fatal(err)
		}
		if vias := answer.All("Via"); len(vias) != 3 || vias[1] != "SIP/2.0/TCP [2001:db8::1];branch=z9hG4bKb" {
			t.Errorf("the other Vias became %q", vias[1:])
		}
		return replyTo(m).addr.String(), answer.All("Via")[0]
	}
	for _, c := range []struct{ via, to, written string }{
		{"SIP/2.0/UDP h:5066;branch=z;rport", "127.0.0.9:4444", "SIP/2.0/UDP h:5066;branch=z;rport=4444;received=127.0.0.9"},
		{"SIP/2.0/UDP h:5066;branch=z", "127.0.0.9:5066", "SIP/2.0/UDP h:5066;branch=z;received=127.0.0.9"},
		{"SIP/2.0/UDP [::1];branch=z", "127.0.0.9:5060", "SIP/2.0/UDP [::1];branch=z;received=127.0.0.9"},
	} {
		if to, written := at(c.via); to != c.to || written != c.written {
			t.Errorf("%s: to %s, %q", c.via, to, written)
		}
	}
}

// FuzzParse: no input makes the parser panic, and what it accepts can be answered with a message that it accepts too.
func FuzzParse(f *testing.F) {
	f.Add(invite)
	f.Add("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: a\r\nTo: b;tag=1\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n")
	f.Add("OPTIONS sip:h SIP/2.0\r\nv: x;rport, \"y,\r\nf: <\r\nt: \"\\\r\ni: ,\r\nCSeq: 0 OPTIONS\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := Parse(raw)
		if err != nil {
			return
		}
		for _, h := range m.Headers {
			User(AddressURI(h.Value))
			hostPort(AddressURI(h.Value))
			splitList(h.Value)
		}
		replyTo(m)
		if !m.IsRequest() {
			return
		}
		answer, err := Parse(string(writeReply(m, 200, "", "mine", "<sip:me>", nil, Body{})))
		if err != nil {
			t.Fatalf("%q is answered with something malformed: %v", raw, err)
		}
		if answer.CallID() != m.CallID() || answer.Branch() != m.Branch() || answer.ToTag() == "" && m.ToTag() != "" {
			t.Errorf("%q is answered as %q", raw, answer.Headers)
		}
	})
}
