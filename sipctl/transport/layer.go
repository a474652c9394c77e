package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/guard"
)

const (
	readBuffer  = 4 << 20 // of a UDP socket: a burst of calls must not overflow it
	maxMessage  = 64 << 10
	dialTimeout = 2 * time.Second
	writeLimit  = 5 * time.Second // of one write to a connection that we dialled
)

// Errors of Send.
var (
	ErrNoSocket   = errors.New("no socket of this network is open")
	ErrConnection = errors.New("the connection is gone")
)

// Config of a Layer.
type Config struct {
	Listen    []string    // "udp://127.0.0.1:5060", "tcp://…", "tls://…"; port 0 takes a free one
	TLS       *tls.Config // of tls listeners
	ClientTLS *tls.Config // of connections that we dial
	Guard     *guard.Guard
	Handler   Handler
	Malformed func(Flow) // counts what the parser refused; may be nil
	Closed    func(Flow) // a connection of ours or of theirs is gone; may be nil
}

// Layer holds the sockets.
type Layer struct {
	config  Config
	parser  *sip.Parser
	sockets []*socket
	streams []*listener
	addrs   []netip.AddrPort
	serving sync.WaitGroup
	last    atomic.Uint64 // number of the newest connection

	mu     sync.Mutex
	closed bool
	conns  map[uint64]*conn
	dialed map[dialKey]*conn
}

// Open binds every listener. Nothing is read before Run.
func Open(c Config) (*Layer, error) {
	l := &Layer{config: c, parser: grammar.NewParser(), conns: map[uint64]*conn{}, dialed: map[dialKey]*conn{}}
	for _, where := range c.Listen {
		if err := l.bind(where); err != nil {
			l.Close()
			return nil, err
		}
	}
	if len(l.addrs) == 0 {
		return nil, errors.New("nothing to listen on: give at least one address such as udp://0.0.0.0:5060")
	}
	return l, nil
}

func (l *Layer) bind(where string) error {
	network, hostport, ok := strings.Cut(where, "://")
	if !ok || !slices.Contains([]string{UDP, TCP, TLS}, network) {
		return fmt.Errorf("listen on %q: write udp://host:port, tcp://host:port or tls://host:port", where)
	}
	if network == UDP {
		s, err := openSocket(hostport, l.config.Guard)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", where, err)
		}
		l.sockets, l.addrs = append(l.sockets, s), append(l.addrs, s.local)
		return nil
	}
	if network == TLS && l.config.TLS == nil {
		return fmt.Errorf("listen on %s: there is no TLS certificate", where)
	}
	n, err := openListener(network, hostport, l.config)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", where, err)
	}
	l.streams, l.addrs = append(l.streams, n), append(l.addrs, n.local)
	return nil
}

// Addrs returns what the listeners are bound to, in the order of Config.Listen.
func (l *Layer) Addrs() []netip.AddrPort { return l.addrs }

// Local returns the listener for requests of ours over a network, towards an address of that family; false: there is none.
func (l *Layer) Local(network string, to netip.Addr) (netip.AddrPort, bool) {
	if network == UDP {
		if s := l.socketFor(netip.AddrPort{}, to); s != nil {
			return s.local, true
		}
		return netip.AddrPort{}, false
	}
	for _, n := range l.streams {
		if n.network == network && n.local.Addr().Unmap().Is4() == to.Unmap().Is4() {
			return n.local, true
		}
	}
	if len(l.streams) > 0 {
		return l.streams[0].local, true
	}
	return l.addrs[0], true // a stream can be dialled without a listener of its own
}

// Run reads until ctx is done, closes every socket, and returns when nothing of the layer runs any more.
func (l *Layer) Run(ctx context.Context) error {
	for _, s := range l.sockets {
		l.serving.Go(func() { l.readDatagrams(s) })
	}
	for _, n := range l.streams {
		l.serving.Go(func() { l.accept(n) })
	}
	<-ctx.Done()
	l.Close()
	l.serving.Wait()
	return nil
}

// Close closes every socket and connection.
func (l *Layer) Close() {
	l.mu.Lock()
	l.closed = true
	conns := make([]*conn, 0, len(l.conns))
	for _, c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, s := range l.sockets {
		s.guarded.Close()
	}
	for _, n := range l.streams {
		n.guarded.Close()
	}
	for _, c := range conns {
		c.net.Close()
	}
}

// Send writes one message. A stream without a connection is dialled, which may take dialTimeout.
func (l *Layer) Send(f Flow, message []byte) error {
	if f.Network == UDP {
		return l.sendDatagram(f, message)
	}
	c, err := l.connection(f)
	if err != nil {
		return err
	}
	return c.write(message)
}

// deliver parses a message and hands it on. What the parser refuses is counted and forgotten: its text is never logged.
func (l *Layer) deliver(b []byte, f Flow) {
	at := time.Now()
	m, err := l.parser.ParseSIP(b)
	if err != nil {
		if l.config.Malformed != nil {
			l.config.Malformed(f)
		}
		return
	}
	m.SetTransport(upper(f.Network))
	m.SetSource(f.Remote.String())
	l.config.Handler(Message{SIP: m, Flow: f, At: at})
}

// upper is the network as Via writes it.
func upper(network string) string {
	switch network {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	}
	return "TLS"
}
