package sipctl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

const plainInvite = "INVITE sip:988360046@gw.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Bob\" <sip:101@pbx.example.com>;tag=1928301774\r\n" +
	"To: <sip:988360046@gw.example.com>\r\n" +
	"Call-ID: a84b4c76e66710@pbx\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:101@192.0.2.1:5060>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 5\r\n\r\nv=0\r\n"

const plainAnswer = "SIP/2.0 200 OK\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1\r\n" +
	"From: <sip:101@gw>;tag=1\r\nTo: <sip:9@trunk>;tag=2\r\nCall-ID: 1@gw\r\nCSeq: 1 INVITE\r\n" +
	"Contact: <sip:9@192.0.2.9>\r\nContent-Length: 0\r\n\r\n"

// edited replaces one part of a message by another; a header line by nothing when the other is "".
func edited(message, old, new string) string {
	if !strings.Contains(message, old) {
		panic(old)
	}
	if new == "" {
		old += "\r\n"
	}
	return strings.Replace(message, old, new, 1)
}

// added has one more header line.
func added(message, line string) string { return edited(message, "Call-ID:", line+"\r\nCall-ID:") }

func parse(t testing.TB, message string) sip.Message {
	t.Helper()
	m, err := grammar.NewParser().ParseSIP([]byte(message))
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	return m
}

func TestValidateRequest(t *testing.T) {
	contact, from := "Contact: <sip:101@192.0.2.1:5060>", `From: "Bob" <sip:101@pbx.example.com>;tag=1928301774`
	via, to := "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport", "To: <sip:988360046@gw.example.com>"
	target := "sip:988360046@gw.example.com SIP"
	as := func(method, message string) string { return strings.ReplaceAll(message, "INVITE", method) }
	for _, c := range []struct {
		sentence string
		message  string
		want     string // "" = it passes
	}{
		{"a plain INVITE passes", plainInvite, ""},
		{"so does one with compact names", strings.NewReplacer("Via:", "v:", "From:", "f:", "To:", "t:", "Call-ID:", "i:", "Contact:", "m:", "Content-Type:", "c:", "Content-Length:", "l:").Replace(plainInvite), ""},
		{"and one with parameters in capitals", strings.NewReplacer(";tag=", ";TAG=", ";branch=", ";Branch=", ";rport", ";RPORT").Replace(plainInvite), ""},
		{"and one without Max-Forwards, as of old", edited(plainInvite, "Max-Forwards: 70", ""), ""},
		{"and one without an offer", edited(edited(plainInvite, "Content-Type: application/sdp", ""), "Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n"), ""},
		{"a # in the number is not escaped by any phone", edited(plainInvite, target, "sip:*21#@gw.example.com SIP"), ""},

		{"SIP/7.0 is not spoken", edited(plainInvite, "SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), "505 Version Not Supported"},
		{"nor sip/2.0", edited(plainInvite, "SIP/2.0\r\nVia", "sip/2.0\r\nVia"), "505 Version Not Supported"},
		{"nor SIPX/2.0", edited(plainInvite, "SIP/2.0\r\nVia", "SIPX/2.0\r\nVia"), "505 Version Not Supported"},
		{"an unknown method is not implemented", as("DANCE", plainInvite), "501 Not Implemented"},
		{"the CSeq names the method", edited(plainInvite, "314159 INVITE", "314159 BYE"), "400 CSeq Method Differs"},
		{"in the same letters", edited(plainInvite, "314159 INVITE", "314159 invite"), "400 CSeq Method Differs"},

		{"without From", edited(plainInvite, from, ""), "400 Missing From Header"},
		{"without To", edited(plainInvite, to, ""), "400 Missing To Header"},
		{"without Call-ID", edited(plainInvite, "Call-ID: a84b4c76e66710@pbx", ""), "400 Missing Call-ID Header"},
		{"without CSeq", edited(plainInvite, "CSeq: 314159 INVITE", ""), "400 Missing CSeq Header"},
		{"without Via", edited(plainInvite, via, ""), "400 Missing Via Header"},
		{"without a tag in From", edited(plainInvite, ";tag=1928301774", ";x=1"), "400 Missing From Tag"},
		{"without Contact", edited(plainInvite, contact, ""), "400 Missing Contact Header"},

		{"two From", added(plainInvite, "From: <sip:102@pbx>;tag=2"), "400 Two From Headers"},
		{"one of them compact", added(plainInvite, "f: <sip:102@pbx>;tag=2"), "400 Two From Headers"},
		{"two To", added(plainInvite, "t: <sip:1@gw>"), "400 Two To Headers"},
		{"two Call-ID", added(plainInvite, "i: other"), "400 Two Call-ID Headers"},
		{"two CSeq", added(plainInvite, "CSeq: 2 INVITE"), "400 Two CSeq Headers"},
		{"two Max-Forwards", added(plainInvite, "Max-Forwards: 5"), "400 Two Max-Forwards Headers"},
		{"two Content-Length", added(plainInvite, "l: 5"), "400 Two Content-Length Headers"},
		{"two Content-Type", added(plainInvite, "c: text/plain"), "400 Two Content-Type Headers"},
		{"two Session-Expires, one compact", added(added(plainInvite, "Session-Expires: 90"), "x: 1800"), "400 Two Session-Expires Headers"},
		{"two Subject, one compact", added(added(plainInvite, "Subject: a"), "s: b"), "400 Two Subject Headers"},
		{"two Contact", added(plainInvite, contact), "400 Two Contact Headers"},
		{"two Contact in one", edited(plainInvite, contact, contact+", <sip:102@192.0.2.1>"), "400 Two Contact Headers"},
		{"two From in one", edited(plainInvite, from, from+", <sip:102@pbx>;tag=2"), "400 Malformed From Header"},
		{"two tags", edited(plainInvite, ";tag=1928301774", ";tag=1;Tag=2"), "400 Malformed From Header"},
		{"many Via are a proxy's path", edited(plainInvite, via, via+strings.Repeat("\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK2", 69)), ""},
		{"but not this many", edited(plainInvite, via, via+strings.Repeat("\r\nVia: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK2", 70)), "400 Too Many Via Headers"},

		{"another scheme", edited(plainInvite, target, "http://gw.example.com SIP"), "416 Unsupported URI Scheme"},
		{"a tel URI has no host to be ours", edited(plainInvite, target, "tel:+4930123 SIP"), "416 Unsupported URI Scheme"},
		{"headers in the Request-URI", edited(plainInvite, target, "sip:9@gw?Route=%3Csip:x%3E SIP"), "400 Headers In Request-URI"},
		{"a port that is none", edited(plainInvite, target, "sip:9@gw:99999999 SIP"), "400 Malformed Request-URI"},
		{"a negative port", edited(plainInvite, target, "sip:9@gw:-1 SIP"), "400 Malformed Request-URI"},
		{"no host", edited(plainInvite, target, "sip:9@ SIP"), "400 Malformed Request-URI"},
		{"a quote in the number", edited(plainInvite, target, `sip:9"9@gw SIP`), "400 Malformed Request-URI"},

		{"a branch that says nothing", edited(plainInvite, "z9hG4bK776asdhds", "z9hG4bK"), "400 Malformed Via Header"},
		{"a branch of an old client", edited(plainInvite, "z9hG4bK776asdhds", "390skdjuw"), ""},
		{"a Via of another protocol", edited(plainInvite, via, "Via: HTTP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"), "400 Malformed Via Header"},
		{"of another version", edited(plainInvite, via, "Via: SIP/3.0/UDP 192.0.2.1;branch=z9hG4bK1"), "400 Malformed Via Header"},
		{"without a host", edited(plainInvite, via, "Via: SIP/2.0/UDP ;branch=z9hG4bK1"), "400 Malformed Via Header"},
		{"with a port that is none", edited(plainInvite, "192.0.2.1:5060;branch", "192.0.2.1:port;branch"), "400 Malformed Via Header"},
		{"a Call-ID with a space", edited(plainInvite, "a84b4c76e66710@pbx", "a b"), "400 Malformed Call-ID Header"},
		{"an endless Call-ID", edited(plainInvite, "a84b4c76e66710@pbx", strings.Repeat("a", 513)), "400 Identifier Too Long"},
		{"an endless tag", edited(plainInvite, "1928301774", strings.Repeat("a", 513)), "400 Identifier Too Long"},
		{"an endless branch", edited(plainInvite, "776asdhds", strings.Repeat("a", 513)), "400 Malformed Via Header"},
		{"a tag that is no token", edited(plainInvite, "tag=1928301774", `tag="a"`), "400 Malformed Tag"},
		{"a CSeq past 2**31", edited(plainInvite, "314159 INVITE", "2147483648 INVITE"), "400 Malformed CSeq Header"},
		{"a display name with a comma", edited(plainInvite, `"Bob"`, "Bell, Alexander"), "400 Malformed From Header"},
		{"a date in another zone", added(plainInvite, "Date: Fri, 01 Jan 2010 16:00:00 EST"), "400 Malformed Date Header"},
		{"a date", added(plainInvite, "Date: Fri, 01 Jan 2010 16:00:00 GMT"), ""},
		{"a line end inside a value", added(plainInvite, "Subject: a\nP-Asserted-Identity: <sip:vip@pbx>"), "400 Malformed Subject Header"},
		{"a NUL in an unknown header", added(plainInvite, "X-A: a\x00b"), "400 Malformed X-A Header"},
		{"a Record-Route to nowhere", added(plainInvite, "Record-Route: <sip:a b>"), "400 Malformed Record-Route Header"},

		{"a Contact that is no SIP URI", edited(plainInvite, contact, "Contact: <tel:+4930123>"), "400 Malformed Contact Header"},
		{"a Contact with headers", edited(plainInvite, contact, "Contact: <sip:101@192.0.2.1?Route=x>"), "400 Malformed Contact Header"},
		{"a Contact of everything", edited(plainInvite, contact, "Contact: *"), "400 Malformed Contact Header"},
		{"a BYE needs none", as("BYE", edited(plainInvite, contact, "")), ""},
		{"a registration may have many", as("REGISTER", added(plainInvite, "Contact: <sip:2@b?Route=x>")), ""},
		{"or end all", as("REGISTER", edited(plainInvite, contact, "Contact: *")), ""},

		{"a body of no type", edited(plainInvite, "Content-Type: application/sdp", ""), "400 Missing Content-Type Header"},
		{"a type that is none", edited(plainInvite, "application/sdp", "sdp"), "400 Malformed Content-Type Header"},
		{"an INVITE with text", edited(plainInvite, "application/sdp", "text/plain"), "415 Unsupported Media Type"},
		{"unless it is optional", added(edited(plainInvite, "application/sdp", "text/plain"), "Content-Disposition: render; handling=optional"), ""},
		{"several parts may hold SDP", edited(plainInvite, "application/sdp", "Multipart/Mixed; boundary=x"), ""},
		{"an INFO may carry anything", as("INFO", edited(plainInvite, "application/sdp", "application/dtmf-relay")), ""},
		{"who takes no SDP in return", added(plainInvite, "Accept: text/nobodyKnowsThis"), "406 Not Acceptable"},
		{"who takes nothing", added(plainInvite, "Accept: "), "406 Not Acceptable"},
		{"who takes it among others", added(plainInvite, "Accept: text/plain, application/sdp;level=1"), ""},
		{"who takes all", added(plainInvite, "Accept: */*"), ""},

		{"a hop too many", edited(plainInvite, "Max-Forwards: 70", "Max-Forwards: 0"), "483 Too Many Hops"},
		{"which ends nothing that ends here", as("BYE", edited(plainInvite, "Max-Forwards: 70", "Max-Forwards: 0")), ""},
		{"an unknown demand", added(plainInvite, "Require: teleport, timer"), "420 Bad Extension"},
		{"also of proxies", added(plainInvite, "Proxy-Require: teleport"), "420 Bad Extension"},
		{"a known one", added(plainInvite, "Require: timer"), ""},
		{"an ACK demands nothing", as("ACK", added(plainInvite, "Require: teleport")), ""},
	} {
		got := ""
		if r := validateRequest(parse(t, c.message).(*sip.Request)); r != nil {
			got = fmt.Sprint(r.code, " ", r.phrase)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.sentence, got, c.want)
		}
	}
}

func TestRejectionsSayWhatWouldDo(t *testing.T) {
	for message, want := range map[string]string{
		added(plainInvite, "Require: Teleport, timer, x,x"):     "Unsupported: teleport, x\r\n",
		edited(plainInvite, "application/sdp", "text/plain"):    acceptBodies + "\r\n",
		added(plainInvite, "Accept: text/plain"):                acceptBodies + "\r\n",
		strings.ReplaceAll(plainInvite, "INVITE", "NEWMETHOD"):  "Allow: " + allowed + "\r\n",
		added(plainInvite, "Require: a\"b, c\x7fd, e"):          "",
		edited(plainInvite, "314159 INVITE", "314159 CANCELED"): "",
	} {
		r := validateRequest(parse(t, message).(*sip.Request))
		if r == nil || string(r.headers) != want {
			t.Errorf("%q: got %+v", message, r)
		}
	}
}

func TestValidateResponse(t *testing.T) {
	via := "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1"
	for _, c := range []struct {
		sentence string
		message  string
		good     bool
	}{
		{"a plain answer", plainAnswer, true},
		{"an unknown code of a known class", edited(plainAnswer, "200 OK", "299 Fine"), true},
		{"no phrase", edited(plainAnswer, "200 OK", "200 "), true},
		{"no tag in To, as of old", edited(plainAnswer, ";tag=2", ";x=1"), true},
		{"no Contact, as from old gateways", edited(plainAnswer, "Contact: <sip:9@192.0.2.9>", ""), true},
		{"where a redirection leads", edited(edited(plainAnswer, "200 OK", "302 Moved"), "<sip:9@192.0.2.9>", "<sip:1@a>, <tel:2>"), true},
		{"a version that is not ours", edited(plainAnswer, "SIP/2.0 200", "SIP/3.0 200"), false},
		{"a code that is none", edited(plainAnswer, "200 OK", "99 What"), false},
		{"a code past all", edited(plainAnswer, "200 OK", "700 What"), false},
		{"another hop's Via", edited(plainAnswer, via, via+"\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"), false},
		{"no Via", edited(plainAnswer, via, ""), false},
		{"no CSeq", edited(plainAnswer, "CSeq: 1 INVITE", ""), false},
		{"two To", added(plainAnswer, "t: <sip:9@trunk>;tag=3"), false},
		{"an endless tag", edited(plainAnswer, "tag=2", "tag="+strings.Repeat("2", 513)), false},
		{"a tag that is no token", edited(plainAnswer, "tag=2", `tag="2;x"`), false},
		{"an injected line", added(plainAnswer, "Server: a\nP-Asserted-Identity: <sip:vip@pbx>"), false},
	} {
		if err := validateResponse(parse(t, c.message).(*sip.Response)); (err == nil) != c.good {
			t.Errorf("%s: %v", c.sentence, err)
		}
	}
}

// What was parsed by other means, without our grammar, is held to the same rules.
func TestValidateDoesNotTrustTheParser(t *testing.T) {
	for _, message := range []string{
		added(plainInvite, "k: a\nb"), added(plainInvite, "f: <sip:2@pbx>;tag=2"), edited(plainInvite, "<sip:101@192.0.2.1:5060>", "<tel:1>"),
		added(plainInvite, "Require: teleport"), added(plainInvite, "Date: x"),
	} {
		m, err := sip.ParseMessage([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		if validateRequest(m.(*sip.Request)) == nil {
			t.Errorf("%q passes", message)
		}
	}
}

func BenchmarkValidateRequest(b *testing.B) {
	req := parse(b, plainInvite).(*sip.Request)
	b.ReportAllocs()
	for b.Loop() {
		if validateRequest(req) != nil {
			b.Fatal("refused")
		}
	}
}
