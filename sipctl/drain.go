package sipctl

import (
	"context"
	"time"
)

// drainPace is how often Drain looks whether it is done.
const drainPace = 20 * time.Millisecond

// Drain refuses new calls from now on (503), cancels those that still ring after Timers.DrainRing, ends talking ones if
// the store is ephemeral, and returns when no call is left that could not be handed over, or with ctx's error.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	ring := time.NewTimer(s.config.Timers.DrainRing)
	defer ring.Stop()
	tick := time.NewTicker(drainPace)
	defer tick.Stop()
	if s.config.Ephemeral {
		s.endCalls(func(st state) bool { return st == answered || st == talking })
	}
	for s.unfinished() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ring.C:
			s.endCalls(func(st state) bool { return st < answered })
		case <-tick.C:
		}
	}
	return nil
}

func (s *Server) endCalls(which func(state) bool) {
	for _, c := range s.calls.list() {
		c.post(func(c *Call) {
			if which(c.state) {
				c.stop(causeDrain)
			}
		})
	}
}

// unfinished counts the calls that a next process could not go on with.
func (s *Server) unfinished() int {
	n := 0
	for _, c := range s.calls.list() {
		c.shown.mu.Lock()
		if st := c.shown.state; s.config.Ephemeral || st != answered && st != talking && !c.shown.settled {
			n++
		}
		c.shown.mu.Unlock()
	}
	return n
}
