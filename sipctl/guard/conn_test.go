package guard

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe returns a guarded connection and its peer, on a clock of their own when called in a synctest bubble.
func pipe(g *Guard, class Class) (guarded *conn, far net.Conn) {
	near, far := net.Pipe()
	source := netip.MustParseAddr("192.0.2.1")
	s := seat{class: class, source: sourceKey(source, class)}
	g.conns.take(&s, &g.config)
	return newConn(g, near, nil, source, s), far
}

// readAll reads messages until the stream ends, and returns them and the time it took.
func readAll(c net.Conn) (messages []string, took time.Duration) {
	begin, b := time.Now(), make([]byte, 32768)
	for {
		n, err := c.Read(b)
		if err != nil {
			return messages, time.Since(begin)
		}
		messages = append(messages, string(b[:n]))
	}
}

func message(length string) string {
	return strings.Replace(options, "Length: 0", "Length: "+length, 1)
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		sentence string
		chunks   []string
		want     []string
		reason   Reason // that the stream ended for; Passed when the peer ended it
	}{
		{"a message passes whole", []string{options}, []string{options}, Passed},
		{"also when it comes in pieces", []string{options[:1], options[1:30], options[30:200], options[200:]}, []string{options}, Passed},
		{"two in one piece are two", []string{options + options}, []string{options, options}, Passed},
		{"the rest of a piece begins the next", []string{options + options[:40], options[40:]}, []string{options, options}, Passed},
		{"a body belongs to its message", []string{message("5") + "v=", "0\r\n" + options}, []string{message("5") + "v=0\r\n", options}, Passed},
		{"a body may look like anything", []string{message("4") + "\r\n\r\n" + options}, []string{message("4") + "\r\n\r\n", options}, Passed},
		{"the compact form is a Content-Length", []string{strings.Replace(options, "Content-Length", "l", 1)}, []string{strings.Replace(options, "Content-Length", "l", 1)}, Passed},
		{"line ends between messages are skipped", []string{"\r\n" + options + "\r\n\r\n\r\n" + options}, []string{options, options}, Passed},
		{"a message may be 16384 bytes", []string{message("16000") + strings.Repeat("x", 16000)}, []string{message("16000") + strings.Repeat("x", 16000)}, Passed},
		{"but not more", []string{options + message("16384")}, []string{options}, TooLong},
		{"nor may its header section", []string{strings.TrimSuffix(options, "\r\n"), strings.Repeat("X: "+strings.Repeat("1", 4000)+"\r\n", 5)}, nil, TooLong},
		{"a stream needs a Content-Length", []string{strings.Replace(options, "Content-Length", "X", 1)}, nil, BadLength},
		{"only one", []string{with("Content-Length: 0")}, nil, BadLength},
		{"in whatever form", []string{with("L : 0")}, nil, BadLength},
		{"it is a number", []string{message("-1")}, nil, BadLength},
		{"without a sign", []string{message("+1")}, nil, BadLength},
		{"not an endless one", []string{message("000000")}, nil, BadLength},
		{"and not continued", []string{message("1\r\n 2")}, nil, BadLength},
		{"the rules of a datagram hold", []string{with("Subject: a\nb")}, nil, BareLineEnd},
		{"from the first byte on", []string{"\x16\x03\x01"}, nil, NotSIP},
		{"half a message at the end is nothing", []string{options + options[:50]}, []string{options}, Passed},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Policy: openTo("192.0.2.0/24")})
				guarded, far := pipe(g, Known)
				go io.Copy(io.Discard, far) // pongs
				var peer sync.WaitGroup
				defer peer.Wait()
				peer.Go(func() {
					for _, chunk := range c.chunks {
						far.Write([]byte(chunk))
					}
					time.Sleep(time.Second) // pongs still find their way
					far.Close()
				})
				got, _ := readAll(guarded)
				if strings.Join(got, "|") != strings.Join(c.want, "|") {
					t.Errorf("got %q", got)
				}
				if c.reason != Passed && g.Count(c.reason) != 1 {
					t.Errorf("%s not counted", c.reason)
				}
				if g.Conns() != 0 {
					t.Errorf("%d connections are still counted", g.Conns())
				}
			})
		})
	}
}

func TestStreamDeadlines(t *testing.T) {
	drip := func(far net.Conn, text string, pause time.Duration) {
		for i := range len(text) {
			if _, err := far.Write([]byte(text[i : i+1])); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
	for _, c := range []struct {
		sentence string
		class    Class
		peer     func(far net.Conn)
		messages int
		after    time.Duration // when we close
		reason   Reason
	}{
		{"who says nothing is cut off", Known, func(net.Conn) {}, 0, 8 * time.Second, Slow},
		{"who drips a byte a second too", Known, func(far net.Conn) { drip(far, options, time.Second) }, 0, 8 * time.Second, Slow},
		{"the clock of a later message begins with its first byte", Known, func(far net.Conn) {
			far.Write([]byte(options))
			time.Sleep(time.Hour)
			drip(far, options, time.Second)
		}, 1, time.Hour + 8*time.Second, Slow},
		{"a pong is no message that begins", Known, func(far net.Conn) {
			far.Write([]byte(options + "\r\n"))
			time.Sleep(time.Hour)
			far.Write([]byte(options + "x"))
		}, 2, time.Hour + 8*time.Second, Slow},
		{"a stranger may not be silent for ever", Stranger, func(far net.Conn) { far.Write([]byte(options)) }, 1, 120 * time.Second, Idle},
		{"his pings keep the connection", Stranger, func(far net.Conn) {
			for range 10 {
				far.Write([]byte("\r\n\r\n"))
				time.Sleep(100 * time.Second)
			}
		}, 0, 1020 * time.Second, Idle},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := openTo("192.0.2.0/24")
				if c.class == Stranger {
					policy.Set(nil, true)
				}
				g := New(Config{Policy: policy})
				guarded, far := pipe(g, c.class)
				defer far.Close()
				go io.Copy(io.Discard, far)
				var peer sync.WaitGroup
				defer peer.Wait()
				peer.Go(func() { c.peer(far) })
				messages, took := readAll(guarded)
				if len(messages) != c.messages || took != c.after || g.Count(c.reason) != 1 {
					t.Errorf("%d messages, closed after %v, counted %d as %s", len(messages), took, g.Count(c.reason), c.reason)
				}
			})
		})
	}
}

func TestAuthenticatedPhoneMayBeSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		access := new(Access)
		access.Set(nil, true)
		g := New(Config{Policy: access})
		guarded, far := pipe(g, Stranger)
		go func() {
			far.Write([]byte(options))
			time.Sleep(time.Second)
			access.Admit(guarded.source, time.Hour)
			time.Sleep(30 * time.Minute)
			far.Write([]byte(options))
			synctest.Wait()
			if g.conns.strangers != 0 || g.conns.total != 1 {
				t.Errorf("of %d connections %d are strangers'", g.conns.total, g.conns.strangers)
			}
			far.Close()
		}()
		if messages, _ := readAll(guarded); len(messages) != 2 {
			t.Errorf("%d messages, want 2", len(messages))
		}
		if g.conns.strangers != 0 || g.conns.total != 0 {
			t.Errorf("%d connections, %d of strangers", g.conns.total, g.conns.strangers)
		}
	})
}

func TestPingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Policy: openTo("192.0.2.0/24")})
		guarded, far := pipe(g, Known)
		go readAll(guarded)
		for _, piece := range []string{"\r\n\r\n", "\r\n", "\r\n"} {
			far.Write([]byte(piece))
			synctest.Wait()
			far.SetReadDeadline(time.Now().Add(time.Second))
			b := make([]byte, 10)
			n, err := far.Read(b)
			if want := piece == "\r\n\r\n" || g.Count(Keepalive) == 2; want != (err == nil && string(b[:n]) == "\r\n") {
				t.Errorf("after %q: %q, %v", piece, b[:n], err)
			}
		}
		far.Close()
		synctest.Wait()
	})
}

// What has arrived on a stream cannot be dropped alone: its sender is slowed down to its rate.
func TestStreamIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		access := new(Access)
		access.Set(nil, true)
		g := New(Config{Policy: access, StrangerRate: Rate{PerSecond: 10, Burst: 5}})
		guarded, far := pipe(g, Stranger)
		go func() {
			far.Write([]byte(strings.Repeat(options, 35)))
			far.Close()
		}()
		messages, took := readAll(guarded)
		if len(messages) != 35 || took < 3*time.Second || took > 4*time.Second {
			t.Errorf("%d messages in %v, want 35 in 3 s", len(messages), took)
		}
	})
}

func TestSourceThatIsNoLongerAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		access := openTo("192.0.2.0/24")
		g := New(Config{Policy: access})
		guarded, far := pipe(g, Known)
		go func() {
			far.Write([]byte(options))
			time.Sleep(time.Second)
			access.Set(nil, false)
			far.Write([]byte(options))
		}()
		if messages, _ := readAll(guarded); len(messages) != 1 || g.Count(Denied) != 1 {
			t.Errorf("%d messages, %d denied", len(messages), g.Count(Denied))
		}
	})
}

// A peer that stops reading is cut off at the first write that takes too long, however many queue behind it.
func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Policy: openTo("192.0.2.0/24")})
		guarded, far := pipe(g, Known)
		defer far.Close()
		begin, results := time.Now(), make(chan error)
		for i := range 10 {
			go func() {
				time.Sleep(time.Duration(i) * time.Second)
				_, err := guarded.Write([]byte(options))
				results <- err
			}()
		}
		for range 10 {
			if err := <-results; err == nil {
				t.Error("a write succeeded")
			}
		}
		if took := time.Since(begin); took > 9*time.Second || g.Count(Slow) != 1 || g.Conns() != 0 {
			t.Errorf("took %v, counted %d, %d connections", took, g.Count(Slow), g.Conns())
		}
	})
}

func TestWritersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Policy: openTo("192.0.2.0/24"), WriteTimeout: time.Hour})
		guarded, far := pipe(g, Known)
		defer far.Close()
		results := make(chan error)
		for range maxWriters + 1 {
			go func() { _, err := guarded.Write([]byte(options)); results <- err }()
		}
		for range maxWriters + 1 {
			if err := <-results; err == nil {
				t.Error("a write succeeded")
			}
		}
		if g.Count(Slow) != 1 {
			t.Errorf("counted %d", g.Count(Slow))
		}
	})
}

// A caller's own deadline ends a read without ending the connection.
func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Policy: openTo("192.0.2.0/24")})
		guarded, far := pipe(g, Known)
		b := make([]byte, 32768)
		guarded.SetDeadline(time.Now().Add(time.Second))
		if _, err := guarded.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		guarded.SetReadDeadline(time.Time{})
		go far.Write([]byte(options))
		if n, err := guarded.Read(b[:100]); n != 100 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if n, err := guarded.Read(b); n != len(options)-100 || err != nil {
			t.Errorf("the rest: got %d, %v", n, err)
		}
		guarded.Close()
		if err := guarded.Close(); err != nil {
			t.Errorf("the second Close gives %v", err)
		}
	})
}

// However a stream is cut into pieces, what comes out are messages that Check passes, in order.
func FuzzStream(f *testing.F) {
	f.Add(options+message("5")+"v=0\r\n", 7)
	f.Add("\r\n\r\n"+options+"\r\n"+options, 1)
	f.Add(with("l: 0"), 64)
	f.Fuzz(func(t *testing.T, stream string, piece int) {
		if piece < 1 || len(stream)/piece > 2000 {
			t.Skip()
		}
		g := New(Config{Policy: openTo("192.0.2.0/24")})
		guarded, far := pipe(g, Known)
		rest := stream
		go io.Copy(io.Discard, far)
		go func() {
			for len(stream) > 0 {
				n := min(piece, len(stream))
				if _, err := far.Write([]byte(stream[:n])); err != nil {
					break
				}
				stream = stream[n:]
			}
			far.Close()
		}()
		messages, _ := readAll(guarded)
		for _, m := range messages {
			if r := Check([]byte(m)); r != Passed {
				t.Fatalf("%q: %s", m, r)
			}
			at := strings.Index(rest, m)
			if at < 0 {
				t.Fatalf("%q was not sent, or not in this order", m)
			}
			rest = rest[at+len(m):]
		}
	})
}
