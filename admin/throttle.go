package admin

import (
	"sync"
	"time"
)

// Failed log-ins that are free of delay, and how the delay grows after them.
const (
	triesPerPair    = 5   // of one user from one address
	triesPerAddress = 20  // of any users from one address
	triesPerUser    = 100 // of one user from anywhere: many addresses may not lock the owner out, only slow him down

	firstDelay   = 10 * time.Second
	longestDelay = 15 * time.Minute
	longestAny   = 30 * time.Second // for triesPerUser
	forgetAfter  = time.Hour
	mostTracked  = 100_000 // keys; the oldest are forgotten first
)

// throttle slows down guessing. It counts an attempt before it is checked, so that many at once gain nothing.
type throttle struct {
	now func() time.Time

	mu       sync.Mutex
	attempts map[string]*attempts
}

// attempts of one key that have not been followed by a success.
type attempts struct {
	failed int
	last   time.Time
	until  time.Time // nothing is let in before
}

func newThrottle() *throttle { return &throttle{now: time.Now, attempts: map[string]*attempts{}} }

// rule is one way in which log-ins are counted.
type rule struct {
	key     string
	tries   int
	longest time.Duration
}

func rules(address, user string) []rule {
	return []rule{
		{"pair " + address + " " + user, triesPerPair, longestDelay},
		{"address " + address, triesPerAddress, longestDelay},
		{"user " + user, triesPerUser, longestAny},
	}
}

// begin counts an attempt, or says how long to wait before the next one.
func (t *throttle) begin(address, user string) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.forget(now)
	for _, r := range rules(address, user) {
		if a := t.attempts[r.key]; a != nil {
			wait = max(wait, a.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait, false
	}
	for _, r := range rules(address, user) {
		a := t.attempts[r.key]
		if a == nil || now.Sub(a.last) > forgetAfter {
			a = &attempts{}
			t.attempts[r.key] = a
		}
		a.failed, a.last = a.failed+1, now
		if over := a.failed - r.tries; over >= 0 {
			a.until = now.Add(min(firstDelay<<min(over, 20), r.longest))
		}
	}
	return 0, true
}

// succeeded forgets the attempts of this user from this address.
func (t *throttle) succeeded(address, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.attempts, rules(address, user)[0].key)
	for _, r := range rules(address, user)[1:] { // others' failures stay counted
		if a := t.attempts[r.key]; a != nil {
			a.failed--
			if a.failed < r.tries {
				a.until = time.Time{}
			}
		}
	}
}

// forget drops what is old; when there is too much, everything but those who wait, then all.
func (t *throttle) forget(now time.Time) {
	if len(t.attempts) < mostTracked {
		return
	}
	for key, a := range t.attempts {
		if now.Sub(a.last) > forgetAfter && now.After(a.until) {
			delete(t.attempts, key)
		}
	}
	for key, a := range t.attempts {
		if len(t.attempts) < mostTracked/2 {
			return
		}
		if now.After(a.until) {
			delete(t.attempts, key)
		}
	}
	if len(t.attempts) >= mostTracked {
		clear(t.attempts)
	}
}
