package guard

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const patience = 5 * time.Second // for something that should happen at once

// openTo returns a policy that knows the networks.
func openTo(networks ...string) *Access {
	var known []netip.Prefix
	for _, n := range networks {
		known = append(known, netip.MustParsePrefix(n))
	}
	access := new(Access)
	access.Set(known, false)
	return access
}

func listenUDP(t testing.TB, host string) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// next reads one datagram that passes.
func next(t testing.TB, c *PacketConn) (string, netip.AddrPort) {
	t.Helper()
	timer := time.AfterFunc(patience, func() { c.Close() })
	defer timer.Stop()
	b := make([]byte, 65536)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), from
}

func send(t testing.TB, socket *net.UDPConn, to *net.UDPConn, datagrams ...string) {
	t.Helper()
	port := to.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	for _, d := range datagrams {
		if _, err := socket.WriteToUDPAddrPort([]byte(d), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyWhatPassesIsRead(t *testing.T) {
	access := openTo("127.0.0.2/32")
	g := New(Config{Policy: access})
	socket := listenUDP(t, "127.0.0.1")
	conn := g.PacketConn(socket)
	peer, stranger := listenUDP(t, "127.0.0.2"), listenUDP(t, "127.0.0.66")
	send(t, stranger, socket, options)
	send(t, peer, socket, "\r\n\r\n", with("Subject: a\nb"), options+strings.Repeat("x", MaxMessage), options+strings.Repeat("x", 40_000), options)
	if got, from := next(t, conn); got != options || from.String() != peer.LocalAddr().String() {
		t.Errorf("read %d bytes from %s", len(got), from)
	}
	access.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.66/32")}, false) // while it reads
	send(t, peer, socket, options)
	send(t, stranger, socket, options)
	if _, from := next(t, conn); from.String() != stranger.LocalAddr().String() {
		t.Errorf("after the list was changed: read from %s", from)
	}
	for reason, want := range map[Reason]uint64{Denied: 2, Keepalive: 1, BareLineEnd: 1, TooLong: 2, Passed: 2} {
		if got := g.Count(reason); got != want {
			t.Errorf("%s: counted %d, want %d", reason, got, want)
		}
	}
	if g.Malformed() != 3 {
		t.Errorf("%d malformed, want 3", g.Malformed())
	}
}

func TestIPv4SenderOnADualSocketHasAnIPv4Address(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	socket := listenUDP(t, "")
	phone := listenUDP(t, "127.0.0.2")
	send(t, phone, socket, options)
	if _, from := next(t, g.PacketConn(socket)); !from.Addr().Is4() {
		t.Errorf("read from %s", from)
	}
}

func TestCloseEndsARead(t *testing.T) {
	for sentence, end := range map[string]func(*PacketConn, *net.UDPConn){
		"by Close":            func(c *PacketConn, _ *net.UDPConn) { c.Close() },
		"by somebody else's":  func(_ *PacketConn, s *net.UDPConn) { s.Close() },
		"also the second one": func(c *PacketConn, _ *net.UDPConn) { c.Close(); c.Close() },
	} {
		socket := listenUDP(t, "127.0.0.1")
		conn := New(Config{}).PacketConn(socket)
		done := make(chan error)
		go func() { _, _, err := conn.ReadFromUDPAddrPort(make([]byte, 100)); done <- err }()
		time.Sleep(10 * time.Millisecond)
		end(conn, socket)
		select {
		case err := <-done:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: got %v", sentence, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s: still reading", sentence)
		}
	}
}

// flaky is a socket that reports errors, and is closed in the end.
type flaky struct{ errors atomic.Int64 }

func (f *flaky) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	if f.errors.Add(-1) < 0 {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	return 0, netip.AddrPort{}, errors.New("no buffer space available")
}

func (f *flaky) Close() error { f.errors.Store(0); return nil }

func failing(times int64) *flaky {
	f := new(flaky)
	f.errors.Store(times)
	return f
}

func TestSocketErrorsAreRetriedWithoutHaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, begin := New(Config{}), time.Now()
		g.PacketConn(failing(20)).ReadFromUDPAddrPort(nil)
		if took := time.Since(begin); took != 20*errorPause || g.Count(SocketError) != 20 {
			t.Errorf("took %v, counted %d", took, g.Count(SocketError))
		}
		conn := g.PacketConn(failing(1000))
		time.AfterFunc(time.Second, func() { conn.Close() })
		begin = time.Now()
		conn.ReadFromUDPAddrPort(nil)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Close took %v to end the wait", took)
		}
	})
}

func TestReadingAllocatesNothing(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.2/32")})
	socket := listenUDP(t, "127.0.0.1")
	conn, phone, stranger := g.PacketConn(socket), listenUDP(t, "127.0.0.2"), listenUDP(t, "127.0.0.66")
	to, request, buffer := socket.LocalAddr().(*net.UDPAddr).AddrPort(), []byte(options), make([]byte, 65536)
	n := testing.AllocsPerRun(500, func() {
		_, err := stranger.WriteToUDPAddrPort(request, to) // is dropped on the way
		if err == nil {
			_, err = phone.WriteToUDPAddrPort(request, to)
		}
		if err == nil {
			_, _, err = conn.ReadFromUDPAddrPort(buffer)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for two datagrams", n)
	}
}
