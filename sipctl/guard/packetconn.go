package guard

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// errorPause is the time between attempts to read from a socket that reports errors.
const errorPause = 50 * time.Millisecond

// Socket is the part of *net.UDPConn that the guard uses.
type Socket interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	Close() error
}

// PacketConn reads from a UDP socket what may pass. Writing is not its business.
type PacketConn struct {
	guard  *Guard
	socket Socket
	close  sync.Once
	closed chan struct{}
}

// PacketConn puts the guard in front of a UDP socket.
func (g *Guard) PacketConn(socket Socket) *PacketConn {
	return &PacketConn{guard: g, socket: socket, closed: make(chan struct{})}
}

// ReadFromUDPAddrPort is that of *net.UDPConn, for datagrams that pass; an IPv4 sender has a plain IPv4 address. It keeps
// nothing of a sender and allocates nothing. The error is net.ErrClosed, and only after the end: others are counted, and
// the socket is read again. The buffer must be longer than MaxMessage, or longer datagrams pass when they are cut.
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.socket.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return 0, netip.AddrPort{}, net.ErrClosed
		}
		if err != nil {
			c.guard.add(SocketError)
			c.pause()
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		reason := c.guard.screen(b[:n], from.Addr())
		c.guard.add(reason)
		if reason == Passed {
			return n, from, nil
		}
	}
}

// pause waits, unless the socket is closed meanwhile.
func (c *PacketConn) pause() {
	timer := time.NewTimer(errorPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
	}
}

// Close closes the socket, and ends a read.
func (c *PacketConn) Close() error {
	err := net.ErrClosed
	c.close.Do(func() {
		close(c.closed)
		err = c.socket.Close()
	})
	return err
}
