package sipctl_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

func TestReinviteAndInfoPassBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Acked(t.Context()); err != nil {
		t.Fatal(err)
	}
	hold := siptest.Body{Type: "application/sdp", Text: "v=0\r\no=- 1 2 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n"}
	if m, err := call.Reinvite(t.Context(), hold); err != nil || m.Code != 200 || m.Body == "" {
		t.Errorf("re-INVITE of the caller: %v %v", m, err)
	}
	if m, err := leg.WaitRequest(t.Context(), "INVITE"); err != nil || m.Body != hold.Text {
		t.Errorf("the carrier got %v %v", m, err)
	}
	if m, err := leg.Request(t.Context(), "INVITE", hold); err != nil || m.Code != 200 {
		t.Errorf("re-INVITE of the carrier: %v %v", m, err)
	}
	dtmf := siptest.Body{Type: "application/dtmf-relay", Text: "Signal=5\r\nDuration=160\r\n"}
	if m, err := call.Info(t.Context(), dtmf); err != nil || m.Code != 200 {
		t.Errorf("INFO: %v %v", m, err)
	}
	if m, err := leg.WaitRequest(t.Context(), "INFO"); err != nil || m.Body != dtmf.Text || m.Get("Content-Type") != dtmf.Type {
		t.Errorf("the carrier got %v %v", m, err)
	}
	if m, err := call.Request(t.Context(), "REFER", siptest.Body{}, siptest.Header{Name: "Refer-To", Value: "<sip:premium@x>"}); err != nil || m.Code != 403 {
		t.Errorf("REFER: %v %v", m, err)
	}
	if m, err := call.Request(t.Context(), "OPTIONS", siptest.Body{}); err != nil || m.Code != 200 {
		t.Errorf("OPTIONS: %v %v", m, err)
	}
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestGlare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	b := siptest.Answer(0)
	b.Replies = siptest.Replies{"INVITE": {Silent: true}} // the caller's re-INVITE stays under way
	w.carrier.On("1", b)
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Acked(t.Context()); err != nil {
		t.Fatal(err)
	}
	go call.Reinvite(t.Context(), siptest.SDP(w.phone.Addr()))
	if _, err := leg.WaitRequest(t.Context(), "INVITE"); err != nil {
		t.Fatal(err)
	}
	if m, err := leg.Request(t.Context(), "INVITE", siptest.SDP(w.carrier.Addr())); err != nil || m.Code != 491 {
		t.Errorf("the crossing re-INVITE got %v %v, want 491", m, err)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(1)
}

func TestLateOfferTravelsInTheAck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Place(siptest.Plan{Number: "91", NoBody: true})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Acked(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = call.Bye(t.Context())
	w.agreed(w.cdrs(1)[0])
}

func TestOnlyTheLegsMaySpeakInACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.config.Trusted = append(w.config.Trusted, w.config.Trusted[0])
		w.config.Trusted[1].Net = netip.MustParsePrefix("127.0.0.66/32")
	})
	thief := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.66")}})
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := thief.Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err != nil || m.Code != 481 {
		t.Errorf("a BYE of a third got %v %v, want 481", m, err)
	}
	if m, err := thief.Hijack(t.Context(), call, "INVITE", nil, siptest.Body{}); err != nil || m.Code != 481 {
		t.Errorf("a re-INVITE of a third got %v %v, want 481", m, err)
	}
	time.Sleep(100 * time.Millisecond)
	if w.carrier.Live() != 1 || len(w.server.Calls()) != 1 {
		t.Error("the call has not outlived a stranger's BYE")
	}
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	w.cdrs(1)
	if m, err := w.phone.Hijack(t.Context(), call, "INVITE", nil, siptest.SDP(w.phone.Addr())); err != nil || m.Code != 481 {
		t.Errorf("a mid-dialog INVITE of a dead call got %v %v, want 481 and no new call", m, err)
	}
	if rows, _ := w.carrier.Record(); len(rows) != 1 {
		t.Errorf("the carrier saw %d calls", len(rows))
	}
}

func TestATrunkMayUseItsOtherAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) {
			d.Trunks[0].Sources = []netip.Prefix{netip.MustParsePrefix("127.0.0.77/32")}
		})
	})
	other := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.77")}})
	m, err := other.Call("91").Final(t.Context())
	if err != nil || m.Code != 403 {
		t.Errorf("an INVITE of a trunk got %v %v, want 403", m, err)
	}
	if m, err := other.Request(t.Context(), "OPTIONS", "", nil, siptest.Body{}); err != nil || m.Code != 200 {
		t.Errorf("OPTIONS of a trunk: %v %v", m, err)
	}
}

func TestStrangersGetNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	stranger, err := siptest.NewPhone(siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.99"), T1: 100 * time.Millisecond, Patience: second, Ladder: w.ladder}, Server: w.server.Addrs()[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if m, err := stranger.Call("91").Final(t.Context()); err == nil {
		t.Errorf("a stranger got %v", m)
	}
	if m, err := stranger.Request(t.Context(), "OPTIONS", "", nil, siptest.Body{}); err == nil {
		t.Errorf("a stranger got %v", m)
	}
}

func TestTopologyIsHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) {
			d.Extensions[0].CallerID = "5550100"
			d.Trunks[0].IdentityHeader = rating.IdentityPAI
		})
	})
	call := w.phone.Place(siptest.Plan{Number: "91", Headers: []siptest.Header{{Name: "X-Custom", Value: "kept"}, {Name: "P-Asserted-Identity", Value: "<sip:vip@bank>"},
		{Name: "Record-Route", Value: "<sip:127.0.0.2:" + portOf(w.phone.Addr()) + ";lr>"}, {Name: "Subject", Value: "hello"}}})
	answer, err := call.Answered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rr := answer.Get("Record-Route"); !strings.Contains(rr, ";lr") {
		t.Errorf("the 200 has Record-Route %q", rr)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	in := leg.Invite()
	for name, want := range map[string]string{"X-Custom": "kept", "Subject": "hello", "Record-Route": "", "P-Asserted-Identity": "<sip:5550100@" + w.server.Addrs()[0].String() + ">"} {
		if got := in.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if strings.Contains(in.Get("From"), "127.0.0.2") || strings.Contains(in.Get("Contact"), "127.0.0.2") || !strings.Contains(in.Get("From"), "sip:5550100@") || in.Get("Call-ID") == call.ID() {
		t.Errorf("the trunk sees %q %q %q", in.Get("From"), in.Get("Contact"), in.Get("Call-ID"))
	}
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.cdrs(1)
}

func portOf(a netip.AddrPort) string { return a.String()[strings.LastIndexByte(a.String(), ':')+1:] }

func TestTCPOnBothSides(t *testing.T) {
	t.Parallel()
	carrier := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{Transport: "tcp", T1: 100 * time.Millisecond, Patience: 10 * second}, Default: siptest.Answer(0)}))
	t.Cleanup(carrier.Close)
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Trunks[0].URI = "sip:" + carrier.Addr().String() + ";transport=tcp" })
		w.carrier = carrier
	})
	phone := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{Transport: "tcp"}})
	call := phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(carrier.Await(t.Context(), "1"))
	if m, err := leg.Request(t.Context(), "INFO", siptest.Body{Type: "text/plain", Text: "x"}); err != nil || m.Code != 200 {
		t.Errorf("INFO of the carrier: %v %v", m, err)
	}
	leg.HangUp()
	if _, err := call.Ended(t.Context()); err != nil {
		t.Error(err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestBigMessagesPassOverUDP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	body := siptest.Body{Type: "application/sdp", Text: strings.Repeat("a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n", 150)} // 6.6 kB
	b := siptest.Answer(0)
	b.Session = body
	w.carrier.On("1", b)
	call := w.phone.Place(siptest.Plan{Number: "91", Body: body})
	m, err := call.Answered(t.Context())
	if err != nil || m.Body != body.Text {
		t.Fatalf("the answer: %v, %d bytes", err, len(m.Body))
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if leg.Invite().Body != body.Text {
		t.Errorf("the carrier got %d bytes of %d", len(leg.Invite().Body), len(body.Text))
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(1)
}
