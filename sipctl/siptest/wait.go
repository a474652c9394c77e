package siptest

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// bell wakes everybody who waits for a change. It costs nothing while nobody does.
type bell struct {
	mu      sync.Mutex
	waiters chan struct{}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiters != nil {
		close(b.waiters)
		b.waiters = nil
	}
}

// next is closed at the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiters == nil {
		b.waiters = make(chan struct{})
	}
	return b.waiters
}

// wait returns when so says yes. It asks again at every ring of the bell, and gives up with the context, with the user agent, or
// when Patience is over; state then tells how far things have come.
func (a *ua) wait(ctx context.Context, b *bell, so func() bool, what string, state func() string) error {
	patience := time.NewTimer(a.conf.Patience)
	defer patience.Stop()
	for {
		change := b.next()
		if so() {
			return nil
		}
		var err error
		select {
		case <-change:
			continue
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-a.done:
			err = errClosed
		case <-patience.C:
			err = ErrPatience
		}
		return fmt.Errorf("%s waits for %s; %s: %w", a.conf.Name, what, state(), err)
	}
}
