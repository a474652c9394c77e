package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	probeInterval = 500 * time.Millisecond
	probeLimit    = 800 * time.Millisecond // for the answer to one probe
	secondLook    = 400 * time.Millisecond // after a silence; in all 2.5 s, below the 3 s in which a loss must show
	checkLimit    = 3 * time.Second        // for reading what a store is set to
)

// watch looks at the store until ctx ends, and reports each change. poke makes it look at once.
func (s *Store) watch(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.poke:
		case <-tick.C:
		}
		s.look(ctx)
	}
}

// look asks the store and writes the outcome into the state. One silence is asked about again, because the private server
// is back in a fraction of a second and the client's own repetitions bridge that.
func (s *Store) look(ctx context.Context) {
	err := s.examine(ctx)
	if err != nil && s.Up() && sleep(ctx, secondLook) {
		err = s.examine(ctx)
	}
	if ctx.Err() == nil {
		s.turn(err)
	}
}

// examine asks the store once. One that comes (back) up is checked first: it may be another server than before, for example
// a promoted replica.
func (s *Store) examine(ctx context.Context) error {
	err := s.probe(ctx)
	if err == nil && !s.Up() {
		err = s.check(ctx)
	}
	return err
}

// probe asks for an answer; on a cluster every master must give it.
func (s *Store) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if c, ok := s.probes.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return node.Ping(ctx).Err() })
	}
	return s.probes.Ping(ctx).Err()
}

// check reads what the store is set to, keeps the report, and returns an error if it is out of reach or not fit.
func (s *Store) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	nodes, err := inspect(ctx, s.probes, s.mode)
	if err != nil {
		return err
	}
	report, err := judge(nodes)
	s.mu.Lock()
	before := s.report
	s.report = report
	s.mu.Unlock()
	if report.Durability != before.Durability || report.Loss != before.Loss {
		s.tell(report)
	}
	return err
}

func (s *Store) tell(r Report) {
	if r.Durability == Always {
		s.log.Info("the store's durability", "store", s.Address, "server", r.Server, "durability", string(r.Durability), "meaning", r.Loss)
	} else {
		s.log.Warn("the store's durability is weak", "store", s.Address, "server", r.Server, "durability", string(r.Durability), "meaning", r.Loss)
	}
	for _, w := range r.Warnings {
		s.log.Warn("the store was not checked in full", "store", s.Address, "warning", w)
	}
}

// turn writes the outcome of a look into the state. A change, also of the reason, is logged and told.
func (s *Store) turn(err error) {
	s.mu.Lock()
	before := s.state
	changed := before.Since.IsZero() || before.Up != (err == nil)
	if changed {
		s.state.Since = time.Now()
	}
	s.state.Up, s.state.Err = err == nil, err
	s.mu.Unlock()
	switch {
	case changed && err == nil:
		s.log.Info("the store is up", "store", s.Address, "kind", string(s.Kind))
	case changed || unfit(err) && !unfit(before.Err):
		s.log.Error("the store is down", "store", s.Address, "kind", string(s.Kind), "err", err)
	}
	if changed && s.onChange != nil {
		s.onChange(s.State())
	}
}

// unfit tells errors that waiting does not mend: the store answers, and Tollgate cannot work with it.
func unfit(err error) bool {
	if rejected(err) {
		return true
	}
	for _, target := range []error{ErrTooOld, ErrEviction, ErrReplica, ErrMode, ErrRefused, errForeign} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// named gives an error that stops Open its name.
func named(err error) error {
	if rejected(err) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
