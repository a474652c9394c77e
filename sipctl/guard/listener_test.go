package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func listenTCP(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// run answers every message with 200 until the test ends, and fails the test when accepting does not end then.
func run(t testing.TB, l *Listener) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- answerAll(l) }()
	t.Cleanup(func() {
		l.Close()
		select {
		case err := <-done:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("accepting ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("still accepting after Close")
		}
	})
}

func answerAll(l *Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			for b := make([]byte, MaxMessage); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
				c.Write([]byte("SIP/2.0 200 OK\r\n\r\n"))
			}
		}()
	}
}

// dial connects, and returns a connection that is over when it was refused at once.
func dial(t testing.TB, from string, to net.Addr) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.Dial("tcp4", to.String())
	if errors.Is(err, syscall.ECONNRESET) {
		over, far := net.Pipe()
		far.Close()
		return over
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// answerTo sends a request over a stream and returns the answer's first line, or "" when the connection ends.
func answerTo(c net.Conn) string {
	c.Write([]byte(options))
	b := make([]byte, 2000)
	n, err := c.Read(b)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b[:n]), "\r\n")
	return line
}

func TestListener(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.2/32")})
	l := g.Listener(listenTCP(t), nil)
	run(t, l)
	peer := dial(t, "127.0.0.2", l.Addr())
	for i := range 3 {
		if got := answerTo(peer); got != "SIP/2.0 200 OK" {
			t.Fatalf("message %d got %q", i, got)
		}
	}
	if got := answerTo(dial(t, "127.0.0.66", l.Addr())); got != "" {
		t.Errorf("a stranger got %q", got)
	}
	if g.Count(Denied) != 1 || g.Conns() != 1 {
		t.Errorf("denied %d, %d connections", g.Count(Denied), g.Conns())
	}
	peer.Close()
	waitFor(t, "the connection to be forgotten", func() bool { return g.Conns() == 0 })
}

func waitFor(t testing.TB, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestTLS(t *testing.T) {
	g := New(Config{Policy: openTo("127.0.0.0/8"), MessageTimeout: 300 * time.Millisecond})
	l := g.Listener(listenTCP(t), &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	run(t, l)
	secure := tls.Client(dial(t, "127.0.0.2", l.Addr()), &tls.Config{InsecureSkipVerify: true})
	if got := answerTo(secure); got != "SIP/2.0 200 OK" {
		t.Errorf("got %q", got)
	}
	if got := answerTo(dial(t, "127.0.0.2", l.Addr())); strings.HasPrefix(got, "SIP") {
		t.Errorf("without TLS: got %q", got)
	}
	silent := dial(t, "127.0.0.2", l.Addr()) // half a handshake holds nobody up, and nothing for long
	if got := answerTo(secure); got != "SIP/2.0 200 OK" {
		t.Errorf("beside a silent peer: got %q", got)
	}
	if n, err := silent.Read(make([]byte, 1)); err == nil {
		t.Errorf("the silent peer got %d bytes", n)
	}
	waitFor(t, "two failed handshakes to be counted", func() bool { return g.Count(Handshake) == 2 })
}

func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestConnectionsAreLimited(t *testing.T) {
	access := new(Access)
	access.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, true)
	g := New(Config{Policy: access, MaxConns: 10, MaxConnsPerStranger: 2})
	l := g.Listener(listenTCP(t), nil)
	run(t, l)
	opened := func(from string, n int) (served int) {
		for range n {
			if answerTo(dial(t, from, l.Addr())) != "" {
				served++
			}
		}
		return served
	}
	for _, c := range []struct {
		sentence string
		from     string
		tries    int
		want     int
	}{
		{"a stranger has two", "127.0.0.10", 4, 2},
		{"so has the next", "127.0.0.11", 4, 2},
		{"strangers together have half", "127.0.0.12", 4, 1},
		{"the other half is for known peers", "127.0.0.2", 8, 5},
	} {
		if got := opened(c.from, c.tries); got != c.want {
			t.Errorf("%s: %d served, want %d", c.sentence, got, c.want)
		}
	}
	if g.Conns() != 10 || g.Count(SourceLimit) != 2+2 || g.Count(ConnLimit) != 3+3 {
		t.Errorf("%d connections, refused %d by source, %d in total", g.Conns(), g.Count(SourceLimit), g.Count(ConnLimit))
	}
}

// scripted is a listener that returns errors first.
type scripted struct {
	net.Listener
	mu     sync.Mutex
	errors []error
	asked  []time.Time
}

func (s *scripted) Accept() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	if len(s.errors) == 0 {
		return nil, net.ErrClosed
	}
	err := s.errors[0]
	s.errors = s.errors[1:]
	return nil, err
}

func (s *scripted) Close() error { return nil }

// A process without file descriptors (S3) goes on listening, and does not spin.
func TestAcceptErrorsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{errors: make([]error, 20)}
		for i := range s.errors {
			s.errors[i] = &net.OpError{Op: "accept", Err: syscall.EMFILE}
		}
		g := New(Config{})
		begin := time.Now()
		if _, err := g.Listener(s, nil).Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); len(s.asked) != 21 || took < 10*time.Second || took > 20*time.Second || g.Count(SocketError) != 20 {
			t.Errorf("asked %d times in %v, counted %d", len(s.asked), took, g.Count(SocketError))
		}
	})
}

func TestCloseEndsTheWaitForFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{errors: make([]error, 1000)}
		for i := range s.errors {
			s.errors[i] = syscall.EMFILE
		}
		l := New(Config{}).Listener(s, nil)
		time.AfterFunc(time.Minute+time.Millisecond, func() { l.Close() })
		begin := time.Now()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) || time.Since(begin) != time.Minute+time.Millisecond {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}
