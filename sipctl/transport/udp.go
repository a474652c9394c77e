package transport

import (
	"fmt"
	"net"
	"net/netip"

	"tollgate/sipctl/guard"
)

// socket is a UDP listener.
type socket struct {
	udp     *net.UDPConn
	guarded *guard.PacketConn
	local   netip.AddrPort
	four    bool // bound to IPv4 only
}

func openSocket(hostport string, g *guard.Guard) (*socket, error) {
	network := "udp"
	addr, err := net.ResolveUDPAddr("udp", hostport)
	if err != nil {
		return nil, err
	}
	four := addr.IP.To4() != nil
	if four {
		network = "udp4"
	}
	udp, err := net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	_ = udp.SetReadBuffer(readBuffer) // what the system grants is enough to go on with
	_ = udp.SetWriteBuffer(readBuffer)
	return &socket{udp: udp, guarded: g.PacketConn(udp), local: localAddr(udp.LocalAddr()), four: four}, nil
}

func localAddr(a net.Addr) netip.AddrPort {
	at, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// readDatagrams reads until the socket is closed.
func (l *Layer) readDatagrams(s *socket) {
	buffer := make([]byte, maxMessage)
	for {
		n, from, err := s.guarded.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return // closed; every other error is the guard's
		}
		l.deliver(buffer[:n], Flow{Network: UDP, Local: s.local, Remote: from})
	}
}

func (l *Layer) sendDatagram(f Flow, message []byte) error {
	s := l.socketFor(f.Local, f.Remote.Addr())
	if s == nil {
		return fmt.Errorf("send to %s: %w", f.Remote, ErrNoSocket)
	}
	_, err := s.udp.WriteToUDPAddrPort(message, f.Remote)
	return err
}

// socketFor returns the socket bound to local, else the first that can reach the address, else nil.
func (l *Layer) socketFor(local netip.AddrPort, to netip.Addr) *socket {
	for _, s := range l.sockets {
		if s.local == local {
			return s
		}
	}
	for _, s := range l.sockets {
		if s.four == to.Unmap().Is4() {
			return s
		}
	}
	for _, s := range l.sockets {
		if !s.four && s.local.Addr().IsUnspecified() { // dual stack
			return s
		}
	}
	return nil
}
