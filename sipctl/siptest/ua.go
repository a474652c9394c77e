package siptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of the user agents' waits.
var (
	ErrTimeout  = errors.New("no answer within 64·T1") // RFC 3261 timers B and F
	ErrPatience = errors.New("waited in vain")         // see Config.Patience
	errFull     = fmt.Errorf("more than %d dialogs", maxDialogs)
)

const (
	defaultPatience = 60 * time.Second
	maxDialogs      = 200_000 // calls of one user agent at a time
	sweepPause      = 100 * time.Millisecond
)

// Config is what a Phone and a Carrier have in common. The zero value is a UDP user agent on a free port of 127.0.0.1.
type Config struct {
	Name      string     // in the ladder; default "phone", "carrier"
	Transport string     // "udp" (default), "tcp" or "tls"
	LocalIP   netip.Addr // default 127.0.0.1; further loopback addresses serve as further hosts
	Port      uint16     // default 0: a free one

	TLS *tls.Config // of a tls user agent, for both directions: certificate, trusted roots, the other side's name

	T1       time.Duration // RFC 3261 §17.1.1.1; default 500 ms
	Linger   time.Duration // how long what is over still answers repetitions; default 64·T1
	Patience time.Duration // longest wait of any method, whatever its context allows; default 60 s
	Ladder   *Ladder       // optional: records every message
	Network  *Network      // optional, UDP only: a worse network than loopback
	Lean     bool          // keep no message of a call: for load
	Replies  Replies       // answers to requests; what is not listed gets 200
}

func (c Config) withDefaults(name string) Config {
	if c.Name == "" {
		c.Name = name
	}
	if !c.LocalIP.IsValid() {
		c.LocalIP = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if c.T1 == 0 {
		c.T1 = defaultT1
	}
	if c.Linger == 0 {
		c.Linger = timeout * c.T1
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	return c
}

// ua is the user agent that a Phone and a Carrier have in common: the socket, the tables that messages are matched by, and
// the end of it all.
type ua struct {
	conf     Config
	t1       time.Duration
	wire     wire
	hostPort string // our address as Via and Contact name it
	offer    Body   // our session description
	role     role
	isDeaf   atomic.Bool
	network  *network // nil: loopback as it is
	count    counters

	mu      sync.Mutex // guards what follows; nothing is called with it held
	closed  bool
	txs     map[txKey]*clientTx
	dialogs map[dialogKey]*session
	replies Replies
	graves  []grave // what is over, oldest first
	running sync.WaitGroup
	done    chan struct{}
}

// role is what differs: requests that belong to no dialog.
type role interface {
	outOfDialog(m *Message)
	ackedRefusal(ack *Message) bool // it ends the repetition of a non-2xx
}

// mortal is something that stays in the tables for a while after its end, to answer repetitions.
type mortal interface {
	forget(*ua) // called with no lock held
}

type grave struct {
	until time.Time
	of    mortal
}

func (a *ua) open(c Config, r role, place int) error {
	a.conf, a.t1, a.role = c, c.T1, r
	a.txs, a.dialogs = map[txKey]*clientTx{}, map[dialogKey]*session{}
	a.replies, a.done = Replies{}, make(chan struct{})
	maps.Copy(a.replies, c.Replies)
	at := netip.AddrPortFrom(c.LocalIP, c.Port)
	ready := make(chan struct{})
	receive := func(raw string, from peer) { <-ready; a.receive(raw, from) }
	var err error
	switch strings.ToLower(c.Transport) {
	case "", "udp":
		a.wire, err = listenUDP(at, receive)
	case "tcp", "tls":
		var secure *tls.Config
		if strings.EqualFold(c.Transport, "tls") {
			if secure = c.TLS; secure == nil {
				return fmt.Errorf("%s: transport tls needs a TLS configuration", c.Name)
			}
		}
		a.wire, err = listenTCP(at, secure, receive, func(from netip.AddrPort) { c.Ladder.alias(from, a.wire.local()) })
	default:
		err = fmt.Errorf("transport %q: udp, tcp or tls", c.Transport)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	a.hostPort, a.offer = a.wire.local().String(), SDP(a.wire.local())
	if !a.wire.reliable() {
		a.network = c.Network.open()
	}
	c.Ladder.join(c.Name, a.wire.local(), place)
	close(ready)
	a.running.Go(a.sweep)
	return nil
}

// Addr is the address that the user agent listens on.
func (a *ua) Addr() netip.AddrPort { return a.wire.local() }

// Deaf makes the user agent drop all that comes and send nothing, or ends that. Like a host whose cable is pulled: no ICMP, no
// RST. Its own timers run on.
func (a *ua) Deaf(deaf bool) { a.isDeaf.Store(deaf) }

// DropConnections closes all TCP connections of the user agent, which goes on listening. On UDP there is nothing to close.
func (a *ua) DropConnections() {
	if w, ok := a.wire.(*tcpWire); ok {
		w.drop()
	}
}

// Close ends the user agent like a crash: no BYE is sent, the port answers no more. It returns when nothing of it runs any more.
func (a *ua) Close() {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		a.running.Wait()
		return
	}
	a.closed = true
	close(a.done)
	a.mu.Unlock()
	a.wire.close()
	a.running.Wait()
}

// enter holds the user agent open for one piece of work; leave with running.Done.
func (a *ua) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.running.Add(1)
	return true
}

// after runs f when d is over, unless the user agent has been closed.
func (a *ua) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		if a.enter() {
			defer a.running.Done()
			f()
		}
	})
}

func (a *ua) track(tx *clientTx) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.txs[tx.key] = tx
	return true
}

func (a *ua) enlist(s *session) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return errClosed
	case len(a.dialogs) >= maxDialogs:
		return errFull
	}
	a.dialogs[s.key] = s
	return nil
}

// bury leaves something in the tables for Linger more.
func (a *ua) bury(of mortal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.graves = append(a.graves, grave{time.Now().Add(a.conf.Linger), of})
}

func (a *ua) sweep() {
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	for {
		select {
		case <-a.done:
			return
		case now := <-tick.C:
			a.sweepUntil(now)
		}
	}
}

func (a *ua) sweepUntil(now time.Time) {
	a.mu.Lock()
	n := 0
	for n < len(a.graves) && now.After(a.graves[n].until) {
		n++
	}
	due := a.graves[:n:n]
	a.graves = a.graves[n:] // the array goes when append outgrows it
	a.mu.Unlock()
	for i := range due {
		due[i].of.forget(a)
		due[i].of = nil
	}
}

// contact is our Contact value for a user, with where we are reached.
func (a *ua) contact(user string) string {
	uri := "<sip:" + user + "@" + a.hostPort
	if a.wire.reliable() {
		uri += ";transport=tcp"
	}
	return uri + ">"
}

// token is 64 random bits for a tag or a branch.
func (a *ua) token() string { return strconv.FormatUint(rand.Uint64(), 36) }

func (a *ua) newBranch() string { return "z9hG4bK" + a.token() }
