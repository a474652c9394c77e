package siptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, transport := range []string{"udp", "tcp"} {
		k, err := NewCarrier(CarrierConfig{Config: Config{Transport: transport}, Default: HangUpAfter(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPhone(PhoneConfig{Config: Config{Transport: transport}, Server: k.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		call := p.Call("988")
		must[*Message](t)(call.Answered(t.Context()))
		waited := make(chan error)
		go func() {
			_, err := call.Ended(context.Background())
			waited <- err
		}()
		p.Close()
		p.Close() // a second time is harmless
		k.Close()
		if err := <-waited; !errors.Is(err, errClosed) {
			t.Errorf("who waited for the end of the call was told %v", err)
		}
		if _, err := call.Bye(t.Context()); err == nil {
			t.Error("a closed phone has sent BYE")
		}
		if m, err := p.Call("988").Answered(t.Context()); err == nil {
			t.Errorf("a closed phone has called: %s", m)
		}
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

func TestCloseWaitsForWhatRuns(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	begun, over := make(chan struct{}), false
	p.carrier.On("988", Behaviour{Script: []Step{{After: time.Millisecond, Do: func(*Leg) {
		close(begun)
		time.Sleep(50 * time.Millisecond)
		over = true
	}}}})
	p.phone.Call("988")
	<-begun
	p.carrier.Close()
	if !over {
		t.Error("an action still runs after Close")
	}
}

func TestEveryWaitHasALimit(t *testing.T) {
	p := newPair(t, "udp", defaultT1, func(c *PhoneConfig, k *CarrierConfig) {
		c.Patience, k.Patience = 30*time.Millisecond, 30*time.Millisecond
	})
	p.carrier.On("988", RingForever())
	call := p.phone.Call("988")
	_, err := call.Answered(context.Background())
	if !errors.Is(err, ErrPatience) || !strings.Contains(err.Error(), "has heard 100 180") {
		t.Errorf("waiting for an answer: %v", err)
	}
	if err := p.carrier.WaitLive(context.Background(), 3); !errors.Is(err, ErrPatience) {
		t.Errorf("waiting for calls: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errNoEnd)
	if _, err := p.carrier.Await(ctx, "1"); !errors.Is(err, errNoEnd) {
		t.Errorf("with a context that is over: %v", err)
	}
}

func TestPhoneSaysWhatItIsTold(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		p.carrier.On("988", Busy())
		p.phone.config.Display = `Al "x" \ B`
		plan := Plan{Number: "988", From: "202", CallID: "mine", FromTag: "tag1", CSeq: 41,
			Headers: []Header{{"Max-Forwards", "3"}, {"P-Asserted-Identity", "<sip:300@pbx>"}},
			Rewrite: func(b []byte) []byte { return []byte(strings.Replace(string(b), "a=sendrecv", "a=inactive", 1)) }}
		must[*Message](t)(p.phone.Place(plan).Final(t.Context()))
		row := p.row(t, func(Row) bool { return true })
		m := must[*Leg](t)(p.carrier.Await(t.Context(), "")).Invite()
		n, _ := m.CSeq()
		if row.CallID != "mine" || row.FromTag != "tag1" || row.From != "202" || row.PAI != "<sip:300@pbx>" || n != 41 {
			t.Errorf("row %+v, CSeq %d", row, n)
		}
		if got := m.All("Max-Forwards"); len(got) != 1 || got[0] != "3" || !strings.Contains(m.Body, "inactive") {
			t.Errorf("Max-Forwards %q, body %q", got, m.Body)
		}
		if want := `"Al \"x\" \\ B" <sip:202@`; !strings.HasPrefix(m.Get("From"), want) {
			t.Errorf("From: %s", m.Get("From"))
		}
		uri := "sip:9%38%38;ext=1@127.0.0.1;transport=x"
		must[*Message](t)(p.phone.Place(Plan{RequestURI: uri, CancelAtOnce: true, NoBody: true}).CancelNow(t.Context()))
		if m := must[*Leg](t)(p.carrier.Await(t.Context(), "")).Invite(); m.URI != uri || m.Body != "" {
			t.Errorf("%s with %q", m, m.Body)
		}
	})
}

func TestOptionsAndStrays(t *testing.T) {
	onBoth(t, defaultT1, func(t *testing.T, p pair) {
		if m := must[*Message](t)(p.phone.Request(t.Context(), "OPTIONS", "", nil, Body{})); m.Code != 200 || m.ToTag() == "" {
			t.Errorf("OPTIONS got %s", m)
		}
		p.carrier.SetReply("OPTIONS", Reply{Code: 503})
		if m := must[*Message](t)(p.phone.Request(t.Context(), "OPTIONS", "sip:me@here", nil, Body{})); m.Code != 503 {
			t.Errorf("OPTIONS got %s", m)
		}
		if m := must[*Message](t)(p.phone.Request(t.Context(), "BYE", "", nil, Body{})); m.Code != 481 {
			t.Errorf("a BYE for no call got %s", m)
		}
		if n := p.carrier.Counters(); n.StrayRequests != 1 || n.Options != 2 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestPhoneTakesNoCalls(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	other, err := NewPhone(PhoneConfig{Server: p.phone.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if m := must[*Message](t)(other.Call("101").Final(t.Context())); m.Code != 480 {
		t.Errorf("INVITE got %s", m)
	}
	if m := must[*Message](t)(other.Request(t.Context(), "OPTIONS", "", nil, Body{})); m.Code != 200 {
		t.Errorf("OPTIONS got %s", m)
	}
	if m := must[*Message](t)(other.Request(t.Context(), "BYE", "", nil, Body{})); m.Code != 481 {
		t.Errorf("BYE got %s", m)
	}
}

func TestUnknownDialogIsNoNewCall(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	p.carrier.On("988", Answer(0))
	plan := Plan{Number: "988", Rewrite: func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "\r\nCall-ID", ";tag=gone\r\nCall-ID", 1)) // the To line stands before it
	}}
	if m := must[*Message](t)(p.phone.Place(plan).Final(t.Context())); m.Code != 481 || strings.Count(m.Get("To"), "tag=") != 1 {
		t.Errorf("got %s, To: %s", m, m.Get("To"))
	}
	if p.carrier.Totals().Calls != 0 {
		t.Error("it counts as a call")
	}
}

func TestGarbageIsCountedAndHarmless(t *testing.T) {
	p := newPair(t, "udp", defaultT1, nil)
	for _, raw := range []string{"x", "\r\n\r\n", "INVITE sip:1 SIP/2.0\r\n\r\n", strings.Repeat("A", 60000)} {
		if err := p.phone.SendRaw([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	p.carrier.On("988", Busy())
	must[*Message](t)(p.phone.Call("988").Final(t.Context()))
	if n := p.carrier.Counters(); n.Malformed != 3 { // an empty line is a keep-alive
		t.Errorf("counted %+v", n)
	}
}

func TestRecordKeepsTheNewest(t *testing.T) {
	p := newPair(t, "udp", defaultT1, func(_ *PhoneConfig, k *CarrierConfig) {
		k.RecordLimit, k.Default, k.Linger = 3, Busy(), 50*time.Millisecond
	})
	for n := range 5 {
		must[*Message](t)(p.phone.Call(fmt.Sprint(n)).Final(t.Context()))
	}
	rows, dropped := p.carrier.Record()
	if len(rows) != 3 || dropped != 2 || rows[0].Number != "2" || p.carrier.Totals().Calls != 5 {
		t.Errorf("%d dropped, rows %+v", dropped, rows)
	}
	eventually(t, "the tables are empty", func() bool {
		p.carrier.mu.Lock()
		defer p.carrier.mu.Unlock()
		p.carrier.table.Lock()
		defer p.carrier.table.Unlock()
		return len(p.carrier.dialogs)+len(p.carrier.invites)+len(p.carrier.graves) == 0
	})
	if again, _ := p.carrier.Record(); len(again) != 3 || again[2].Code != 486 {
		t.Errorf("the record of calls that are out of the tables: %+v", again)
	}
}

func TestHangUpAll(t *testing.T) {
	p := newPair(t, "udp", defaultT1, func(_ *PhoneConfig, k *CarrierConfig) { k.Default = Answer(0) })
	var calls []*Call
	for n := range 10 {
		calls = append(calls, p.phone.Call(fmt.Sprint(n)))
	}
	if err := p.carrier.WaitLive(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	p.carrier.HangUpAll()
	for _, c := range calls {
		if end := must[End](t)(c.Ended(t.Context())); end.By != Remote {
			t.Errorf("ended by %s", end.By)
		}
	}
}

func TestBillsThatAgree(t *testing.T) {
	at := time.Now()
	row := func(talked time.Duration) Row { return Row{AnsweredAt: at, EndedAt: at.Add(talked), Talked: talked} }
	const slack = 20 * time.Millisecond
	for _, c := range []struct {
		row     Row
		seconds int64
		agrees  bool
		exact   int64
	}{
		{Row{}, 0, true, 0},
		{Row{}, 1, false, 0},
		{row(0), 1, true, 1},
		{row(0), 0, false, 1},
		{row(20*time.Second + slack), 20, true, 21},
		{row(20*time.Second + slack + 1), 20, false, 21},
		{row(19*time.Second - slack), 20, false, 19},
		{row(19*time.Second - slack + 1), 20, true, 19},
	} {
		if c.row.Agrees(c.seconds, slack) != c.agrees || c.row.Seconds() != c.exact {
			t.Errorf("%s agrees with %d: %t; is %d s", c.row.Talked, c.seconds, !c.agrees, c.row.Seconds())
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	if _, err := NewPhone(PhoneConfig{}); err == nil {
		t.Error("a phone without a server")
	}
	if _, err := NewCarrier(CarrierConfig{Config: Config{Transport: "sctp"}}); err == nil {
		t.Error("an unknown transport")
	}
	for _, transport := range []string{"udp", "tcp"} {
		k, err := NewCarrier(CarrierConfig{Config: Config{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewCarrier(CarrierConfig{Config: Config{Transport: transport, Port: k.Addr().Port()}}); err == nil {
			t.Errorf("%s: the same port twice", transport)
		}
		port := k.Addr().Port()
		k.Close()
		if k, err = NewCarrier(CarrierConfig{Config: Config{Transport: transport, Port: port}}); err != nil {
			t.Errorf("%s: a restart on the same port: %v", transport, err)
			continue
		}
		k.Close()
	}
}

func TestFrames(t *testing.T) {
	one := "BYE sip:h SIP/2.0\r\nl: 3\r\n\r\nabc"
	r := bufio.NewReader(strings.NewReader("\r\n\r\n" + one + one + "\r\nBYE sip:h SIP/2.0\r\nl: x\r\n\r\n"))
	for n := range 2 {
		if got, err := readFrame(r); err != nil || got != one {
			t.Errorf("frame %d: %q %v", n, got, err)
		}
	}
	if _, err := readFrame(r); !errors.Is(err, errFrame) {
		t.Errorf("a length that is no number: %v", err)
	}
	for _, bad := range []string{"BYE x\r\n\r\n", "BYE x\r\nl: 99999\r\n\r\n", "BYE x\r\nl: 5\r\n\r\nab", strings.Repeat("a: b\r\n", 20000)} {
		if _, err := readFrame(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("%.20q was accepted", bad)
		}
	}
}

func TestTCPComesBackAfterItsConnectionsAreDropped(t *testing.T) {
	p := newPair(t, "tcp", defaultT1, nil)
	p.carrier.On("988", Answer(0))
	call, leg := p.talk(t, Plan{})
	p.phone.DropConnections()
	eventually(t, "the connections are gone", func() bool { return p.carrier.wire.(*tcpWire).count() == 0 })
	if m := must[*Message](t)(leg.Request(t.Context(), "OPTIONS", Body{})); m.Code != 200 {
		t.Errorf("OPTIONS got %s", m)
	}
	must[*Message](t)(call.Bye(t.Context()))
	p.row(t, ended)
}

func TestTCPPeerThatTalksSlowly(t *testing.T) {
	p := newPair(t, "tcp", defaultT1, nil)
	conn, err := net.Dial("tcp", p.carrier.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:h>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	for i := range raw {
		if _, err := conn.Write([]byte{raw[i]}); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "SIP/2.0 200 OK\r\n" {
		t.Errorf("%q %v", line, err)
	}
}

func TestDialUnreachable(t *testing.T) {
	p, err := NewPhone(PhoneConfig{Config: Config{Transport: "tcp"}, Server: netip.MustParseAddrPort("127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Call("988").Answered(t.Context()); err == nil {
		t.Error("nobody listens, and the call was answered")
	}
}
