package sipctl_test

import (
	"context"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
)

// Under overload new calls are shed, and nothing else.
func TestOverloadShedsNewCallsAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10*rating.Unit, func(w *world) { w.config.MaxCPS = 1 })
	w.carrier.On("112", siptest.Answer(0))
	first := w.phone.Call("91")
	if m, err := first.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("the first call: %v %v", m, err)
	}
	shed := 0
	for range 20 {
		if m, err := w.phone.Call("91").Final(t.Context()); err == nil && m.Code == 503 && m.Get("Retry-After") != "" {
			shed++
		}
	}
	if shed < 18 {
		t.Errorf("%d of 20 calls above the limit were shed", shed)
	}
	if m, err := first.Info(t.Context(), siptest.Body{Type: "text/plain", Text: "x"}); err != nil || m.Code != 200 {
		t.Errorf("INFO of a call that is up: %v %v", m, err)
	}
	if m, err := first.Reinvite(t.Context(), sdp("hold")); err != nil || m.Code != 200 {
		t.Errorf("re-INVITE of a call that is up: %v %v", m, err)
	}
	emergency := w.phone.Call("112")
	if m, err := emergency.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("an emergency call: %v %v", m, err)
	}
	for _, call := range []*siptest.Call{first, emergency} {
		if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
			t.Errorf("BYE: %v %v", m, err)
		}
	}
}

// behind is a ledger that keeps every new call waiting until the gate lets it through.
type behind struct {
	sipctl.Ledger
	gate chan struct{}
}

func (b behind) Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	<-b.gate
	return b.Ledger.Authorize(context.WithoutCancel(ctx), a)
}

// A store that is behind is not asked for ever more: what comes meanwhile is told at once, and when it is back so are we.
func TestAStoreThatIsBehindIsNotAskedForMore(t *testing.T) {
	gate := make(chan struct{})
	w := newWorld(t, 100*rating.Unit, func(w *world) { w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return behind{l, gate} } })
	const calls, mayWait, surelyShed = 480, 400, 60 // some come at the same moment and find the last place free
	codes := make(chan int, calls)
	for range calls {
		call := w.phone.Call("91")
		time.Sleep(time.Millisecond) // a burst in no time would be the guard's
		go func() {
			m, err := call.Final(t.Context())
			if err != nil {
				codes <- 0
				return
			}
			if m.Code == 200 {
				call.Bye(t.Context())
			}
			codes <- m.Code
		}()
	}
	got := make(map[int]int)
	next := func() {
		select {
		case code := <-codes:
			got[code]++
		case <-time.After(20 * time.Second):
			t.Fatalf("of %d calls these were told something: %v", calls, got)
		}
	}
	for range surelyShed { // while the store says nothing
		next()
	}
	if got[503] != surelyShed {
		t.Errorf("those that may not wait were told %v, want 503", got)
	}
	for range calls - surelyShed { // it catches up, call by call
		select {
		case gate <- struct{}{}:
		default: // nobody waits any more
		}
		next()
	}
	close(gate)
	if got[200] < mayWait/2 {
		t.Errorf("the calls were told %v", got)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		call := w.phone.Call("91")
		m, err := call.Answered(t.Context())
		if err == nil && m.Code == 200 {
			call.Bye(t.Context())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the store is back, and the next calls get %v %v", m, err)
		}
	}
}
