package sipctl_test

import (
	"context"
	"sync"
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

// slow is a ledger that keeps every new call waiting.
type slow struct {
	sipctl.Ledger
	gate chan struct{}
}

func (s slow) Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	select {
	case <-s.gate:
	case <-ctx.Done():
		return rating.Grant{}, ctx.Err()
	}
	return s.Ledger.Authorize(ctx, a)
}

// A store that is behind is not asked for ever more: what comes meanwhile is told at once, and when it is back so are we.
func TestAStoreThatIsBehindIsNotAskedForMore(t *testing.T) { // alone: it is about how many calls are placed in 50 ms
	gate := make(chan struct{})
	w := newWorld(t, 100*rating.Unit, func(w *world) { w.wrap = func(l sipctl.Ledger) sipctl.Ledger { return slow{l, gate} } })
	const calls = 480 // more than may wait for the store
	var shed, quickly int
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range calls {
		call := w.phone.Call("91")
		time.Sleep(time.Millisecond) // a burst in no time would be the guard's
		all.Go(func() {
			m, err := call.Final(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if err == nil && m.Code == 503 {
				if shed++; time.Since(began) < 1200*time.Millisecond {
					quickly++
				}
			} else if err == nil && m.Code == 200 {
				all.Go(func() { _, _ = call.Bye(t.Context()) })
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // less than the store is waited for, also on a busy machine
	close(gate)
	all.Wait()
	if quickly < calls/10 || shed > calls/2 {
		t.Errorf("%d of %d calls were shed, %d of them at once", shed, calls, quickly)
	}
	call := w.phone.Call("91")
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("the store is back, and the next call gets %v %v", m, err)
	}
	call.Bye(t.Context())
}
