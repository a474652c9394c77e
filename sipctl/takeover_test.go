package sipctl_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/ledger"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
)

// alive is how long a node of these tests is taken for alive after its last heartbeat.
const alive = 2 * time.Second

// living gives a world a heartbeat, as the program does. The returned function ends it.
func (w *world) living() (die func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var beating sync.WaitGroup
	if err := w.ledger.Heartbeat(ctx); err != nil {
		w.t.Fatal(err)
	}
	beating.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(alive / 4):
				_ = w.ledger.Heartbeat(ctx)
			}
		}
	})
	die = sync.OnceFunc(func() { cancel(); beating.Wait() })
	w.t.Cleanup(die)
	return die
}

func node(name string) func(*world) {
	return func(w *world) {
		w.ledger = ledger.New(w.store.Client(), ledger.Options{Node: name, Alive: alive, Log: quiet()})
		w.config.Node, w.config.Timers.Takeover, w.config.Timers.Refresh = name, 100*time.Millisecond, second
	}
}

// beside is another node on the same store, not started yet.
func (w *world) beside(name string, listen ...string) *world {
	w.t.Helper()
	other := *w
	other.dir, other.config.Listen = w.t.TempDir(), listen
	node(name)(&other)
	return &other
}

// run starts a node that stops with the test.
func (w *world) run() {
	w.start()
	stop := w.stop
	w.t.Cleanup(stop)
}

func (w *world) awaitCalls(n int) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * second); len(w.server.Calls()) != n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s has %d calls, want %d", w.config.Node, len(w.server.Calls()), n)
		}
	}
}

func TestAnotherNodeTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30_000, node("gw1"))
	w.extension("102", 10*rating.Unit, nil)
	die := w.living()
	other := w.beside("gw2", "udp://127.0.0.1:0")
	other.run()
	other.living()
	poor, rich := w.phone.Call("91"), w.newPhone(siptest.PhoneConfig{User: "102"}).Call("92")
	w.carrier.On("3", siptest.RingForever())
	ringing := w.newPhone(siptest.PhoneConfig{User: "102"}).Call("93")
	for _, call := range []*siptest.Call{poor, rich} {
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ringing.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(other.server.Calls()); n != 0 {
		t.Fatalf("a live node has lost %d calls", n)
	}
	w.stop() // without a word, as kill -9 does
	die()
	other.awaitCalls(2) // the ringing one stays where it was
	end, err := poor.Ended(t.Context())
	if err != nil || end.Reason != cut {
		t.Errorf("the call whose money ended was ended with %+v %v", end, err)
	}
	for _, live := range other.server.Calls() {
		other.server.HangUp(live.ID)
	}
	if _, err := rich.Ended(t.Context()); err != nil {
		t.Errorf("a hang-up at the new node: %v", err)
	}
	for deadline := time.Now().Add(10 * second); len(w.filed()) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("filed: %+v", w.filed())
		}
	}
	for _, cdr := range w.filed() {
		if cdr.Node != "gw2" || cdr.Disposition != rating.Answered {
			t.Errorf("the record says %+v", cdr)
		}
		w.agreed(cdr)
	}
	w.start() // the old node comes back: it has its ringing call, and no other
	w.living()
	cdrs := w.cdrs(3)
	for _, cdr := range cdrs {
		if cdr.Node == "gw1" && (cdr.Cost != 0 || cdr.EndedBy != rating.BySystem || cdr.AnsweredAt != nil) {
			t.Errorf("the record of the ringing call says %+v", cdr)
		}
	}
	if w.balance("101") != 0 {
		t.Errorf("left %s", w.balance("101"))
	}
}

// A node that gets a dead one's address gets its messages too, before it has its calls.
func TestMessagesOfADeadNodesCallsAreServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit, node("gw1"))
	die := w.living()
	began := time.Now()
	call, other := w.phone.Call("91"), w.phone.Call("92")
	for _, c := range []*siptest.Call{call, other} {
		if _, err := c.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.stop()
	die()
	heir := w.beside("gw2", w.config.Listen...)
	heir.run()
	heir.living()
	most := int64(time.Since(began)/second) + 1
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE of the caller: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "2"))
	leg.HangUp()
	if _, err := other.Ended(t.Context()); err != nil {
		t.Errorf("BYE of the trunk: %v", err)
	}
	for _, cdr := range heir.cdrs(2) { // the first BYE is what counts, though it was answered when the call was taken over
		if cdr.Node != "gw2" || cdr.Dialled == "91" && (cdr.Duration > most || cdr.EndedBy != rating.ByCaller) {
			t.Errorf("the record says %+v", cdr)
		}
	}
	w.dead()
}

// cutOff is a store that does not answer one node.
type cutOff struct {
	broken
}

func (b *cutOff) Touch(ctx context.Context, calls []rating.CallID) ([]rating.CallID, []rating.CallID, error) {
	if b.down.Load() {
		return nil, nil, errors.Join(rating.ErrUnavailable, errDown)
	}
	return b.Ledger.Touch(ctx, calls)
}

// A node that was away, and whose calls were taken over, neither bills nor cuts them: until their messages come to it.
func TestANodeThatWasAwayLeavesItsCallsAlone(t *testing.T) {
	t.Parallel()
	b := new(cutOff)
	w := newWorld(t, 10*rating.Unit, node("gw1"), func(w *world) {
		w.config.Timers.Refresh = 100 * time.Millisecond
		w.wrap = func(l sipctl.Ledger) sipctl.Ledger { b.Ledger = l; return b }
	})
	other := w.beside("gw2", "udp://127.0.0.1:0")
	other.wrap = func(l sipctl.Ledger) sipctl.Ledger { return l }
	other.run()
	other.living()
	die := w.living()
	calls := []*siptest.Call{w.phone.Call("91"), w.phone.Call("92"), w.phone.Call("93")}
	for _, call := range calls {
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.down.Store(true)
	die()
	other.awaitCalls(3)
	w.awaitCalls(3) // it does not know yet
	if m, err := calls[0].Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE at a node that has lost the call without knowing: %v %v", m, err)
	}
	b.down.Store(false)
	w.living()
	w.awaitCalls(0)
	if m, err := calls[1].Info(t.Context(), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil || m.Code != 200 {
		t.Errorf("INFO at the old node: %v %v", m, err)
	}
	w.awaitCalls(1) // and only that one
	for _, call := range calls[1:] {
		if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
			t.Errorf("BYE at the old node: %v %v", m, err)
		}
	}
	for _, cdr := range w.cdrs(3) {
		w.agreed(cdr)
		if cdr.Node != "gw1" || cdr.EndedBy != rating.ByCaller {
			t.Errorf("the record says %+v", cdr)
		}
	}
	other.awaitCalls(0)
	w.dead()
	if end := w.balance("101"); end <= 0 {
		t.Errorf("left %s", end)
	}
}

// The same INVITE at two nodes is one call, of whichever node lives.
func TestTheSameInviteAtTwoNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit, node("gw1"))
	w.carrier.On("1", siptest.RingForever())
	die := w.living()
	other := w.beside("gw2", "udp://127.0.0.1:0")
	other.run()
	other.living()
	plan := siptest.Plan{Number: "91", CallID: "same", FromTag: "same", CSeq: 7}
	there := func() *siptest.Call {
		return w.newPhone(siptest.PhoneConfig{Server: other.server.Addrs()[0]}).Place(plan)
	}
	first := w.phone.Place(plan)
	if _, err := first.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := there().Final(t.Context()); err != nil || m.Code != 482 {
		t.Errorf("while its node lives: %v %v, want 482", m, err)
	}
	w.stop()
	die()
	time.Sleep(alive + alive/2)
	w.carrier.On("1", siptest.Answer(20*time.Millisecond))
	call := there()
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatalf("when its node is dead: %v", err)
	}
	w.start() // it comes back while the call talks elsewhere
	w.living()
	time.Sleep(100 * time.Millisecond)
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Node != "gw2" || cdr.Disposition != rating.Answered {
		t.Errorf("the record says %+v", cdr)
	}
	w.agreed(cdr)
}
