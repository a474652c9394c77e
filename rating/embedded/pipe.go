package embedded

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeLimit is how many bytes one direction of a pipe holds before its writer waits.
const pipeLimit = 1 << 20

// newPipe returns the two ends of a connection in memory. Unlike net.Pipe it has a buffer, as a socket has: a client that
// writes a long pipeline before it reads would otherwise wait for a server that waits for it.
func newPipe() (net.Conn, net.Conn) {
	ab, ba := newStream(), newStream()
	return &pipeEnd{in: ba, out: ab}, &pipeEnd{in: ab, out: ba}
}

type pipeEnd struct{ in, out *stream }

func (e *pipeEnd) Read(b []byte) (int, error)  { return e.in.read(b) }
func (e *pipeEnd) Write(b []byte) (int, error) { return e.out.write(b) }

func (e *pipeEnd) Close() error {
	e.in.close()
	e.out.close()
	return nil
}

func (e *pipeEnd) LocalAddr() net.Addr  { return pipeAddr{} }
func (e *pipeEnd) RemoteAddr() net.Addr { return pipeAddr{} }

func (e *pipeEnd) SetDeadline(t time.Time) error {
	e.in.setReadDeadline(t)
	e.out.setWriteDeadline(t)
	return nil
}

func (e *pipeEnd) SetReadDeadline(t time.Time) error {
	e.in.setReadDeadline(t)
	return nil
}

func (e *pipeEnd) SetWriteDeadline(t time.Time) error {
	e.out.setWriteDeadline(t)
	return nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "memory" }
func (pipeAddr) String() string  { return "memory" }

// stream is one direction: bytes in order, with a bound.
type stream struct {
	mu            sync.Mutex
	changed       sync.Cond // data, closed, or a deadline
	data          []byte
	closed        bool
	reads, writes timeLimit
}

// timeLimit is a deadline that wakes the stream when it passes.
type timeLimit struct {
	at    time.Time
	timer *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.reads.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.data) > 0 || len(b) == 0:
			n := copy(b, s.data)
			if s.data = s.data[n:]; len(s.data) == 0 {
				s.data = nil // lets a long burst's buffer go
			}
			s.changed.Broadcast()
			return n, nil
		case s.closed:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return written, io.ErrClosedPipe
		case s.writes.passed():
			return written, os.ErrDeadlineExceeded
		}
		n := min(len(b), pipeLimit-len(s.data))
		s.data = append(s.data, b[:n]...)
		b, written = b[n:], written+n
		if n > 0 {
			s.changed.Broadcast()
		}
		if len(b) == 0 {
			return written, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.reads.stop()
	s.writes.stop()
	s.changed.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time)  { s.setDeadline(&s.reads, t) }
func (s *stream) setWriteDeadline(t time.Time) { s.setDeadline(&s.writes, t) }

func (s *stream) setDeadline(l *timeLimit, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.at = t
	switch {
	case t.IsZero() || s.closed:
		l.stop()
	case l.timer == nil:
		l.timer = time.AfterFunc(time.Until(t), s.wake)
	default:
		l.timer.Reset(time.Until(t))
	}
	s.changed.Broadcast()
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

func (l *timeLimit) passed() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }

func (l *timeLimit) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
