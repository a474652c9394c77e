package siptest

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// wire is one transport of an user agent: a UDP socket, or a TCP listener with its connections.
type wire interface {
	name() string // as in Via: UDP, TCP
	local() netip.AddrPort
	reliable() bool // no retransmissions needed (RFC 3261 §17)
	send(to peer, message []byte) error
	close() // and wait for the readers
}

// peer is a place to send to: an address and, on TCP, the connection that came from there.
type peer struct {
	addr netip.AddrPort
	conn *stream
}

const (
	maxMessage   = 65535   // bytes, the most a datagram can carry
	socketBuffer = 4 << 20 // bytes the kernel may keep for us: two thousand calls a second come in bursts
)

type udpWire struct {
	conn   *net.UDPConn
	addr   netip.AddrPort
	reader sync.WaitGroup
}

func listenUDP(at netip.AddrPort, receive func(string, peer)) (*udpWire, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	// The kernel grants what it is allowed to; less only means that a burst may lose datagrams, as on any network.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	w := &udpWire{conn: conn, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	w.reader.Go(func() { w.read(receive) })
	return w, nil
}

func (w *udpWire) read(receive func(string, peer)) {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := w.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed: an unconnected socket has no other lasting error
		}
		receive(string(buf[:n]), peer{addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())})
	}
}

func (w *udpWire) send(to peer, message []byte) error {
	_, err := w.conn.WriteToUDPAddrPort(message, to.addr)
	return err
}

func (w *udpWire) name() string          { return "UDP" }
func (w *udpWire) local() netip.AddrPort { return w.addr }
func (w *udpWire) reliable() bool        { return false }

func (w *udpWire) close() {
	_ = w.conn.Close()
	w.reader.Wait()
}
