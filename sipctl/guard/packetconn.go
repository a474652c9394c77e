package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	retirement = time.Second           // a term that is over stays known to the library for so long: what it has read is answered
	errorPause = 50 * time.Millisecond // between attempts to read from a socket that reports errors, and to serve it again
)

// Socket is the part of *net.UDPConn that the guard uses.
type Socket interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
}

// PacketConn guards one UDP socket. The library reads from it in terms, see Serve.
type PacketConn struct {
	guard  *Guard
	socket Socket

	current atomic.Pointer[term]
	reading sync.Mutex // held by the term that reads
	close   sync.Once
	closed  chan struct{}
}

// PacketConn puts the guard in front of a UDP socket.
func (g *Guard) PacketConn(socket Socket) *PacketConn {
	return &PacketConn{guard: g, socket: socket, closed: make(chan struct{})}
}

// LocalAddr returns the address of the socket.
func (c *PacketConn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// Close closes the socket: Serve returns, when the library has let go of it.
func (c *PacketConn) Close() error {
	err := net.ErrClosed
	c.close.Do(func() {
		close(c.closed)
		err = c.socket.Close()
	})
	return err
}

func (c *PacketConn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// Serve hands the guarded socket to serve (sipgo's Server.ServeUDP) until it is closed or ctx is done, closes it, and
// waits for every call of serve to return. It calls serve anew for each term, and also when the library gave up on its
// own, since any return leaves a socket that nobody reads. The error is that of ctx, or nil after Close.
func (c *PacketConn) Serve(ctx context.Context, serve func(net.PacketConn) error) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	var terms sync.WaitGroup
	defer terms.Wait()
	for !c.isClosed() {
		t := &term{conn: c, sources: make(map[netip.AddrPort]*source), full: make(chan struct{})}
		done := make(chan struct{})
		terms.Go(func() {
			defer close(done)
			serve(t)
		})
		select {
		case <-t.full:
			c.guard.add(NewTerm)
		case <-done:
			if !c.isClosed() {
				c.guard.add(SocketError)
				c.pause(errorPause)
			}
		}
	}
	return ctx.Err()
}

// pause waits, unless the socket is closed meanwhile.
func (c *PacketConn) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
	}
}

// A term is the net.PacketConn that the library sees: the socket, for as many different sources as it may remember.
// At most two terms live at once, one that reads and one that retires.
type term struct {
	conn     *PacketConn
	sources  map[netip.AddrPort]*source // what the library remembers of this term; a cache of addresses, too
	full     chan struct{}              // closed when the next term should begin
	inOffice bool
}

// ReadFrom returns the next datagram worth parsing. The first call takes the socket over from the term before; once the
// next one has done so, ReadFrom returns net.ErrClosed, and the library forgets the sources of this term.
func (t *term) ReadFrom(b []byte) (int, net.Addr, error) {
	c := t.conn
	if !t.inOffice {
		t.inOffice = true
		c.takeOver(t)
	}
	c.reading.Lock()
	n, from := t.next(b)
	c.reading.Unlock()
	if from == nil {
		c.pause(retirement)
		return 0, nil, net.ErrClosed
	}
	return n, from, nil
}

// takeOver makes t the term that reads, and wakes the one before.
func (c *PacketConn) takeOver(t *term) {
	c.current.Store(t)
	c.socket.SetReadDeadline(time.Unix(1, 0)) // an instant long past: a blocked read returns at once
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.current.Load() == t {
		c.socket.SetReadDeadline(time.Time{})
	}
}

// next reads until a datagram passes the guard. The address is nil when this term is over.
func (t *term) next(b []byte) (int, net.Addr) {
	c := t.conn
	for c.current.Load() == t && !c.isClosed() {
		n, from, err := c.socket.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			c.Close() // also when somebody else closed the socket
			continue
		}
		if err != nil {
			if c.current.Load() == t { // else it is the deadline that wakes a term that is over
				c.guard.add(SocketError)
				c.pause(errorPause)
			}
			continue
		}
		reason := c.guard.screen(b[:n], from.Addr())
		if reason == Passed {
			if known := t.address(from); known != nil {
				c.guard.add(Passed)
				return n, known
			}
			reason = SourceLimit
		}
		c.guard.add(reason)
	}
	return 0, nil
}

// address returns the net.Addr of a sender, the same value each time: the library asks for its text with every datagram.
// From MaxSources senders on the next term is called for; should it not come, further ones have no address.
func (t *term) address(from netip.AddrPort) net.Addr {
	if known, ok := t.sources[from]; ok {
		return known
	}
	limit := t.conn.guard.config.MaxSources
	if len(t.sources) >= 2*limit {
		return nil
	}
	s := &source{text: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()).String()}
	t.sources[from] = s
	if len(t.sources) == limit {
		close(t.full)
	}
	return s
}

// source is the address of a datagram's sender.
type source struct{ text string }

func (s *source) Network() string { return "udp" }
func (s *source) String() string  { return s.text }

// WriteTo sends a datagram; also a term that is over may still send.
func (t *term) WriteTo(b []byte, to net.Addr) (int, error) { return t.conn.socket.WriteTo(b, to) }

// Close closes the socket for good, as net.PacketConn demands. The library does not close what it was given.
func (t *term) Close() error { return t.conn.Close() }

func (t *term) LocalAddr() net.Addr { return t.conn.socket.LocalAddr() }

func (t *term) SetDeadline(at time.Time) error      { return t.conn.socket.SetWriteDeadline(at) }
func (t *term) SetReadDeadline(time.Time) error     { return nil } // the guard's own: it wakes a term that is over
func (t *term) SetWriteDeadline(at time.Time) error { return t.conn.socket.SetWriteDeadline(at) }
