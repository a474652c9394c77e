package embedded

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Expiry in the in-process engine: keys go at most expiryInterval late. A sweep looks at every key, so when there are many
// the next one waits expiryRest times as long as the last one took.
const (
	expiryInterval = 250 * time.Millisecond
	expiryRest     = 50
)

// Memory is the in-process engine: a Redis without a process, a port or a file, for the demo, for ephemeral mode and for
// tests. Everything it holds is gone after Close. Inside testing/synctest it lives by the bubble's clock.
type Memory struct {
	engine *miniredis.Miniredis
	stop   context.CancelFunc
	swept  sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// NewMemory starts an empty engine.
func NewMemory() (*Memory, error) {
	m := &Memory{engine: miniredis.NewMiniRedis()}
	boot, err := m.engine.Dial() // starts the engine without a listener
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	m.swept.Go(func() { m.sweep(ctx) })
	return m, boot.Close()
}

// Client returns a new client; the caller closes it before the engine.
func (m *Memory) Client() *redis.Client {
	o := commonOptions()
	o.Addrs, o.Dialer = []string{"memory"}, m.dial
	c := redis.NewClient(o.Simple())
	c.AddHook(deadline{commandLimit})
	return c
}

// Close forgets everything.
func (m *Memory) Close() {
	m.stop()
	m.swept.Wait()
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.engine.Close()
}

func (m *Memory) dial(context.Context, string, string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, net.ErrClosed
	}
	near, far := newPipe()
	m.engine.Server().ServeConn(far)
	return near, nil
}

// sweep lets the time of keys run: the engine does not do so by itself, and its own way (ClockTTL) sorts all keys at each command.
func (m *Memory) sweep(ctx context.Context) {
	last := time.Now()
	timer := time.NewTimer(expiryInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			m.engine.FastForward(now.Sub(last))
			last = now
			timer.Reset(max(expiryInterval, expiryRest*time.Since(now)))
		}
	}
}
