package sipctl_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
)

func TestByeInAnEarlyDialog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.RingForever())
	call := w.phone.Call("91")
	ringing, err := call.Ringing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bye := "BYE sip:91@x SIP/2.0\r\nVia: SIP/2.0/UDP " + w.phone.Addr().String() + ";branch=z9hG4bKearly\r\nMax-Forwards: 70\r\nFrom: " + ringing.Get("From") +
		"\r\nTo: " + ringing.Get("To") + "\r\nCall-ID: " + call.ID() + "\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
	if err := w.phone.SendRaw([]byte(bye)); err != nil {
		t.Fatal(err)
	}
	if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
		t.Errorf("INVITE: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Cancelled(t.Context()); err != nil {
		t.Error(err)
	}
	w.free(rating.Cancelled, rating.ByCaller, 487)
}

func TestALoopIsBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.RingForever())
	call := w.phone.Call("91")
	if _, err := call.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	via := siptest.Header{Name: "Via", Value: leg.Invite().Get("Via")} // it comes back by way of a PBX
	m, err := w.phone.Place(siptest.Plan{Number: "91", Headers: []siptest.Header{via}}).Final(t.Context())
	if err != nil || m.Code != 482 {
		t.Errorf("the looped INVITE got %v %v, want 482", m, err)
	}
	_, _ = call.Cancel(t.Context())
	w.cdrs(1)
}

func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) { w.config.MaxCalls = 1 })
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := w.phone.Call("92").Final(t.Context())
	if err != nil || m.Code != 503 || m.Get("Retry-After") == "" || !strings.Contains(m.Get("Reason"), "cause=42") {
		t.Errorf("the call too many got %v %v", m, err)
	}
	emergency := w.phone.Call("112")
	if _, err := emergency.Answered(t.Context()); err != nil {
		t.Errorf("an emergency call past the limit: %v", err)
	}
	_, _ = emergency.Bye(t.Context())
	_, _ = call.Bye(t.Context())
	w.cdrs(3)
}

func TestATrunkThatIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Trunks[0].MaxCalls = 1 })
	})
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := w.phone.Call("92").Final(t.Context()); err != nil || m.Code != 503 || !strings.Contains(m.Get("Reason"), "cause=34") {
		t.Errorf("the call too many got %v %v", m, err)
	}
	if n := w.server.Trunks()[0].ActiveCalls; n != 1 {
		t.Errorf("%d calls on the trunk", n)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(2)
	if n := w.server.Trunks()[0].ActiveCalls; n != 0 {
		t.Errorf("%d calls on the trunk afterwards", n)
	}
}

func TestAnExtensionWithACallTooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Settings.DefaultLimits.ConcurrentCalls = 1; d.Settings.LimitCode = 486 })
	})
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := w.phone.Call("92").Final(t.Context()); err != nil || m.Code != 486 {
		t.Errorf("the call too many got %v %v", m, err)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(2)
}

// elsewhere is a ledger in which another live node has the call.
type elsewhere struct{ sipctl.Ledger }

func (elsewhere) Authorize(context.Context, rating.Authorization) (rating.Grant, error) {
	return rating.Grant{}, errors.Join(rating.ErrOwnedElsewhere)
}

func TestAnInviteThatAnotherNodeHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) { w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return elsewhere{l} } })
	if m, err := w.phone.Call("91").Final(t.Context()); err != nil || m.Code != 482 {
		t.Errorf("it got %v %v, want 482", m, err)
	}
	time.Sleep(100 * time.Millisecond)
	if len(w.filed()) != 0 || len(w.server.Calls()) != 0 {
		t.Errorf("it left %+v", w.filed())
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit)
	w.carrier.On("2", siptest.Busy())
	w.carrier.On("3", siptest.RingForever())
	for range 30 {
		call := w.phone.Call("91")
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = call.Bye(t.Context())
		_, _ = w.phone.Call("92").Final(t.Context())
		ringing := w.phone.Call("93")
		_, _ = ringing.Cancel(t.Context())
		_, _ = ringing.Final(t.Context())
	}
	w.cdrs(90)
	if n := len(w.server.Calls()); n != 0 {
		t.Errorf("%d calls are left", n)
	}
	for deadline := time.Now().Add(10 * second); ; time.Sleep(50 * time.Millisecond) { // linger is 2 s here, CANCELled INVITEs 6.4 s
		servers, clients := w.server.Transactions()
		if servers == 0 && clients == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d and %d transactions are left", servers, clients)
		}
	}
}

// faulty is a ledger with a fault at one step.
type faulty struct {
	sipctl.Ledger
	at string
}

func (f faulty) fail(step string) {
	if f.at == step {
		panic("a fault of ours")
	}
}

func (f faulty) Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	if a.Draft.Dialled == "91" {
		f.fail("authorize")
	}
	return f.Ledger.Authorize(ctx, a)
}

func (f faulty) Answer(ctx context.Context, a rating.Answer) (rating.Grant, error) {
	if a.Draft.Dialled == "91" {
		f.fail("answer")
	}
	return f.Ledger.Answer(ctx, a)
}

func (f faulty) Extend(ctx context.Context, e rating.Extend) (rating.Grant, error) {
	f.fail("extend")
	return f.Ledger.Extend(ctx, e)
}

func TestAFaultEndsOneCallOnly(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"authorize", "answer", "extend"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 20_000, func(w *world) { w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return faulty{l, step} } })
			call := w.phone.Call("91")
			switch m, err := call.Final(t.Context()); {
			case err != nil:
				t.Fatal(err)
			case m.Code == 200:
				if _, err := call.Ended(t.Context()); err != nil {
					t.Error(err)
				}
			case m.Code != 503:
				t.Errorf("the call with the fault got %v", m)
			}
			w.dead()
			if step == "extend" {
				w.cdrs(1)
				return
			}
			next := w.phone.Call("92")
			if _, err := next.Answered(t.Context()); err != nil {
				t.Errorf("the next call: %v", err)
			}
			_, _ = next.Bye(t.Context())
		})
	}
}

// rawTrunk is a socket that says what the test says.
type rawTrunk struct {
	t    *testing.T
	conn net.PacketConn
	from net.Addr
}

func newRawTrunk(t *testing.T) (*rawTrunk, func(*world)) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &rawTrunk{t: t, conn: conn}, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Trunks[0].URI = "sip:" + conn.LocalAddr().String() })
	}
}

// await returns the next request of a method.
func (r *rawTrunk) await(method string) *siptest.Message {
	r.t.Helper()
	buffer := make([]byte, 65536)
	_ = r.conn.SetReadDeadline(time.Now().Add(5 * second))
	for {
		n, from, err := r.conn.ReadFrom(buffer)
		if err != nil {
			r.t.Fatalf("no %s: %v", method, err)
		}
		r.from = from
		if m, err := siptest.Parse(string(buffer[:n])); err == nil && m.Method == method {
			return m
		}
	}
}

func (r *rawTrunk) answer(req *siptest.Message, code int, tag string) {
	text := fmt.Sprintf("SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s>\r\nContent-Length: 0\r\n\r\n",
		code, req.Get("Via"), req.Get("From"), req.Get("To"), tag, req.Get("Call-ID"), req.Get("CSeq"), r.conn.LocalAddr())
	if _, err := r.conn.WriteTo([]byte(text), r.from); err != nil {
		r.t.Fatal(err)
	}
}

func TestARepeatedAnswerGetsItsAckAgain(t *testing.T) {
	t.Parallel()
	trunk, use := newRawTrunk(t)
	w := newWorld(t, rating.Unit, use)
	call := w.phone.Call("91")
	invite := trunk.await("INVITE")
	trunk.answer(invite, 200, "t")
	first := trunk.await("ACK")
	for range 3 { // the ACK was lost
		trunk.answer(invite, 200, "t")
		if again := trunk.await("ACK"); again.Get("CSeq") != first.Get("CSeq") || again.Get("To") != first.Get("To") {
			t.Errorf("%q after %q", again.Get("To"), first.Get("To"))
		}
	}
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = call.Bye(context.Background()) }()
	trunk.answer(trunk.await("BYE"), 200, "")
	w.cdrs(1)
}

// A trunk that wakes up after it was given up must not ring, or talk, beside the one that was tried next.
func TestATrunkThatWakesUpTooLate(t *testing.T) {
	t.Parallel()
	trunk, use := newRawTrunk(t)
	w := newWorld(t, rating.Unit, use, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) {
			d.Trunks = append(d.Trunks, w.trunkTo("T2", w.carrier))
			d.DialRules[0].Trunks = []string{"T1", "T2"}
		})
	})
	call := w.phone.Call("91")
	invite := trunk.await("INVITE")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	trunk.answer(invite, 180, "t")
	trunk.answer(trunk.await("CANCEL"), 200, "t")
	trunk.answer(invite, 200, "t")
	trunk.await("ACK")
	trunk.answer(trunk.await("BYE"), 200, "")
	_, _ = call.Bye(t.Context())
	cdr := w.cdrs(1)[0]
	if cdr.Trunk != "T2" {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}
