package guard

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxWriters is how many writes may wait for a peer that does not read.
const maxWriters = 256

// peer is a connection whose writes cannot block for ever, and which leaves its seat when it is closed.
type peer struct {
	net.Conn
	counters *Counters
	timeout  time.Duration
	leave    func()

	turn    chan struct{} // holds one token: whoever has put it there writes
	writers atomic.Int32
	close   sync.Once
	closed  chan struct{}

	deadline    sync.Mutex
	own, caller time.Time // limits of a read: the guard's and the caller's; the earlier one counts
}

// Write writes b within the guard's write timeout. A peer that does not take it in time is cut off: half a message may
// have gone out. Writers queue here and not in the socket, where each would put off the deadline of the one before.
func (p *peer) Write(b []byte) (int, error) {
	defer p.writers.Add(-1)
	if p.writers.Add(1) > maxWriters {
		p.giveUp()
		return 0, os.ErrDeadlineExceeded
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-p.closed:
		return 0, net.ErrClosed
	}
	p.Conn.SetWriteDeadline(time.Now().Add(p.timeout))
	n, err := p.Conn.Write(b)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.giveUp()
	case err != nil:
		p.shut()
	}
	return n, err
}

// giveUp cuts a peer off that stopped reading.
func (p *peer) giveUp() {
	if p.shut() {
		p.counters.add(Slow)
	}
}

// Close closes the connection. Readers and writers may both do so: the second time is no error.
func (p *peer) Close() error {
	p.shut()
	return nil
}

// shut reports whether it was this call that closed the connection.
func (p *peer) shut() (first bool) {
	p.close.Do(func() {
		first = true
		close(p.closed)
		p.leave()
		p.Conn.Close()
	})
	return first
}

// pause waits for d. It reports false when the connection is closed meanwhile.
func (p *peer) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.closed:
		return false
	}
}

// limitRead sets the guard's deadline for reads; zero is none.
func (p *peer) limitRead(until time.Time) {
	p.deadline.Lock()
	defer p.deadline.Unlock()
	p.own = until
	p.applyDeadline()
}

// SetReadDeadline sets the caller's deadline for reads. The guard's own holds beside it.
func (p *peer) SetReadDeadline(until time.Time) error {
	p.deadline.Lock()
	defer p.deadline.Unlock()
	p.caller = until
	return p.applyDeadline()
}

func (p *peer) applyDeadline() error {
	earlier := p.own
	if earlier.IsZero() || !p.caller.IsZero() && p.caller.Before(earlier) {
		earlier = p.caller
	}
	return p.Conn.SetReadDeadline(earlier)
}

// SetWriteDeadline does nothing: each write has the guard's timeout.
func (p *peer) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the caller's deadline for reads.
func (p *peer) SetDeadline(until time.Time) error { return p.SetReadDeadline(until) }
