package guard

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

const (
	smallBuffer  = 2048                  // bytes of a connection's buffer to begin with; most messages fit
	throttleStep = 20 * time.Millisecond // between attempts to get a token for a complete message
)

// errOver is what is read at the end of a stream, whatever ended it: a bad peer is counted, and no reason to log.
var errOver = io.EOF

var ping, pong = []byte("\r\n\r\n"), []byte("\r\n") // RFC 5626 §3.5.1

// conn is an accepted connection. Read returns one whole message at a time; it may be called from one goroutine only.
type conn struct {
	peer
	agree  func() bool // the TLS handshake that is still to be done
	guard  *Guard
	source netip.Addr
	class  Class // as of the last message
	seat   seat

	buffer     []byte
	start, end int       // what has been read and not yet been delivered
	ready      int       // so many bytes from start are a checked message
	framer     framer    // of the message that begins at start
	due        time.Time // when the pending message, or the first of all, must be complete; zero while there is none
}

// newConn wraps a connection that has a seat.
func newConn(g *Guard, raw net.Conn, config *tls.Config, source netip.Addr, s seat) *conn {
	c := &conn{guard: g, source: source, class: s.class, seat: s, due: time.Now().Add(g.config.MessageTimeout)}
	if config != nil {
		secure := tls.Server(raw, config)
		raw, c.agree = secure, func() bool {
			ctx, cancel := context.WithDeadline(context.Background(), c.due)
			defer cancel()
			return secure.HandshakeContext(ctx) == nil
		}
	}
	c.peer = peer{Conn: raw, counters: &g.Counters, timeout: g.config.WriteTimeout, turn: make(chan struct{}, 1),
		closed: make(chan struct{}), leave: func() { g.conns.leave(&c.seat) }}
	return c
}

// Dialled puts the guard in front of a connection that we have opened ourselves: its messages are framed, checked and paid
// for like those of accepted ones. It takes nobody's place.
func (g *Guard) Dialled(raw net.Conn) net.Conn {
	source := addrOf(raw.RemoteAddr())
	return &conn{guard: g, source: source, class: Known, seat: seat{class: Known}, peer: peer{Conn: raw, counters: &g.Counters,
		timeout: g.config.WriteTimeout, turn: make(chan struct{}, 1), closed: make(chan struct{}), leave: func() {}}}
}

// Read returns (a part of) the next message that has arrived completely and may pass. Any end of the stream, ours or the
// peer's, is io.EOF; only a deadline that the caller has set is a timeout.
func (c *conn) Read(b []byte) (int, error) {
	if c.ready == 0 {
		if r, err := c.receive(); err != nil {
			if r != Passed {
				c.guard.add(r)
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.Close()
			}
			return 0, err
		}
		c.guard.add(Passed)
	}
	n := copy(b, c.buffer[c.start:c.start+c.ready])
	c.start += n
	c.ready -= n
	return n, nil
}

// receive reads until a message is complete and paid for. With an error comes the reason for cutting the peer off; Passed
// when that was not our doing.
func (c *conn) receive() (Reason, error) {
	if c.agree != nil {
		if !c.agree() {
			return Handshake, errOver
		}
		c.agree = nil
	}
	for {
		if r := c.skipPings(); r != Passed {
			return r, errOver
		}
		if c.pending() {
			size, r := c.framer.frame(c.buffer[c.start:c.end])
			if r == Passed && size > 0 {
				r = c.pay()
			}
			if r != Passed {
				return r, errOver
			}
			if size > 0 {
				c.ready, c.framer, c.due = size, framer{}, time.Time{}
				return Passed, nil
			}
		}
		if r, err := c.fill(); err != nil {
			return r, err
		}
	}
}

// pending reports whether a message has begun. Up to three bytes that may become a ping are none: they may be a pong, and
// followed by silence.
func (c *conn) pending() bool {
	rest := c.buffer[c.start:c.end]
	return len(rest) >= len(ping) || !bytes.HasPrefix(ping, rest)
}

// skipPings skips the line ends between messages, and answers pings.
func (c *conn) skipPings() Reason {
	for c.pending() && c.framer == (framer{}) {
		rest := c.buffer[c.start:c.end]
		if !bytes.HasPrefix(rest, pong) {
			break
		}
		if !bytes.HasPrefix(rest, ping) {
			c.start += len(pong)
			continue
		}
		c.start += len(ping)
		c.due = time.Time{}
		c.guard.add(Keepalive)
		if r := c.pay(); r != Passed {
			return r
		}
		if _, err := c.Write(pong); err != nil {
			return Slow
		}
	}
	return Passed
}

// pay waits until the source has a token for one message: what has arrived on a stream cannot be dropped alone, so its
// sender is slowed down.
func (c *conn) pay() Reason {
	patience := time.Now().Add(c.guard.config.MessageTimeout)
	for {
		c.class = c.guard.config.Policy.Class(c.source)
		if c.class == Known {
			c.guard.conns.upgrade(&c.seat)
		}
		r := c.guard.spend(c.source, c.class)
		if r == Passed || r == Denied || time.Now().After(patience) {
			return r
		}
		if !c.pause(throttleStep) {
			return r
		}
	}
}

// fill reads what comes next, within the deadline that the state of the stream sets.
func (c *conn) fill() (Reason, error) {
	c.makeRoom()
	if c.pending() && c.due.IsZero() {
		c.due = time.Now().Add(c.guard.config.MessageTimeout)
	}
	until := c.due
	if until.IsZero() && c.class == Stranger {
		until = time.Now().Add(c.guard.config.StrangerIdle)
	}
	c.limitRead(until)
	n, err := c.Conn.Read(c.buffer[c.end:])
	c.end += n
	switch {
	case n > 0 || err == nil:
		return Passed, nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return Passed, errOver
	case until.IsZero() || time.Now().Before(until):
		return Passed, err // the caller's deadline
	case !c.due.IsZero():
		return Slow, errOver
	}
	if c.class = c.guard.config.Policy.Class(c.source); c.class == Known {
		return Passed, nil // has authenticated in the meantime, and may be silent
	}
	return Idle, errOver
}

// makeRoom makes room behind the bytes not yet delivered. The buffer of an idle connection is small.
func (c *conn) makeRoom() {
	switch {
	case c.start == c.end && len(c.buffer) != smallBuffer:
		c.buffer, c.start, c.end = make([]byte, smallBuffer), 0, 0
	case c.start == c.end:
		c.start, c.end = 0, 0
	case c.end < len(c.buffer):
	case c.start > 0:
		c.end = copy(c.buffer, c.buffer[c.start:c.end])
		c.start = 0
	default: // framer cuts off a message that does not fit into MaxMessage
		larger := make([]byte, min(2*len(c.buffer), MaxMessage))
		copy(larger, c.buffer)
		c.buffer = larger
	}
}
