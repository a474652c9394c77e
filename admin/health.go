package admin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// ReadyCheck is one thing without which no call can be handled: the store, the archive, the SIP sockets.
type ReadyCheck struct {
	Name  string
	Check func(ctx context.Context) error
}

const (
	checkTimeout = 2 * time.Second
	checkReuse   = time.Second // strangers may ask as often as they like
)

// readiness asks all checks at once, and at most once a second.
type readiness struct {
	checks []ReadyCheck
	log    *slog.Logger

	mu     sync.Mutex
	asked  time.Time
	states map[string]string // by name: ok or failed
	ready  bool
}

func newReadiness(checks []ReadyCheck, log *slog.Logger) *readiness {
	return &readiness{checks: checks, log: log, states: map[string]string{}, ready: true}
}

// ask returns whether everything is good, and how each check went. Why one failed is in the log, not in the answer:
// it may name addresses, and anybody may ask.
func (r *readiness) ask(ctx context.Context) (bool, map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < checkReuse {
		return r.ready, r.states
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	results := make([]error, len(r.checks))
	var running sync.WaitGroup
	for i, check := range r.checks {
		running.Go(func() { results[i] = check.Check(ctx) })
	}
	running.Wait()
	states, ready := make(map[string]string, len(results)), true
	for i, err := range results {
		name := r.checks[i].Name
		states[name] = "ok"
		if err != nil {
			states[name], ready = "failed", false
			if r.states[name] != "failed" {
				r.log.Error("not ready", "check", name, "err", err)
			}
		}
	}
	r.asked, r.ready, r.states = time.Now(), ready, states
	return ready, states
}

// serveReady answers 200 when calls can be handled, else 503.
func (s *Server) serveReady(c *gin.Context) {
	ready, states := s.readiness.ask(c.Request.Context())
	code, word := http.StatusOK, "ready"
	if !ready {
		code, word = http.StatusServiceUnavailable, "not ready"
	}
	c.JSON(code, gin.H{"status": word, "checks": states})
}

// serveHealth answers as long as the process lives.
func serveHealth(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) }
