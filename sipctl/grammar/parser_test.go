package grammar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// parsed makes a request of header lines, as the parser reads it.
func parsed(t testing.TB, lines ...string) *sip.Request {
	t.Helper()
	m, err := NewParser().ParseSIP([]byte("OPTIONS sip:pbx SIP/2.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*sip.Request)
}

func TestHeadersAreReadStrictly(t *testing.T) {
	for _, c := range []struct {
		sentence string
		line     string
		want     string // Go type and value; a generic header is one that the grammar refuses
	}{
		{"From", "From: Bob<sip:1@pbx>; TAG = x", `*sip.FromHeader From "Bob" <sip:1@pbx>;tag=x`},
		{"its compact form", "f: <sip:1@pbx>;tag=x", `*sip.FromHeader From <sip:1@pbx>;tag=x`},
		{"a From that is none", "f: \"Bob <sip:1@pbx>", `*sip.genericHeader From "Bob <sip:1@pbx>`},
		{"To", "T : sip:1@pbx", `*sip.ToHeader To <sip:1@pbx>`},
		{"Contact", "m: <sip:1@192.0.2.1:5062;transport=tcp>;expires=60", `*sip.ContactHeader Contact <sip:1@192.0.2.1:5062;transport=tcp>;expires=60`},
		{"the Contact that ends a registration", "Contact: *", `*sip.ContactHeader Contact *`},
		{"CSeq", "CSEQ: 0009 \t INVITE", `*sip.CSeqHeader CSeq 9 INVITE`},
		{"a CSeq of 2**31", "CSeq: 2147483648 INVITE", `*sip.genericHeader CSeq 2147483648 INVITE`},
		{"a CSeq with more behind", "CSeq: 1 INVITE 2", `*sip.genericHeader CSeq 1 INVITE 2`},
		{"Call-ID", "i: a84b@pbx", `*sip.CallIDHeader Call-ID a84b@pbx`},
		{"a Call-ID of two words", "Call-ID: a b", `*sip.genericHeader Call-ID a b`},
		{"Max-Forwards", "Max-Forwards: 0068", `*sip.MaxForwardsHeader Max-Forwards 68`},
		{"an endless path", "Max-Forwards: 256", `*sip.genericHeader Max-Forwards 256`},
		{"a negative length", "l: -1", `*sip.genericHeader Content-Length -1`},
		{"Via in pieces", "v: SIP / 2.0 / UDP 192.0.2.1 : 5060 ; BRANCH = z9hG4bK1", `*sip.ViaHeader Via SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1`},
		{"Via over IPv6", "v: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1", `*sip.ViaHeader Via SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1`},
		{"Via with a quoted value", `v: SIP/2.0/UDP a;x="b,;c";branch=z9hG4bK1`, `*sip.ViaHeader Via SIP/2.0/UDP a;x="b,;c";branch=z9hG4bK1`},
		{"Via without a host", "v: SIP/2.0/UDP ;branch=z9hG4bK1", `*sip.genericHeader Via SIP/2.0/UDP ;branch=z9hG4bK1`},
		{"Via with an open bracket", "v: SIP/2.0/UDP [::1;branch=z9hG4bK1", `*sip.genericHeader Via SIP/2.0/UDP [::1;branch=z9hG4bK1`},
		{"Via with a port that is none", "v: SIP/2.0/UDP a:70000", `*sip.genericHeader Via SIP/2.0/UDP a:70000`},
		{"Via without a space", "v: SIP/2.0/UDP;branch=z9hG4bK1", `*sip.genericHeader Via SIP/2.0/UDP;branch=z9hG4bK1`},
		{"Via of two parts", "v: SIP/2.0 a", `*sip.genericHeader Via SIP/2.0 a`},
		{"Via in other letters", "v: SIP/2.0/UDP 192.0.2.1:5060;BRANCH= z9hG4bK1 ;Rport", `*sip.ViaHeader Via SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport`},
		{"two branches", "Via: SIP/2.0/UDP a;branch=1;Branch=2", `*sip.genericHeader Via SIP/2.0/UDP a;branch=1;Branch=2`},
		{"separators without values", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,", `*sip.genericHeader Via ;,,`},
		{"a control character", "From: \"a\x0bb\" <sip:1@pbx>", "*sip.genericHeader From \"a\x0bb\" <sip:1@pbx>"},
		{"an unknown header is text", "X-Account: 1;2,3", `*sip.genericHeader X-Account 1;2,3`},
	} {
		var got []string
		for _, h := range parsed(t, c.line).Headers() {
			got = append(got, fmt.Sprintf("%T %s %s", h, h.Name(), h.Value()))
		}
		switch c.sentence {
		case "a negative length":
			got = got[:1] // the parser adds what is true
		case "separators without values":
			got = got[1:] // the hop before them is one
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %q", c.sentence, got)
		}
	}
}

func TestListsOfContacts(t *testing.T) {
	var users []string
	for _, h := range parsed(t, `m: "a, b" <sip:1@a>;q=1 ,sip:2@b;x, <sip:3@c>`).Headers() {
		users = append(users, h.(*sip.ContactHeader).Address.User)
	}
	if got := strings.Join(users, " "); got != "1 2 3" {
		t.Errorf("got %q", got)
	}
}

func TestListsOfVias(t *testing.T) {
	req := parsed(t, "v: SIP/2.0/UDP a;BRANCH=1, SIP/2.0/TCP b ;branch=2", "Via: SIP/2.0/TLS c;branch=3")
	var hops []string
	for _, h := range req.Headers() {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			t.Fatalf("%T", h)
		}
		branch, _ := via.Params.Get("branch")
		hops = append(hops, via.Transport+via.Host+branch)
	}
	if got := strings.Join(hops, " "); got != "UDPa1 TCPb2 TLSc3" || req.Via().Host != "a" {
		t.Errorf("got %q", got)
	}
}

// All registered compact forms are expanded, whoever asks.
func TestCompactForms(t *testing.T) {
	if got := len(compact); got != 20 {
		t.Fatalf("%d compact forms, want 20", got)
	}
	for _, c := range compact {
		for _, letter := range []string{string(c.letter), strings.ToUpper(string(c.letter))} {
			headers := parsed(t, letter+": x/y").Headers()
			if len(headers) == 0 || headers[0].Name() != c.long {
				t.Errorf("%s is %v, want %s", letter, headers, c.long)
			}
			if LongName(letter) != strings.ToLower(c.long) || FullName(letter) != c.long {
				t.Errorf("%s: LongName %q, FullName %q", letter, LongName(letter), FullName(letter))
			}
		}
	}
	for name, want := range map[string]string{"SUPPORTED": "supported", "X-Y": "x-y", "z": "z", "CSeq": "cseq", "": ""} {
		if got := LongName(name); got != want {
			t.Errorf("LongName(%q) = %q", name, got)
		}
	}
}

func TestTokens(t *testing.T) {
	headers := []sip.Header{sip.NewHeader("k", "100rel, Timer"), sip.NewHeader("Subject", "x"), sip.NewHeader("SUPPORTED", " ,replaces,")}
	if got := strings.Join(Tokens(headers, "supported"), " "); got != "100rel timer replaces" {
		t.Errorf("got %q", got)
	}
	if h := Header(headers, "supported"); h != headers[0] {
		t.Errorf("got %v", h)
	}
	if h := Header(headers, "require"); h != nil {
		t.Errorf("got %v", h)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{"plain": "plain", "a\r\nb": "a  b", "Grüße": "Grüße", "\xffx": "\uFFFDx", "a\u0085b\u2028c": "a b c", "a\tb": "a b"} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q", text, got)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	invite := []byte("INVITE sip:988360046@gw.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n" +
		"Max-Forwards: 70\r\nFrom: \"Bob\" <sip:101@pbx.example.com>;tag=1928301774\r\nTo: <sip:988360046@gw.example.com>\r\nCall-ID: a84b4c76e66710@pbx\r\n" +
		"CSeq: 314159 INVITE\r\nContact: <sip:101@192.0.2.1:5060>\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n")
	for name, parser := range map[string]*sip.Parser{"ours": NewParser(), "library": sip.NewParser()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseSIP(invite); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
