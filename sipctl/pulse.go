package sipctl

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"tollgate/rating"
)

// pulse notices that the process stood still (stopped, swapped out, a frozen machine): another node may have taken its calls
// over meanwhile, so none of them is sure to be ours any more.
type pulse struct {
	began  time.Time
	last   atomic.Int64 // newest beat, ns since began
	broken atomic.Int64 // newest beat after a standstill; 0 = never
}

const (
	pulseEvery = time.Second
	standstill = 4 * time.Second // less than any heartbeat is late when others take over
)

func newPulse(at time.Time) *pulse { return &pulse{began: at} }

// run beats until ctx is done.
func (p *pulse) run(ctx context.Context) {
	p.last.Store(int64(time.Since(p.began)))
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.check(time.Now())
			p.last.Store(int64(time.Since(p.began)))
		}
	}
}

// check returns when the process was last found to have stood still; the zero time where it never was.
func (p *pulse) check(now time.Time) time.Time {
	at := int64(now.Sub(p.began))
	if last := p.last.Load(); last > 0 && at-last > int64(standstill) && p.last.CompareAndSwap(last, at) {
		p.broken.Store(at)
	}
	if broken := p.broken.Load(); broken > 0 {
		return p.began.Add(time.Duration(broken))
	}
	return time.Time{}
}

// doubt makes every call prove again that it is ours.
func (p *pulse) doubt(now time.Time) { p.broken.Store(int64(now.Sub(p.began))) }

// doubtful reports whether the call may be another node's by now.
func (c *Call) doubtful(now time.Time) bool {
	return !c.unheld && (c.state == answered || c.state == talking) && c.sure.Before(c.server.pulse.check(now))
}

// reassure asks the ledger whether the call is still ours, and goes on with then if it is, or if the store does not answer:
// a call goes on to the end of what it has paid (spec 3.10).
func (c *Call) reassure(then event, lost event) {
	asked := time.Now()
	c.aside(func() {
		ctx, cancel := context.WithTimeout(c.server.background, extendWait)
		defer cancel()
		_, elsewhere, err := c.server.deps.Ledger.Touch(ctx, []rating.CallID{c.id}) // one that is over is told by the next step
		if err == nil && len(elsewhere) > 0 {
			c.deliver(func(c *Call) { c.yield(); lost(c) })
			return
		}
		c.deliver(func(c *Call) { c.sure = asked; then(c) })
	})
}

// reclaim takes a call back whose messages come here although another node has it, and hands it e.
func (s *Server) reclaim(id rating.CallID, e event, lost func()) {
	ctx, cancel := context.WithTimeout(s.background, earlyWait)
	defer cancel()
	h, taken, err := s.deps.Ledger.Claim(ctx, id)
	if err == nil && taken {
		if c := s.takeUp(h); c != nil {
			s.log.Info("a call is taken back: its messages come here", "call_id", id)
			c.post((*Call).saveDialog)
			c.post(e)
			return
		}
	}
	if err != nil && !errors.Is(err, rating.ErrSettled) {
		s.log.Warn("a call could not be taken back", "call_id", id, "err", err)
	}
	lost()
}
