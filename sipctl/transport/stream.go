package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"tollgate/sipctl/guard"
)

// listener is a TCP or TLS listener.
type listener struct {
	network string
	guarded *guard.Listener
	local   netip.AddrPort
}

// dialKey finds a connection that we dialled.
type dialKey struct {
	network string
	remote  netip.AddrPort
	name    string // two names at one address do not share a connection (RFC 5922 §7.1)
}

// conn is one connection.
type conn struct {
	net   net.Conn
	flow  Flow
	ready chan struct{} // closed when dialling is over
	err   error         // of dialling

	writing sync.Mutex
}

func openListener(network, hostport string, c Config) (*listener, error) {
	n, err := net.Listen("tcp", hostport)
	if err != nil {
		return nil, err
	}
	var config *tls.Config
	if network == TLS {
		config = c.TLS
	}
	return &listener{network: network, guarded: c.Guard.Listener(n, config), local: localAddr(n.Addr())}, nil
}

func (l *Layer) accept(n *listener) {
	for {
		raw, err := n.guarded.Accept()
		if err != nil {
			return // closed; every other error is the guard's
		}
		f := Flow{Network: n.network, Local: n.local, Remote: localAddr(raw.RemoteAddr()), Conn: l.last.Add(1)}
		c := &conn{net: raw, flow: f}
		if !l.keep(c) {
			raw.Close()
			return
		}
		l.serving.Go(func() { l.readMessages(c) })
	}
}

func (l *Layer) keep(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c.flow.Conn] = c
	return true
}

func (l *Layer) forget(c *conn) {
	c.net.Close()
	l.mu.Lock()
	delete(l.conns, c.flow.Conn)
	if key := (dialKey{c.flow.Network, c.flow.Remote, c.flow.Name}); l.dialed[key] == c {
		delete(l.dialed, key)
	}
	l.mu.Unlock()
	if l.config.Closed != nil {
		l.config.Closed(c.flow)
	}
}

// readMessages reads a connection, accepted or dialled: the guard delivers whole messages.
func (l *Layer) readMessages(c *conn) {
	defer l.forget(c)
	buffer := make([]byte, guard.MaxMessage)
	for {
		n, err := c.net.Read(buffer)
		if err != nil {
			return
		}
		l.deliver(buffer[:n], c.flow)
	}
}

// connection returns the connection of a flow: the one that it names, else the one dialled to its remote address.
func (l *Layer) connection(f Flow) (*conn, error) {
	l.mu.Lock()
	if f.Conn != 0 {
		c := l.conns[f.Conn]
		l.mu.Unlock()
		if c == nil {
			return nil, fmt.Errorf("send to %s: %w", f.Remote, ErrConnection)
		}
		return c, nil
	}
	if l.closed {
		l.mu.Unlock()
		return nil, net.ErrClosed
	}
	key := dialKey{f.Network, f.Remote, f.Name}
	c := l.dialed[key]
	if c == nil {
		c = &conn{flow: Flow{Network: f.Network, Local: f.Local, Remote: f.Remote, Name: f.Name, Conn: l.last.Add(1)}, ready: make(chan struct{})}
		l.dialed[key] = c
		l.serving.Go(func() { l.dial(c) })
	}
	l.mu.Unlock()
	<-c.ready // bounded by dialTimeout
	return c, c.err
}

// dial connects, and reads until the connection ends.
func (l *Layer) dial(c *conn) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.flow.Remote.String())
	if err == nil && c.flow.Network == TLS {
		raw, err = l.prove(ctx, raw, c.flow)
	}
	if err == nil {
		c.net = l.config.Guard.Dialled(raw)
		if !l.keep(c) {
			raw.Close()
			err = net.ErrClosed
		}
	}
	if err != nil {
		c.err = fmt.Errorf("connect to %s: %w", c.flow.Remote, err)
		l.mu.Lock()
		delete(l.dialed, dialKey{c.flow.Network, c.flow.Remote, c.flow.Name})
		l.mu.Unlock()
		close(c.ready)
		return
	}
	close(c.ready)
	l.readMessages(c)
}

// prove has the peer prove its name (RFC 5922 §7.2): the one in the URI that we were given, not what the DNS has made of it.
// A peer of which only an address is known must have that address in its certificate.
func (l *Layer) prove(ctx context.Context, raw net.Conn, f Flow) (net.Conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.config.ClientTLS != nil {
		config = l.config.ClientTLS.Clone()
	}
	if config.ServerName = f.Name; f.Name == "" {
		config.ServerName = f.Remote.Addr().WithZone("").String()
	}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("TLS with %s: %w", config.ServerName, err)
	}
	return secure, nil
}

func (c *conn) write(message []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.net.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := c.net.Write(message); err != nil {
		c.net.Close() // half a message may be out: nothing can follow it
		return fmt.Errorf("send to %s: %w", c.flow.Remote, err)
	}
	return nil
}
