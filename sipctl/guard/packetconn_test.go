package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
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
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// answerer starts a sipgo server that answers OPTIONS with 200.
func answerer(t testing.TB) *sipgo.Server {
	t.Helper()
	ua, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	server, err := sipgo.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	})
	return server
}

// serve runs the guarded socket until the test ends, and fails the test when it does not end then.
func serve(t testing.TB, c *PacketConn, f func(net.PacketConn) error) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); c.Serve(context.Background(), f) }()
	t.Cleanup(func() {
		c.Close()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("Serve did not return after Close")
		}
	})
}

// ask sends an OPTIONS and reports the answer's first line, or "" when none comes.
func ask(t testing.TB, socket *net.UDPConn, to net.Addr, branch string, wait time.Duration) string {
	t.Helper()
	request := strings.NewReplacer("z9hG4bK1", "z9hG4bK"+branch, "192.0.2.1:5060", socket.LocalAddr().String()).Replace(options)
	if _, err := socket.WriteTo([]byte(request), to); err != nil {
		t.Fatal(err)
	}
	socket.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 2000)
	n, _, err := socket.ReadFrom(b)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b[:n]), "\r\n")
	return line
}

// The library keeps an entry for every source that it has seen (S1). Terms bound that, and every source gets its answer.
func TestLibraryForgetsSources(t *testing.T) {
	const sources, perTerm = 400, 50
	g := New(Config{Policy: openTo("127.0.0.0/8"), MaxSources: perTerm})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	server := answerer(t)
	serve(t, conn, server.ServeUDP)
	largest := 0
	for i := range sources {
		phone := listenUDP(t, "127.0.0.2")
		if got := ask(t, phone, conn.LocalAddr(), fmt.Sprint("src", i), patience); got != "SIP/2.0 200 OK" {
			t.Fatalf("source %d got %q", i, got)
		}
		largest = max(largest, server.TransportLayer().Pool("udp").Size())
	}
	if terms := g.Count(NewTerm); terms < sources/perTerm-1 {
		t.Errorf("%d new terms for %d sources", terms, sources)
	}
	time.Sleep(retirement + 200*time.Millisecond) // the last retired term is forgotten
	if size := server.TransportLayer().Pool("udp").Size(); size > perTerm+2 {
		t.Errorf("the library still knows %d sources of %d (at most %d at once)", size, sources, largest)
	}
}

// While a term retires, a call's later messages go out over the socket as before.
func TestTransactionOutlivesItsTerm(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8"), MaxSources: 2})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	server := answerer(t)
	answer := make(chan struct{})
	server.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
		tx.Respond(sip.NewResponseFromRequest(req, 180, "Ringing", nil))
		<-answer
		tx.Respond(sip.NewResponseFromRequest(req, 486, "Busy Here", nil))
	})
	serve(t, conn, server.ServeUDP)
	caller := listenUDP(t, "127.0.0.2")
	invite := strings.NewReplacer("OPTIONS", "INVITE", "192.0.2.1:5060", caller.LocalAddr().String()).Replace(options)
	caller.WriteTo([]byte(invite), conn.LocalAddr())
	expect := func(want string) {
		t.Helper()
		b := make([]byte, 2000)
		caller.SetReadDeadline(time.Now().Add(patience))
		for {
			n, from, err := caller.ReadFrom(b)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if from.String() != conn.LocalAddr().String() {
				t.Fatalf("answered from %s", from)
			}
			if strings.HasPrefix(string(b[:n]), want) {
				return
			}
		}
	}
	expect("SIP/2.0 180")
	for i := range 8 { // several terms
		ask(t, listenUDP(t, "127.0.0.3"), conn.LocalAddr(), fmt.Sprint("x", i), patience)
	}
	time.Sleep(retirement + 200*time.Millisecond)
	if g.Count(NewTerm) == 0 {
		t.Fatal("no new term began")
	}
	close(answer)
	expect("SIP/2.0 486")
}

func TestStrangersGetNoAnswer(t *testing.T) {
	access := openTo("127.0.0.2/32")
	g := New(Config{Policy: access})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	server := answerer(t)
	serve(t, conn, server.ServeUDP)
	stranger, peer := listenUDP(t, "127.0.0.66"), listenUDP(t, "127.0.0.2")
	if got := ask(t, stranger, conn.LocalAddr(), "a", 100*time.Millisecond); got != "" {
		t.Errorf("a stranger got %q", got)
	}
	if got := ask(t, peer, conn.LocalAddr(), "b", patience); got != "SIP/2.0 200 OK" {
		t.Errorf("a peer got %q", got)
	}
	access.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.66/32")}, false)
	if got := ask(t, stranger, conn.LocalAddr(), "c", patience); got != "SIP/2.0 200 OK" {
		t.Errorf("after the list was changed he got %q", got)
	}
	if g.Count(Denied) != 1 || g.Count(Passed) != 2 || server.TransportLayer().Pool("udp").Size() > 3 {
		t.Errorf("denied %d, passed %d, the library knows %d", g.Count(Denied), g.Count(Passed), server.TransportLayer().Pool("udp").Size())
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- conn.Serve(ctx, answerer(t).ServeUDP) }()
	time.Sleep(20 * time.Millisecond)
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Fatal("still serving")
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close gives %v", err)
	}
}

// A library that gives up, with or without an error (S2), is given the socket again.
func TestServeGoesOnWhenTheLibraryReturns(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	server := answerer(t)
	calls := 0
	serve(t, conn, func(c net.PacketConn) error {
		if calls++; calls <= 2 {
			c.ReadFrom(make([]byte, 2000)) // and gives up
			return nil
		}
		return server.ServeUDP(c)
	})
	phone := listenUDP(t, "127.0.0.2")
	ask(t, phone, conn.LocalAddr(), "lost1", 150*time.Millisecond)
	ask(t, phone, conn.LocalAddr(), "lost2", 150*time.Millisecond)
	if got := ask(t, phone, conn.LocalAddr(), "kept", patience); got != "SIP/2.0 200 OK" {
		t.Errorf("got %q", got)
	}
	if g.Count(SocketError) != 2 {
		t.Errorf("counted %d returns, want 2", g.Count(SocketError))
	}
}

// flaky is a socket that reports an error before it works.
type flaky struct {
	*net.UDPConn
	mu     sync.Mutex
	errors int
}

func (f *flaky) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	f.mu.Lock()
	fail := f.errors > 0
	f.errors--
	f.mu.Unlock()
	if fail {
		return 0, netip.AddrPort{}, errors.New("no buffer space available")
	}
	return f.UDPConn.ReadFromUDPAddrPort(b)
}

func TestSocketErrorsAreRetried(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	conn := g.PacketConn(&flaky{UDPConn: listenUDP(t, "127.0.0.1"), errors: 3})
	serve(t, conn, answerer(t).ServeUDP)
	if got := ask(t, listenUDP(t, "127.0.0.2"), conn.LocalAddr(), "a", patience); got != "SIP/2.0 200 OK" {
		t.Errorf("got %q", got)
	}
	if g.Count(SocketError) != 3 {
		t.Errorf("counted %d, want 3", g.Count(SocketError))
	}
}

func TestOversizeDatagramsAreDropped(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	serve(t, conn, answerer(t).ServeUDP)
	phone := listenUDP(t, "127.0.0.2")
	for _, size := range []int{MaxMessage, 40_000} {
		phone.WriteTo([]byte(options+strings.Repeat("x", size)), conn.LocalAddr())
	}
	if got := ask(t, phone, conn.LocalAddr(), "after", patience); got != "SIP/2.0 200 OK" {
		t.Errorf("got %q", got)
	}
	if g.Count(TooLong) != 2 || g.Malformed() != 2 {
		t.Errorf("%d too long, %d malformed, want 2", g.Count(TooLong), g.Malformed())
	}
}

// Reading from a source already seen allocates nothing at all.
func TestReadingAllocatesNothing(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8")})
	conn := g.PacketConn(listenUDP(t, "127.0.0.1"))
	phone := listenUDP(t, "127.0.0.2")
	to, request, buffer := conn.LocalAddr().(*net.UDPAddr).AddrPort(), []byte(options), make([]byte, 32768)
	sender := phone.LocalAddr().String()
	serve(t, conn, func(c net.PacketConn) error {
		round := func() {
			if _, err := phone.WriteToUDPAddrPort(request, to); err != nil {
				t.Error(err)
			}
			if n, from, err := c.ReadFrom(buffer); err != nil || n != len(request) || from.String() != sender {
				t.Errorf("%d bytes from %v: %v", n, from, err)
			}
		}
		round()
		if n := testing.AllocsPerRun(200, round); n != 0 {
			t.Errorf("%v allocations for a datagram", n)
		}
		go conn.Close()
		_, _, err := c.ReadFrom(buffer)
		return err
	})
	<-conn.closed
}
