package embedded

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Kind says what stands behind a store.
type Kind string

const (
	Private   Kind = "embedded"  // the redis-server that Tollgate runs itself
	Ephemeral Kind = "ephemeral" // the in-process engine
	External  Kind = "external"  // store.redis
)

// State is whether a store answers, and since when. PID, Adopted and Restarts are told of a private store only.
type State struct {
	Up       bool
	Since    time.Time
	Err      error // why it is not up
	PID      int   // of the redis-server; 0 while it is down
	Adopted  bool  // it had been left running by a Tollgate that ended without stopping it
	Restarts int   // how often it came up again
}

// Store is an open store. It is safe for use by many goroutines.
type Store struct {
	Client    redis.UniversalClient
	Kind      Kind
	Ephemeral bool   // balances do not survive a restart
	Address   string // where it is, without user and password

	log      *slog.Logger
	onChange func(State)
	probes   redis.UniversalClient // for the monitor, apart from the pool that calls use
	lock     *os.File              // of the data directory; nil where another process has it or none is needed
	private  *private              // Private only, and nil when the server belongs to another process
	attached bool                  // by a tool, which leaves an adopted server as it found it
	memory   *Memory               // Ephemeral only
	mode     mode
	poke     chan struct{} // asks the monitor to look at once
	stop     context.CancelFunc
	monitor  sync.WaitGroup
	closing  sync.Once
	closed   error

	mu     sync.Mutex
	state  State
	report Report
}

// Up tells whether the store answered when it was last asked, at most three seconds ago.
func (s *Store) Up() bool { return s.State().Up }

// State is the state at this moment.
func (s *Store) State() State {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	if s.private != nil {
		s.private.fill(&state)
	}
	return state
}

// Report is what was found out about the store when it last came up. Until it has answered once, Durability is Unknown.
func (s *Store) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}

// Close closes the client and ends what Open began: a private server is stopped cleanly (killed when ctx ends first, which
// loses nothing acknowledged), the in-process engine forgets everything, an external Redis is left alone. A second Close
// does nothing and returns what the first did.
func (s *Store) Close(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.end(ctx) })
	return s.closed
}

func (s *Store) end(ctx context.Context) error {
	if s.stop != nil {
		s.stop()
		s.monitor.Wait()
	}
	var errs []error
	for _, c := range []redis.UniversalClient{s.probes, s.Client} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if s.memory != nil {
		s.memory.Close()
	}
	if s.private != nil {
		errs = append(errs, s.endPrivate(ctx))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

func (s *Store) endPrivate(ctx context.Context) error {
	if proc := s.private.current(); s.attached && proc != nil && proc.adopted {
		s.private.release()
		return nil
	}
	return s.private.stop(ctx)
}
