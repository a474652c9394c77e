package sipctl_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
)

// A process that ends without Drain leaves its calls as kill -9 would: sockets closed, timers gone, nothing said.

func TestARestartedNodeGoesOnWithItsCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30_000)
	short, long := w.phone.Call("91"), w.phone.Call("92")
	for _, call := range []*siptest.Call{short, long} {
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	w.restart()
	for deadline := time.Now().Add(5 * second); len(w.server.Calls()) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the calls have not been revived")
		}
	}
	if m, err := short.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE in a revived call: %v %v", m, err)
	}
	end, err := long.Ended(t.Context())
	if err != nil || end.Reason != cut {
		t.Errorf("the other one ended with %+v %v", end, err)
	}
	var sum rating.Money
	for _, cdr := range w.cdrs(2) {
		sum += cdr.Cost
		w.agreed(cdr)
	}
	if left := w.balance("101"); sum+left != 30_000 {
		t.Errorf("charged %s, left %s", sum, left)
	}
	w.dead()
}

func TestOverdueCallsAreCutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20_000)
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop()
	time.Sleep(2500 * time.Millisecond)
	began := time.Now()
	w.start()
	if _, err := call.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > second {
		t.Errorf("cut %v after the start", took)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Cost > 20_000 || cdr.EndedBy != rating.ByCredit {
		t.Errorf("the record says %+v", cdr)
	}
	w.dead()
}

func TestRingingCallsOfADeadProcessAreReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Answer(600*time.Millisecond))
	call := w.phone.Call("91")
	if _, err := call.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if m, err := call.Final(t.Context()); err != nil || m.Code != 503 || m.Get("Retry-After") == "" || m.Get("Reason") == "" {
		t.Errorf("the caller, who heard it ring, got %v %v", m, err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Cost != 0 || cdr.EndedBy != rating.BySystem || cdr.AnsweredAt != nil {
		t.Errorf("the record says %+v", cdr)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if _, err := leg.Ended(t.Context()); err != nil { // a stray 2xx gets ACK and BYE
		t.Errorf("the answer to a dead process' INVITE was not ended: %v", err)
	}
	w.dead()
	w.weEnded(0)
}

// The answer is in the store, and the process dies before it tells the caller.
func TestACallerWhoNeverHeardOfTheAnswer(t *testing.T) {
	t.Parallel()
	d := &dying{stored: make(chan struct{}), dead: make(chan struct{})}
	w := newWorld(t, rating.Unit, func(w *world) {
		w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return &dying{Ledger: l, stored: d.stored, dead: d.dead} }
	})
	call := w.phone.Call("91")
	<-d.stored
	w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return l }
	time.AfterFunc(200*time.Millisecond, func() { close(d.dead) }) // its sockets are closed by then
	w.restart()
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatalf("the caller never heard: %v", err)
	}
	time.Sleep(300 * time.Millisecond)
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	if cdr := w.cdrs(1)[0]; cdr.Disposition != rating.Answered || cdr.EndedBy != rating.ByCaller {
		t.Errorf("the record says %+v", cdr)
	}
	w.dead()
}

// dying is the ledger of a process that dies when it has recorded an answer.
type dying struct {
	sipctl.Ledger
	stored, dead chan struct{}
}

func (d *dying) Answer(ctx context.Context, a rating.Answer) (rating.Grant, error) {
	g, err := d.Ledger.Answer(ctx, a)
	close(d.stored)
	<-d.dead
	return g, err
}

// broken is a ledger that can be made to fail.
type broken struct {
	sipctl.Ledger
	down atomic.Bool
	slow atomic.Int64 // nanoseconds before an Answer
	asks atomic.Int64 // Answers so far
}

var errDown = errors.New("connection refused")

func (b *broken) Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	if b.down.Load() {
		return rating.Grant{}, errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.Authorize(ctx, a)
}

func (b *broken) Answer(ctx context.Context, a rating.Answer) (rating.Grant, error) {
	b.asks.Add(1)
	if d := time.Duration(b.slow.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return rating.Grant{}, errors.Join(rating.ErrUnavailable, ctx.Err())
		}
	}
	if b.down.Load() {
		return rating.Grant{}, errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.Answer(ctx, a)
}

func (b *broken) Extend(ctx context.Context, e rating.Extend) (rating.Grant, error) {
	if b.down.Load() {
		return rating.Grant{}, errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.Extend(ctx, e)
}

func (b *broken) Settle(ctx context.Context, s rating.Settlement) (rating.Settled, error) {
	if b.down.Load() {
		return rating.Settled{}, errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.Settle(ctx, s)
}

func (b *broken) File(ctx context.Context, cdr rating.CDR) error {
	if b.down.Load() {
		return errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.File(ctx, cdr)
}

func breakable(b *broken) func(*world) {
	return func(w *world) { w.wrap = func(l sipctl.Ledger) sipctl.Ledger { b.Ledger = l; return b } }
}

func TestAStoreThatIsLost(t *testing.T) {
	t.Parallel()
	b := new(broken)
	w := newWorld(t, 10*rating.Unit, breakable(b), func(w *world) {
		w.catalog.edit(func(d *rating.Documents) {
			d.Rates[0].Tariff = rating.Tariff{InitialCost: 20_000, InitialTime: 2, PerUnit: 10_000, BillingUnit: 60}
		})
	})
	paid, ended := w.phone.Call("91"), w.phone.Call("92")
	for _, call := range []*siptest.Call{paid, ended} {
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.down.Store(true)
	began := time.Now()
	m, err := w.phone.Call("93").Final(t.Context())
	if err != nil || m.Code != 503 || m.Get("Retry-After") == "" {
		t.Errorf("a new call got %v %v", m, err)
	}
	if took := time.Since(began); took > 3*second {
		t.Errorf("after %v", took)
	}
	emergency := w.phone.Call("112")
	if _, err := emergency.Answered(t.Context()); err != nil {
		t.Errorf("an emergency call: %v", err)
	}
	for _, call := range []*siptest.Call{ended, emergency} {
		if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
			t.Errorf("BYE: %v %v", m, err)
		}
	}
	for deadline := time.Now().Add(5 * second); w.spool.Entries() < 3; time.Sleep(10 * time.Millisecond) { // settlement, emergency, refusal
		if time.Now().After(deadline) {
			t.Fatalf("%d entries in the spool", w.spool.Entries())
		}
	}
	b.down.Store(false)
	if _, err := paid.Bye(t.Context()); err != nil {
		t.Error(err)
	}
	var sum rating.Money
	for _, cdr := range w.cdrs(4) {
		sum += cdr.Cost
	}
	if left := w.balance("101"); sum != 40_000 || sum+left != 10*rating.Unit {
		t.Errorf("charged %s, left %s", sum, left)
	}
}

func TestACallIsCutWhenTheStoreDoesNotComeBack(t *testing.T) {
	t.Parallel()
	b := new(broken)
	w := newWorld(t, 20_000, breakable(b)) // so poor that it buys second by second
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.down.Store(true)
	if _, err := call.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.down.Store(false)
	cdr := w.cdrs(1)[0]
	if cdr.EndedBy != rating.BySystem || cdr.Duration != 1 || cdr.Cost != 10_000 {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}

func TestAnAnswerThatTheStoreTakesTooLongFor(t *testing.T) {
	t.Parallel()
	b := new(broken)
	w := newWorld(t, rating.Unit, breakable(b))
	b.slow.Store(int64(10 * second))
	call := w.phone.Call("91")
	began := time.Now()
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 700*time.Millisecond {
		t.Errorf("the caller waited %v for his 200", took)
	}
	if w.spool.Entries() != 1 {
		t.Errorf("%d entries in the spool", w.spool.Entries())
	}
	b.slow.Store(0)
	w.restart() // the spool survives the process, and its answer is there before the calls are revived
	for deadline := time.Now().Add(5 * second); len(w.server.Calls()) < 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the call has not been revived")
		}
	}
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestCancelWhileTheAnswerIsRecorded(t *testing.T) {
	t.Parallel()
	b := new(broken)
	w := newWorld(t, rating.Unit, breakable(b))
	b.slow.Store(int64(190 * time.Millisecond))
	call := w.phone.Call("91")
	for deadline := time.Now().Add(5 * second); b.asks.Load() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if _, err := call.CancelNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
		t.Errorf("INVITE: %v %v", m, err)
	}
	w.free(rating.Cancelled, rating.ByCaller, 487)
	w.weEnded(0)
}

func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("2", siptest.RingForever())
	talking, ringing := w.phone.Call("91"), w.phone.Call("92")
	if _, err := talking.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ringing.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.server.Drain(t.Context()) }()
	time.Sleep(50 * time.Millisecond)
	if m, err := w.phone.Call("93").Final(t.Context()); err != nil || m.Code != 503 || m.Get("Retry-After") == "" {
		t.Errorf("a new call got %v %v", m, err)
	}
	if m, err := w.phone.Request(t.Context(), "OPTIONS", "", nil, siptest.Body{}); err != nil || m.Code != 503 {
		t.Errorf("OPTIONS got %v %v", m, err)
	}
	if m, err := ringing.Final(t.Context()); err != nil || m.Code != 503 {
		t.Errorf("the ringing call got %v %v", m, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.restart()
	for deadline := time.Now().Add(5 * second); len(w.server.Calls()) < 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the talking call has not been handed over")
		}
	}
	if _, err := talking.Bye(t.Context()); err != nil {
		t.Error(err)
	}
	w.cdrs(3)
}

func TestHangUpByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	live := w.server.Calls()
	for deadline := time.Now().Add(5 * time.Second); len(live) == 1 && live[0].State == rating.Ringing && time.Now().Before(deadline); live = w.server.Calls() {
		time.Sleep(time.Millisecond) // the caller may know that it is answered before the list does
	}
	if len(live) != 1 || live[0].State != rating.Talking || live[0].Extension != "101" || live[0].Trunk != "T1" || live[0].DeadlineAt == nil {
		t.Fatalf("live calls: %+v", live)
	}
	if !w.server.HangUp(live[0].ID) || w.server.HangUp("nobody") {
		t.Error("HangUp")
	}
	if _, err := call.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cdr := w.cdrs(1)[0]; cdr.EndedBy != rating.ByOperator {
		t.Errorf("the record says %+v", cdr)
	}
	w.dead()
}

func TestKeepaliveEndsADeadCall(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*world, *siptest.Call){
		"the caller": func(w *world, call *siptest.Call) { w.phone.Deaf(true) },
		"the trunk":  func(w *world, call *siptest.Call) { w.carrier.Deaf(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 10*rating.Unit, func(w *world) {
				w.config.Timers.T1 = 20 * time.Millisecond
				w.catalog.edit(func(d *rating.Documents) { d.Settings.KeepaliveInterval = 1 })
			})
			call := w.phone.Call("91")
			if _, err := call.Answered(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1500 * time.Millisecond)
			kill(w, call)
			cdr := w.cdrs(1)[0]
			if cdr.EndedBy != rating.ByTimeout {
				t.Errorf("the record says %+v", cdr)
			}
			if name == "the trunk" && cdr.Duration > 3 {
				t.Errorf("billed %d s, but the trunk was dead after 1.5", cdr.Duration)
			}
		})
	}
}

func TestTrunkHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.config.Timers.T1 = 20 * time.Millisecond
		w.catalog.edit(func(d *rating.Documents) { d.Trunks[0].ProbeInterval = 1 })
	})
	want := func(h sipctl.Health) {
		t.Helper()
		for deadline := time.Now().Add(5 * second); w.server.Trunks()[0].Health != h; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the trunk is %s, want %s", w.server.Trunks()[0].Health, h)
			}
		}
	}
	want(sipctl.HealthUp)
	w.carrier.Deaf(true)
	want(sipctl.HealthDown)
	w.carrier.Deaf(false)
	want(sipctl.HealthUp)
}
