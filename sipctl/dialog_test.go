package sipctl

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

func parsed(t *testing.T, text string) sip.Message {
	t.Helper()
	m, err := sip.ParseMessage([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func aDialog() dialog {
	return dialog{CallID: "c", LocalTag: "us", RemoteTag: "them", Local: `"A" <sip:101@gw>`, Remote: "<sip:91@trunk>", LocalSeq: 7, InviteSeq: 1,
		Target: "sip:91@192.0.2.7:5070", Contact: "<sip:101@192.0.2.1:5060>", SentBy: "192.0.2.1:5060",
		Flow: transport.Flow{Network: "udp", Local: netip.MustParseAddrPort("192.0.2.1:5060"), Remote: netip.MustParseAddrPort("192.0.2.7:5060")}}
}

func TestTheStoredDialogIsTheDialog(t *testing.T) {
	caller, trunk := aDialog(), aDialog()
	trunk.Routes = []string{"<sip:p1;lr>", "<sip:p2;lr>"}
	want := blob{Version: dialogVersion, Caller: caller, Trunk: trunk, Limit: 21600, Late: true}
	got, err := decodeBlob(want.encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
}

func TestAStoredDialogThatCannotBe(t *testing.T) {
	good := string(blob{Caller: aDialog(), Trunk: aDialog()}.encode())
	for name, text := range map[string]string{
		"nothing":             "",
		"no JSON":             "{",
		"a later version":     strings.Replace(good, `"v":1`, `"v":2`, 1),
		"no Call-ID":          strings.Replace(good, `"call_id":"c"`, `"call_id":""`, 1),
		"a line break":        strings.Replace(good, `"call_id":"c"`, `"call_id":"c\r\nX: y"`, 1),
		"no address":          strings.Replace(good, `"192.0.2.7:5060"`, `""`, 1),
		"a header in a route": strings.Replace(good, `"target":`, `"routes":["<sip:p>\r\nX: y"],"target":`, 1),
	} {
		if b, err := decodeBlob([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, b)
		}
	}
}

func FuzzDecodeBlob(f *testing.F) {
	f.Add(blob{Caller: aDialog(), Trunk: aDialog()}.encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if b, err := decodeBlob(text); err == nil {
			message := b.Trunk.compose(outgoing{method: sip.BYE, seq: 9}, "z9hG4bKx", b.Trunk.Flow)
			if n := strings.Count(string(message), "\r\n\r\n"); n != 1 {
				t.Fatalf("a message with %d ends", n)
			}
		}
	})
}

func TestWhereTheNextRequestGoes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*dialog)
		want   string
	}{
		{"to the Contact", func(d *dialog) {}, "192.0.2.7:5070"},
		{"to the first proxy", func(d *dialog) { d.Routes = []string{"<sip:192.0.2.8;lr>", "<sip:192.0.2.9;lr>"} }, "192.0.2.8:5060"},
		{"a name is where the last message came from", func(d *dialog) { d.Target = "sip:91@phone.example" }, "192.0.2.7:5060"},
		{"so is a private address behind a public one", func(d *dialog) { d.Target = "sip:91@10.0.0.7:5070" }, "192.0.2.7:5060"},
		{"IPv6", func(d *dialog) { d.Target = "sip:91@[2001:db8::7]:5070" }, "[2001:db8::7]:5070"},
		{"a connection that is up", func(d *dialog) { d.Flow.Network, d.Flow.Conn = "tcp", 3 }, "192.0.2.7:5060"},
		{"a connection that is gone", func(d *dialog) { d.Flow.Network = "tcp" }, "192.0.2.7:5070"},
	} {
		d := aDialog()
		c.change(&d)
		if got := d.hop().Remote.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestRequestsInADialog(t *testing.T) {
	d := aDialog()
	d.Routes = []string{"<sip:192.0.2.8;lr>", "<sip:192.0.2.9;lr>"}
	out := d.request(outgoing{method: sip.BYE, headers: []byte("Reason: x\r\n")})
	req := parsed(t, strings.ReplaceAll(string(out.Message), "\r\n", "\n")).(*sip.Request)
	if req.Recipient.String() != "sip:91@192.0.2.7:5070" || req.CSeq().SeqNo != 8 || d.LocalSeq != 8 || len(req.GetHeaders("Route")) != 2 || req.GetHeader("Reason").Value() != "x" {
		t.Errorf("loose routing:\n%s", out.Message)
	}
	d.Routes = []string{"<sip:192.0.2.8>", "<sip:192.0.2.9>"}
	out = d.request(outgoing{method: sip.BYE})
	req = parsed(t, strings.ReplaceAll(string(out.Message), "\r\n", "\n")).(*sip.Request)
	routes := req.GetHeaders("Route")
	if req.Recipient.String() != "sip:192.0.2.8" || len(routes) != 2 || routes[1].Value() != "<sip:91@192.0.2.7:5070>" {
		t.Errorf("strict routing:\n%s", out.Message)
	}
}

func TestRouteSets(t *testing.T) {
	m := parsed(t, "INVITE sip:91@x SIP/2.0\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\nRecord-Route: <sip:p3;lr>\nFrom: <sip:a@x>;tag=a\nTo: <sip:91@x>\nCall-ID: c\nCSeq: 1 INVITE\nContact: <sip:a@x>\nContent-Length: 0\n\n").(*sip.Request)
	if got := recordRoutes(m.Headers(), false); !reflect.DeepEqual(got, []string{"<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"}) {
		t.Errorf("who was called: %v", got)
	}
	if got := recordRoutes(m.Headers(), true); !reflect.DeepEqual(got, []string{"<sip:p3;lr>", "<sip:p2;lr>", "<sip:p1;lr>"}) {
		t.Errorf("who called: %v", got)
	}
}
