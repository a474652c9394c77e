package sipctl_test

import (
	"context"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// Each test is one race of a call's life. The carrier's own record is the evidence: one dialog at most, ended, as long as billed.

func TestCancelWhileRinging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.RingForever())
	call := w.phone.Call("91")
	if _, err := call.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := call.Cancel(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("CANCEL: %v %v", m, err)
	}
	if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Cancelled(t.Context()); err != nil {
		t.Error(err)
	}
	w.free(rating.Cancelled, rating.ByCaller, 487)
}

// free expects one record that costs nothing, and no money gone.
func (w *world) free(d rating.Disposition, by rating.EndedBy, code int) rating.CDR {
	w.t.Helper()
	cdr := w.cdrs(1)[0]
	if cdr.Disposition != d || cdr.EndedBy != by || cdr.Cost != 0 || cdr.Duration != 0 || cdr.SIPCode != code || cdr.AnsweredAt != nil {
		w.t.Errorf("the record says %s by %s, %d, cost %s: %+v", cdr.Disposition, cdr.EndedBy, cdr.SIPCode, cdr.Cost, cdr)
	}
	if got := w.balance("101"); got != rating.Unit {
		w.t.Errorf("balance %s", got)
	}
	w.dead()
	return cdr
}

// dead expects that nothing is left up at the carrier.
func (w *world) dead() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*second)
	defer cancel()
	if err := w.carrier.WaitLive(ctx, 0); err != nil {
		w.t.Error(err)
	}
}

// weEnded expects that every answer of the carrier's but the first so many was acknowledged and ended by us, and not given up
// by the carrier itself.
func (w *world) weEnded(but int) {
	w.t.Helper()
	rows, _ := w.carrier.Record()
	n := 0
	for _, row := range rows {
		if !row.Answered() || row.Fork < but {
			continue
		}
		n++
		if row.EndedBy != siptest.Remote || row.AckedAt.IsZero() {
			w.t.Errorf("an answer was not ended by us: %+v", row)
		}
	}
	if n == 0 {
		w.t.Error("the carrier has no such answer")
	}
}

func TestCancelCrossingTheAnswer(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]siptest.Behaviour{
		"answered in that instant": siptest.AnswerOnCancel(),
		"answered all the same":    siptest.AnswerDespiteCancel(300 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit)
			w.carrier.On("1", b)
			call := w.phone.Call("91")
			if _, err := call.Ringing(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := call.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			leg := must(w.carrier.Await(t.Context(), "1"))
			if end, err := leg.Ended(t.Context()); err != nil {
				t.Errorf("the late answer was not ended: %v %v", end, err)
			}
			if err := leg.Acked(t.Context()); err != nil {
				t.Error(err)
			}
			w.free(rating.Cancelled, rating.ByCaller, 487)
			w.weEnded(0)
		})
	}
}

func TestCancelInTheSameBreath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	const pairs = 200
	calls := make([]*siptest.Call, pairs)
	for i := range calls {
		calls[i] = w.phone.Place(siptest.Plan{Number: "91", CancelAtOnce: true})
	}
	for _, call := range calls {
		if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
	}
	for deadline := time.Now().Add(10 * second); len(must(w.ledger.Calls(t.Context()))) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("holds are left")
		}
	}
	if got := w.balance("101"); got != rating.Unit {
		t.Errorf("balance %s", got)
	}
	w.dead()
	for _, cdr := range w.filed() {
		if cdr.Cost != 0 || cdr.Disposition != rating.Cancelled {
			t.Errorf("the record says %+v", cdr)
		}
	}
}

func TestCancelBeforeItsInvite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	// The INVITE is held back by its own rewriting; the CANCEL goes first.
	var held []byte
	call := w.phone.Place(siptest.Plan{Number: "91", CancelAtOnce: true, Rewrite: func(b []byte) []byte { held = b; return []byte("\r\n\r\n") }})
	time.Sleep(50 * time.Millisecond)
	if err := w.phone.SendRaw(held); err != nil {
		t.Fatal(err)
	}
	if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	if rows, _ := w.carrier.Record(); len(rows) != 0 {
		t.Errorf("the carrier was called: %+v", rows)
	}
	if holds := must(w.ledger.Calls(t.Context())); len(holds) != 0 {
		t.Errorf("held: %+v", holds)
	}
}

func TestForkedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Forked(3))
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.carrier.WaitLive(t.Context(), 1); err != nil {
		t.Error(err)
	}
	time.Sleep(200 * time.Millisecond)
	if call.Forks() != 0 {
		t.Errorf("the caller has seen %d forks", call.Forks())
	}
	_, _ = call.Bye(t.Context())
	cdr := w.cdrs(1)[0]
	w.agreed(cdr)
	w.dead()
	w.weEnded(1)
}

func TestMany18xThenAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Many18x(30, 5*time.Millisecond))
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range call.Responses() {
		if m.Code == 183 && m.Body != "" {
			n++
		}
	}
	if n != 30 {
		t.Errorf("%d early media answers came through, want 30", n)
	}
	_, _ = call.Bye(t.Context())
	cdr := w.cdrs(1)[0]
	if cdr.Duration != 1 || cdr.PostDial == 0 {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}

func TestLostAck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit)
	call := w.phone.Place(siptest.Plan{Number: "91", NoAck: true})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	end, err := leg.Ended(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.EndedBy != rating.ByTimeout || cdr.Duration != 7 { // 64·T1 = 6.4 s
		t.Errorf("the record says %+v, the carrier %+v", cdr, end)
	}
	copies := 0
	for _, m := range call.Responses() {
		if m.Code == 200 {
			copies++
		}
	}
	if copies < 8 {
		t.Errorf("the 200 was sent %d times", copies)
	}
	if _, err := call.Ended(t.Context()); err != nil {
		t.Errorf("the caller got no BYE: %v", err)
	}
	w.agreed(cdr)
}

func TestLateAckIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Place(siptest.Plan{Number: "91", AckAfter: 500 * time.Millisecond})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond)
	if n := len(call.Responses()); n > 6 { // 180 and 200, repeated after 100, 300 and at most 700 ms, but not after 1.5 and 2.3 s
		t.Errorf("%d answers: the 200 was repeated after its ACK", n)
	}
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.EndedBy != rating.ByCaller {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}

func TestByeBeforeAck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Place(siptest.Plan{Number: "91", NoAck: true})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("BYE: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Acked(t.Context()); err != nil {
		t.Error(err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestByeFromBothSidesAtOnce(t *testing.T) {
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
	done := make(chan struct{})
	go func() { leg.HangUp(); close(done) }()
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 && m.Code != 481 {
		t.Errorf("BYE: %v %v", m, err)
	}
	<-done
	w.agreed(w.cdrs(1)[0])
	w.dead()
}

func TestTheCarrierHangsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.HangUpAfter(300*time.Millisecond, siptest.Header{Name: "Reason", Value: "Q.850;cause=16"}))
	call := w.phone.Call("91")
	end, err := call.Ended(t.Context())
	if err != nil || end.Reason != "Q.850;cause=16" {
		t.Errorf("the caller heard %+v %v", end, err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.EndedBy != rating.ByCallee || cdr.Duration != 1 {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}

func TestByeThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.DeafToBye())
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cdr := w.cdrs(1)[0]
	if took := time.Since(began); took > 2*second {
		t.Errorf("settled only after %v", took)
	}
	if cdr.Duration != 1 || cdr.EndedBy != rating.ByCaller {
		t.Errorf("the record says %+v", cdr)
	}
}

func TestRetransmittedInviteIsOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Call("91")
	for range 5 {
		_ = call.Retransmit()
	}
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_ = call.Retransmit()
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := call.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = call.Retransmit()
	time.Sleep(100 * time.Millisecond)
	w.cdrs(1)
	if rows, _ := w.carrier.Record(); len(rows) != 1 {
		t.Errorf("the carrier saw %d calls", len(rows))
	}
}

func TestMergedInviteIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	other := w.newPhone(siptest.PhoneConfig{})
	plan := siptest.Plan{Number: "91", CallID: "same", FromTag: "same", CSeq: 7}
	first := w.phone.Place(plan)
	if _, err := first.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := other.Place(plan).Final(t.Context()); err != nil || m.Code != 482 {
		t.Errorf("the merged INVITE got %v %v", m, err)
	}
	_, _ = first.Bye(t.Context())
	w.cdrs(1)
}

func TestRequestsThatBelongToNoCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	for _, c := range []struct {
		name, method string
		headers      []siptest.Header
		want         int
	}{
		{"no hops left", "INVITE", []siptest.Header{{Name: "Max-Forwards", Value: "0"}}, 483},
		{"health check", "OPTIONS", nil, 200},
		{"registration", "REGISTER", nil, 405},
		{"instant message", "MESSAGE", nil, 405},
	} {
		m, err := w.phone.Request(t.Context(), c.method, "sip:91@"+w.server.Addrs()[0].String(), c.headers, siptest.Body{})
		if err != nil || m.Code != c.want {
			t.Errorf("%s: %v %v, want %d", c.name, m, err, c.want)
		}
	}
	if holds := must(w.ledger.Calls(t.Context())); len(holds) != 0 {
		t.Errorf("held: %+v", holds)
	}
}
