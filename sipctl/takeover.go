package sipctl

import (
	"context"
	"errors"
	"slices"
	"time"

	"tollgate/rating"
)

// takeOver looks every Timers.Takeover whether another node has died (its heartbeat is older than the ledger's Alive), and
// goes on with its answered calls: with their money, their limits, and whatever of their messages comes here. Ringing ones
// cannot be saved, since their transactions are gone: they wait for their node, or for the end of their lease.
func (s *Server) takeOver(ctx context.Context) {
	tick := time.NewTicker(s.config.Timers.Takeover)
	defer tick.Stop()
	done := map[string]time.Time{} // nodes whose calls are here by now, and when they were last seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.draining.Load() || !s.complete.Load() {
			continue
		}
		if err := s.takeOverAll(ctx, done); err != nil && ctx.Err() == nil && !errors.Is(err, rating.ErrUnavailable) {
			s.log.Warn("the calls of a dead node could not be taken over yet", "err", err)
		}
	}
}

func (s *Server) takeOverAll(ctx context.Context, done map[string]time.Time) error {
	wait, cancel := context.WithTimeout(ctx, takeoverLimit)
	defer cancel()
	gone, err := s.deps.Ledger.Gone(wait)
	if err != nil {
		return err
	}
	for node := range done {
		if _, still := gone[node]; !still {
			delete(done, node) // it is back
		}
	}
	for node, seen := range gone {
		if done[node].Equal(seen) && !seen.IsZero() {
			continue
		}
		if err := s.inherit(wait, node, seen); err != nil {
			return err
		}
		done[node] = seen
	}
	return nil
}

// takeoverLimit is how long one round may take.
const takeoverLimit = 30 * time.Second

// inherit takes over the answered calls of a node, those first whose money ends first.
func (s *Server) inherit(ctx context.Context, node string, seen time.Time) error {
	holds, err := s.deps.Ledger.CallsOf(ctx, node)
	if err != nil {
		return err
	}
	holds = slices.DeleteFunc(holds, func(h rating.Hold) bool { return h.Answered.IsZero() })
	slices.SortFunc(holds, func(a, b rating.Hold) int { return paidUntil(a).Compare(paidUntil(b)) })
	taken := 0
	for _, listed := range holds {
		h, err := s.deps.Ledger.Adopt(ctx, listed.Call, s.config.Node)
		switch {
		case errors.Is(err, rating.ErrOwnedElsewhere), errors.Is(err, rating.ErrSettled), errors.Is(err, rating.ErrNoCall):
			continue // its node is back, another one was faster, or it has ended
		case err != nil:
			return err
		}
		h.Seen = later(listed.Seen, seen)
		if c := s.takeUp(h); c != nil {
			c.post((*Call).saveDialog) // with our address, and room in the counters
			taken++
		}
	}
	if len(holds) > 0 {
		s.log.Warn("a node is gone: its calls go on here", "gone", node, "last_seen", seen, "found", len(holds), "taken", taken)
		s.metrics.takenOver.Add(float64(taken))
	}
	return nil
}

// paidUntil is when the money ends that a call holds; a call without end comes last.
func paidUntil(h rating.Hold) time.Time {
	after, ends := h.CutAfter(0)
	if !ends {
		after = rating.MaxTariffSeconds * time.Second
	}
	return h.Answered.Add(after)
}

// yield lets go of a call that another node has taken over: nothing is sent, nothing is settled, since the call goes on
// there. Its messages may still come here: see seek.
func (c *Call) yield() {
	if c.unheld || c.state != answered && c.state != talking {
		return
	}
	c.log().Warn("another node has taken the call over")
	if c.uas != nil {
		c.uas.Confirm()
		c.uas = nil
	}
	c.state, c.settled, c.unacked, c.owed = over, true, false, false
	c.endNow(time.Now())
	c.remove()
}

// yieldAnswer ends our trunk's leg of a call that rings here, and was taken over by the same INVITE at another node: that one
// has the hold, the record, and a trunk of its own.
func (c *Call) yieldAnswer() {
	c.log().Warn("another node has taken the call over while it rang here")
	_ = c.setup.uas.Respond(482, "Loop Detected", nil, nil)
	c.state, c.settled = over, true
	c.hangUpTrunk()
	c.leaveSetup()
	c.finish()
}
