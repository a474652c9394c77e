package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/guard"
	"tollgate/sipctl/transport"
)

const options = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:x>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

// open runs a layer on UDP and TCP whose messages come out of a channel.
func open(t *testing.T) (*transport.Layer, chan transport.Message) {
	t.Helper()
	access := new(guard.Access)
	access.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, false)
	got := make(chan transport.Message, 1000)
	l, err := transport.Open(transport.Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Guard: guard.New(guard.Config{Policy: access}),
		Handler: func(m transport.Message) { got <- m }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return l, got
}

func next(t *testing.T, got chan transport.Message) transport.Message {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		return transport.Message{}
	}
}

func TestMessagesOfASocketKeepTheirOrder(t *testing.T) {
	for i, network := range []string{"udp", "tcp"} {
		l, got := open(t)
		c, err := net.Dial(network, l.Addrs()[i].String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for n := range 200 {
			fmt.Fprintf(c, options, n)
		}
		for n := range 200 {
			if id := next(t, got).SIP.CallID().Value(); id != fmt.Sprint(n) {
				t.Fatalf("%s: message %s came as number %d", network, id, n)
			}
		}
	}
}

func TestAnswersGoBackThroughTheConnection(t *testing.T) {
	l, got := open(t)
	c, err := net.Dial("tcp", l.Addrs()[1].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, options, 1)
	m := next(t, got)
	if err := l.Send(m.Flow, []byte("SIP/2.0 200 OK\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, err := c.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200") {
		t.Errorf("%q %v", b[:n], err)
	}
	c.Close()
	for deadline := time.Now().Add(5 * time.Second); l.Send(m.Flow, []byte("x")) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a connection that is gone still takes messages")
		}
	}
}

// Whoever connects to us must not get what is meant for a trunk, wherever he says that he is.
func TestRequestsOfOursGoThroughConnectionsOfOurs(t *testing.T) {
	l, got := open(t)
	thief, err := net.Dial("tcp", l.Addrs()[1].String())
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	fmt.Fprintf(thief, options, 1)
	next(t, got)
	trunk, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer trunk.Close()
	to := netip.MustParseAddrPort(trunk.Addr().String())
	local, ok := l.Local(transport.TCP, to.Addr())
	if !ok || local != l.Addrs()[1] {
		t.Fatalf("goes out from %s", local)
	}
	if err := l.Send(transport.Flow{Network: transport.TCP, Local: local, Remote: to}, fmt.Appendf(nil, options, 2)); err != nil {
		t.Fatal(err)
	}
	c, err := trunk.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 2000)
	n, _ := c.Read(b)
	if !strings.Contains(string(b[:n]), "Call-ID: 2") {
		t.Errorf("the trunk got %q", b[:n])
	}
	_ = thief.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := thief.Read(b); err == nil {
		t.Errorf("the thief got %q", b[:n])
	}
	fmt.Fprint(c, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:x>;tag=b\r\n", "Call-ID: 2\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
	if m := next(t, got); m.SIP.(*sip.Response).StatusCode != 200 || m.Flow.Remote != to {
		t.Errorf("it came as %+v", m.Flow)
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, where := range []string{"udp://" + taken.LocalAddr().String(), "sctp://127.0.0.1:0", "127.0.0.1:0", "tls://127.0.0.1:0"} {
		if l, err := transport.Open(transport.Config{Listen: []string{where}, Guard: guard.New(guard.Config{})}); err == nil {
			l.Close()
			t.Errorf("%s is listened on", where)
		}
	}
}
