package guard

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Pauses after an accept error, doubling: a process that has run out of file descriptors goes on listening.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// Listener guards a TCP socket: it accepts only whom the policy and the limits admit, and returns connections that read
// whole, checked messages.
type Listener struct {
	guard  *Guard
	inner  net.Listener
	config *tls.Config
	close  sync.Once
	closed chan struct{}
}

// Listener puts the guard in front of a TCP listener, and TLS between the two unless config is nil.
func (g *Guard) Listener(inner net.Listener, config *tls.Config) *Listener {
	return &Listener{guard: g, inner: inner, config: config, closed: make(chan struct{})}
}

// Addr returns the address that the socket listens on.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close stops listening. Connections stay until they are closed themselves.
func (l *Listener) Close() error {
	err := net.ErrClosed
	l.close.Do(func() {
		close(l.closed)
		err = l.inner.Close()
	})
	return err
}

// Accept waits for the next connection that may stay. It returns an error, net.ErrClosed, only when the listener is closed.
func (l *Listener) Accept() (net.Conn, error) {
	pause := minAcceptPause
	for {
		raw, err := l.inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		if err != nil {
			l.guard.add(SocketError)
			if !l.wait(pause) {
				return nil, net.ErrClosed
			}
			pause = min(2*pause, maxAcceptPause)
			continue
		}
		pause = minAcceptPause
		c, r := l.admit(raw)
		if r == Passed {
			return c, nil
		}
		l.guard.add(r)
		refuse(raw)
	}
}

// wait reports whether the listener is still open after d.
func (l *Listener) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.closed:
		return false
	}
}

// refuse closes a connection at once and leaves no trace of it in the kernel either.
func refuse(raw net.Conn) {
	if tcp, ok := raw.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	raw.Close()
}

// admit counts a connection in and wraps it.
func (l *Listener) admit(raw net.Conn) (net.Conn, Reason) {
	source := addrOf(raw.RemoteAddr())
	class := l.guard.config.Policy.Class(source)
	if class == Drop {
		return nil, Denied
	}
	s := seat{class: class, source: sourceKey(source, class)}
	if r := l.guard.conns.take(&s, &l.guard.config); r != Passed {
		return nil, r
	}
	return newConn(l.guard, raw, l.config, source, s), Passed
}

// addrOf returns the IP address of a peer; the zero Addr, which no policy knows, where it has none.
func addrOf(addr net.Addr) netip.Addr {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	parsed, _ := netip.ParseAddrPort(addr.String())
	return parsed.Addr().Unmap()
}
