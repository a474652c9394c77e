package sipctl

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

// passedLines are the header lines that pass of a message.
func passedLines(t testing.TB, message string, from origin, except ...string) []string {
	t.Helper()
	var out text
	switch m := parse(t, message).(type) {
	case *sip.Request:
		out.passed(m.Headers(), from, except...)
	case *sip.Response:
		out.passed(m.Headers(), from, except...)
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\r\n"), "\r\n")
}

func TestPassedHeaders(t *testing.T) {
	bodiless := edited(edited(plainInvite, "Content-Type: application/sdp", ""), "Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n")
	for _, c := range []struct {
		sentence string
		line     string
		from     origin
		want     string // the line that passes; "" = none
	}{
		{"an unknown header passes", "X-Color: blue", fromStranger, "X-Color: blue"},
		{"a subject passes under its long name", "s: hello", fromCaller, "Subject: hello"},
		{"User-to-User passes", "User-to-User: 00c3;encoding=hex", fromCaller, "User-to-User: 00c3;encoding=hex"},
		{"a reason passes", `Reason: Q.850;cause=17`, fromTrunk, `Reason: Q.850;cause=17`},
		{"a session timer passes", "x: 1800;refresher=uac", fromCaller, "Session-Expires: 1800;refresher=uac"},
		{"with its lower bound", "Min-SE: 90", fromTrunk, "Min-SE: 90"},
		{"the wish for privacy passes to whom we tell the identity", "Privacy: id", fromCaller, "Privacy: id"},
		{"a Date passes", "Date: Fri, 01 Jan 2010 16:00:00 GMT", fromCaller, "Date: Fri, 01 Jan 2010 16:00:00 GMT"},
		{"a header in several lines is one", "X-Color: light\r\n\tblue", fromCaller, "X-Color: light blue"},
		{"what is no UTF-8 is mended", "X-Name: Jos\xe9", fromCaller, "X-Name: Jos\uFFFD"},
		{"C1 controls are spaces", "X-Name: a\u0085b", fromCaller, "X-Name: a b"},

		{"Route never passes", "Route: <sip:10.0.0.1;lr>", fromCaller, ""},
		{"nor Record-Route", "Record-Route: <sip:10.0.0.1;lr>", fromCaller, ""},
		{"nor Path", "Path: <sip:10.0.0.1;lr>", fromCaller, ""},
		{"nor Service-Route", "Service-Route: <sip:10.0.0.1;lr>", fromTrunk, ""},
		{"nor credentials", `Authorization: Digest username="101"`, fromCaller, ""},
		{"nor those for a proxy", `Proxy-Authorization: Digest username="101"`, fromCaller, ""},
		{"nor a challenge", `Proxy-Authenticate: Digest realm="trunk"`, fromTrunk, ""},
		{"nor any other word to proxies", "Proxy-Anything: x", fromCaller, ""},
		{"nor a server's challenge", `WWW-Authenticate: Digest realm="trunk"`, fromTrunk, ""},
		{"nor an asserted identity", "P-Asserted-Identity: <sip:vip@pbx>", fromCaller, ""},
		{"in no letters", "p-ASSERTED-identity: <sip:vip@pbx>", fromCaller, ""},
		{"nor a preferred one", "P-Preferred-Identity: <sip:vip@pbx>", fromCaller, ""},
		{"nor an old one", "Remote-Party-ID: <sip:vip@pbx>", fromTrunk, ""},
		{"nor Replaces", "Replaces: a;to-tag=1;from-tag=2", fromCaller, ""},
		{"nor Join", "Join: a;to-tag=1;from-tag=2", fromCaller, ""},
		{"nor Refer-To", "Refer-To: <sip:9@gw>", fromCaller, ""},
		{"in its compact form", "r: <sip:9@gw>", fromCaller, ""},
		{"nor Allow-Events in its", "u: presence", fromCaller, ""},
		{"nor the phone's make", "User-Agent: Phone 1.0", fromCaller, ""},
		{"nor the trunk's", "Server: Softswitch", fromTrunk, ""},
		{"nor when to try again", "Retry-After: 120", fromTrunk, ""},
		{"nor a reliable provisional's number", "RSeq: 1", fromTrunk, ""},
		{"nor Allow", "Allow: INVITE, REFER", fromCaller, ""},
		{"nor Timestamp", "Timestamp: 54", fromCaller, ""},

		{"a trusted peer's Diversion passes", "Diversion: <sip:102@pbx>", fromCaller, "Diversion: <sip:102@pbx>"},
		{"a phone's does not", "Diversion: <sip:102@pbx>", fromStranger, ""},
		{"nor its History-Info", "History-Info: <sip:102@pbx>;index=1", fromStranger, ""},
		{"a trusted peer's does", "History-Info: <sip:102@pbx>;index=1", fromCaller, "History-Info: <sip:102@pbx>;index=1"},
		{"a phone's Referred-By does not, in its compact form", "b: <sip:102@pbx>", fromStranger, ""},
		{"a trusted peer's does, in its long one", "b: <sip:102@pbx>", fromCaller, "Referred-By: <sip:102@pbx>"},
		{"a phone's charging vector does not", "P-Charging-Vector: icid-value=1", fromStranger, ""},

		{"of the offered extensions, those that work pass", "k: 100rel, Timer, replaces", fromCaller, "Supported: 100rel, timer"},
		{"or none", "Supported: tdialog, replaces", fromCaller, ""},
		{"so with the demanded ones", "Require: timer", fromTrunk, "Require: timer"},
		{"what describes a body does not pass without one", "Content-Disposition: session", fromCaller, ""},
	} {
		got := strings.Join(passedLines(t, added(bodiless, c.line), c.from), "|")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.sentence, got, c.want)
		}
	}
}

func TestBodyHeadersPassWithTheBody(t *testing.T) {
	message := added(added(added(plainInvite, "Content-Disposition: session;handling=required"), "e: gzip"), "MIME-Version: 1.0")
	want := []string{"Content-Disposition: session;handling=required", "Content-Encoding: gzip", "MIME-Version: 1.0", "Content-Type: application/sdp"}
	got := passedLines(t, message, fromCaller)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestOrderAndRepetitionPass(t *testing.T) {
	got := passedLines(t, added(added(added(plainAnswer, "X-A: 3"), "X-B: 2"), "X-A: 1"), fromTrunk)
	if strings.Join(got, "|") != "X-A: 3|X-B: 2|X-A: 1" {
		t.Errorf("got %q", got)
	}
}

// The header in which a PBX tells us who pays is nobody else's business.
func TestIdentityHeaderDoesNotPass(t *testing.T) {
	message := added(added(plainInvite, "X-ACCOUNT: 17"), "X-Color: blue")
	got := passedLines(t, message, fromCaller, "x-account")
	if !slices.Equal(got, []string{"X-Color: blue", "Content-Type: application/sdp"}) {
		t.Errorf("got %q", got)
	}
}

// No fate may be listed under a name that is never looked up.
func TestFatesAreListedByLongNames(t *testing.T) {
	for name := range fates {
		if grammar.LongName(name) != name || !grammar.IsToken(name) || strings.HasPrefix(name, "proxy-") {
			t.Errorf("%q is never looked up", name)
		}
	}
}

// FuzzMessage: whatever comes in, validation does not panic; and what passes it can be written for the other leg so that it
// reads the same there: its addresses, the headers that pass, the body. No byte of the header section is a control character.
func FuzzMessage(f *testing.F) {
	files, _ := filepath.Glob("testdata/rfc4475/*.dat")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, seed := range []string{plainInvite, plainAnswer, added(plainInvite, "k: timer, x\r\nX-Name: Jos\xe9\r\nX-C: a\u0085b"), edited(plainInvite, `"Bob"`, `"B \"o\\" `)} {
		f.Add([]byte(seed))
	}
	parser := grammar.NewParser()
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, err := parser.ParseSIP(datagram)
		if err != nil {
			return
		}
		req, ok := m.(*sip.Request)
		if !ok {
			_ = validateResponse(m.(*sip.Response))
			return
		}
		if validateRequest(req) != nil {
			return
		}
		written := rewritten(req)
		section, _, _ := strings.Cut(written, "\r\n\r\n")
		if grammar.HasControl(strings.ReplaceAll(section, "\r\n", "")) {
			t.Fatalf("control character in %q", section)
		}
		again, err := parser.ParseSIP([]byte(written))
		if err != nil {
			t.Fatalf("%q: %v", written, err)
		}
		if fault := validateRequest(again.(*sip.Request)); fault != nil {
			t.Fatalf("%q is refused: %s", written, fault.phrase)
		}
		if third := rewritten(again.(*sip.Request)); third != written {
			t.Fatalf("%q\nreads as\n%q", written, third)
		}
	})
}

// rewritten is a request as it would go on: the lines of the dialog from parsed values, and what passes.
func rewritten(req *sip.Request) string {
	var w text
	w.add(string(req.Method), " ", req.Recipient.String(), " SIP/2.0\r\n")
	w.header("Via", req.Via().Value())
	w.header("From", req.From().Value())
	w.header("To", req.To().Value())
	w.header("Call-ID", req.CallID().Value())
	w.header("CSeq", req.CSeq().Value())
	if c, ok := grammar.Header(req.Headers(), "contact").(*sip.ContactHeader); ok && len(c.Address.Headers) == 0 {
		w.header("Contact", c.Value())
	}
	w.passed(req.Headers(), fromCaller)
	w.add("Content-Length: ")
	w.number(int64(len(req.Body())))
	w.add("\r\n\r\n", string(req.Body()))
	return string(w)
}
