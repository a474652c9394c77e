package admin

import (
	"context"
	"sync"
	"time"
)

// failuresKept is how many failed log-ins of a minute the audit log keeps one by one. Whoever tries names by the thousand
// must not fill it; the rest is counted.
const failuresKept = 30

// pace lets something happen so often in a minute, and counts what it held back.
type pace struct {
	mu     sync.Mutex
	minute time.Time // in which are counted:
	taken  int
	held   int // since something was let through
}

// take reports whether it may happen now, and how often it was held back before.
func (p *pace) take(now time.Time, most int) (held int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(p.minute) {
		p.minute, p.taken = minute, 0
	}
	if p.taken >= most {
		p.held++
		return 0, false
	}
	p.taken++
	held, p.held = p.held, 0
	return held, true
}

// logInFailed keeps a failed log-in. A name that is nobody's is not kept: it may be a password in the wrong field.
func (s *Server) logInFailed(ctx context.Context, name string, known bool) {
	object := "user " + name
	if !known {
		object = "an unknown user"
	}
	s.log.Warn("log-in failed", "object", object, "address", addressFrom(ctx))
	s.noteFailure(ctx, actionLogInFailed, object)
}

// slowedDown keeps that somebody tries to log in too often.
func (s *Server) slowedDown(ctx context.Context) {
	s.noteFailure(ctx, actionLogInSlowed, "")
}

func (s *Server) noteFailure(ctx context.Context, action, object string) {
	held, ok := s.failures.take(s.now(), failuresKept)
	if !ok {
		return
	}
	var after any
	if held > 0 {
		after = map[string]int{"failures_not_listed": held}
	}
	s.note(ctx, action, object, after)
}
