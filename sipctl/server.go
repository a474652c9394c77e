package sipctl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"tollgate/rating"
	"tollgate/sipctl/guard"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// Server is the call controller: sockets, transactions, calls.
type Server struct {
	config  Config
	deps    Deps
	log     *slog.Logger
	access  *guard.Access
	guard   *guard.Guard
	net     *transport.Layer
	tx      *transaction.Layer
	calls   *calls
	trunks  *trunks
	metrics *metrics
	digest  *authenticator

	pulse        *pulse
	seeks        seeks
	refusals     *refusals
	strays       *rate.Limiter // ACK and BYE for answers that belong to nothing
	refusedLines *rate.Limiter // of the log
	arrivals     *rate.Limiter // new calls a second; nil = no limit

	strangeSeeks *rate.Limiter // looks in the store for a stranger's dialog

	began      time.Time
	background context.Context // of everything that outlives an event; ends after the last call has let go
	stopAll    context.CancelFunc
	work       work
	draining   atomic.Bool
	running    atomic.Bool
	lost       atomic.Bool  // the store did not reply of late
	complete   atomic.Bool  // the calls of the process before have been taken up
	early      atomic.Int64 // requests that wait for that
	asking     atomic.Int64 // calls that wait for the ledger's word

	peersMu sync.Mutex
	trusted []Trusted
	peers   atomic.Pointer[peers]

	sourcesMu sync.Mutex
	sources   map[netip.Addr]netip.Addr // which of our addresses a remote one sees
}

// maxStrays limits how often a second an answer that belongs to nothing gets ACK and BYE.
const maxStrays = 200

// New opens the sockets, so that a busy port is an error here. Nothing is served before Run.
func New(config Config, deps Deps) (*Server, error) {
	s := &Server{config: config.withDefaults(), deps: deps, log: deps.Log, access: new(guard.Access), calls: newCalls(), began: time.Now(),
		strays: rate.NewLimiter(maxStrays, maxStrays), strangeSeeks: rate.NewLimiter(strangeRate, strangeRate), refusedLines: newRefusedLines(),
		seeks: seeks{queue: map[rating.CallID][]transport.Message{}}, trusted: config.Trusted, sources: map[netip.Addr]netip.Addr{}}
	if s.log == nil {
		s.log = slog.Default()
	}
	if deps.Ledger == nil || deps.Catalog == nil || deps.Spool == nil {
		return nil, errors.New("the call controller needs a ledger, a catalog and a spool")
	}
	if s.config.Node == "" {
		return nil, errors.New("the call controller needs the name of its node")
	}
	if err := checkTrusted(config.Trusted); err != nil {
		return nil, err
	}
	var err error
	if s.digest, err = newAuthenticator(config.Realm, config.Digest, s.began); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if config.MaxCPS > 0 {
		s.arrivals = rate.NewLimiter(rate.Limit(config.MaxCPS), max(1, config.MaxCPS/10))
	}
	s.background, s.stopAll = context.WithCancel(context.Background())
	s.pulse = newPulse(s.began)
	s.trunks = &trunks{server: s, byName: map[string]*trunkState{}}
	s.refusals = newRefusals(s)
	s.guard = guard.New(guard.Config{Policy: s.access})
	s.net, err = transport.Open(transport.Config{Listen: config.Listen, TLS: config.TLS, ClientTLS: config.ClientTLS, Guard: s.guard, Handler: s.receive,
		Malformed: func(transport.Flow) { s.metrics.malformed.Add(1) }})
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	t := s.config.Timers
	s.tx = transaction.New(transaction.Timers{T1: t.T1, T2: t.T2, Timeout: t.timeout(), Linger: t.Linger, Trying: min(200*time.Millisecond, t.T1)}, s, s.send)
	if s.metrics, err = newMetrics(s); err != nil {
		s.net.Close()
		return nil, fmt.Errorf("sip metrics: %w", err)
	}
	s.publishPeers()
	return s, nil
}

// Run revives the calls that this node had, serves until ctx is done, and returns when nothing of it runs any more.
// Established calls are left as they are, for the next process; see Drain.
func (s *Server) Run(ctx context.Context) error {
	s.trunks.follow()
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){s.tx.Run, s.trunks.run, s.refusals.run, s.renewLeases, s.revive, s.pulse.run, s.takeOver} {
		loops.Go(func() { loop(serving) })
	}
	done := make(chan error, 1)
	go func() { done <- s.net.Run(serving) }()
	s.running.Store(true)
	<-ctx.Done()
	s.running.Store(false)
	stop()
	err := <-done
	loops.Wait()
	s.refusals.flush()
	for _, c := range s.calls.list() {
		c.post((*Call).leave)
	}
	s.stopAll()
	s.work.end()
	return err
}

// leave stops the timers of a call that another process will go on with.
func (c *Call) leave() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// wait is a context for a step in the background.
func (s *Server) wait(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.background, d)
}

// seconds of a setting.
func (s *Server) seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// Addrs returns what the sockets are bound to, in the order of Config.Listen.
func (s *Server) Addrs() []netip.AddrPort { return s.net.Addrs() }

// Ready reports whether sockets are served and new calls are taken; the error says why not.
func (s *Server) Ready() error {
	switch {
	case !s.running.Load():
		return errors.New("the SIP sockets are not served")
	case s.draining.Load():
		return errors.New("going down: no new calls are taken")
	}
	return nil
}

// StoreLost tells the server whether the store can be reached, so that OPTIONS says so.
func (s *Server) StoreLost(lost bool) {
	if s.lost.Swap(lost) && !lost {
		s.pulse.doubt(time.Now()) // others may have reached the store while we did not
	}
}

// Transactions counts those that are held, late copies' included: it grows with the load, and with nothing else.
func (s *Server) Transactions() (servers, clients int) { return s.tx.Size() }

// TrunkState is how a trunk is doing, as this node sees it.
type TrunkState struct {
	Name        string
	Health      Health
	ActiveCalls int64

	Registration Registration
}

// Health of a trunk.
type Health string

// The states of health.
const (
	HealthUnknown Health = "unknown" // never answered an OPTIONS; used all the same
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// Trunks returns the state of every trunk in the snapshot.
func (s *Server) Trunks() []TrunkState {
	var states []TrunkState
	for _, config := range s.deps.Catalog.Current().Plan.Trunks() {
		states = append(states, s.trunks.get(config).state())
	}
	return states
}

// SetTrusted replaces the trusted peers; running calls keep theirs.
func (s *Server) SetTrusted(trusted []Trusted) error {
	if err := checkTrusted(trusted); err != nil {
		return err
	}
	s.peersMu.Lock()
	s.trusted = trusted
	s.peersMu.Unlock()
	s.publishPeers()
	return nil
}

// send writes a message; what cannot be sent is counted, and repeated by its transaction.
func (s *Server) send(f transport.Flow, message []byte) error {
	err := s.net.Send(f, message)
	if err != nil {
		s.metrics.unsent.Inc()
		return err
	}
	s.metrics.sent(message)
	return nil
}

// sentBy is our host and port in the Via of what goes out on a flow.
func (s *Server) sentBy(f transport.Flow) string {
	host, port := s.advertised(f)
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// host is ours in From and Contact.
func (s *Server) host(f transport.Flow) string { return s.sentBy(f) }

// contact is the Contact value that brings the peer's requests back to us.
func (s *Server) contact(f transport.Flow, user string) string {
	uri := "<sip:"
	if user != "" {
		uri += user + "@"
	}
	uri += s.sentBy(f)
	if f.Stream() {
		uri += ";transport=" + f.Network
	}
	return uri + ">"
}

// advertised is the address that peers reach us at.
func (s *Server) advertised(f transport.Flow) (host string, port int) {
	port = int(f.Local.Port())
	if a := s.config.Advertise; a != "" {
		if h, p, err := net.SplitHostPort(a); err == nil {
			if n, err := strconv.Atoi(p); err == nil {
				return h, n
			}
		}
		return a, port
	}
	local := f.Local.Addr()
	if local.IsUnspecified() {
		local = s.sourceFor(f.Remote.Addr())
	}
	return local.Unmap().WithZone("").String(), port
}

// maxSources limits how many remote addresses are remembered with the local one that they see.
const maxSources = 4096

// sourceFor asks the system which of our addresses a remote one sees, and remembers it.
func (s *Server) sourceFor(remote netip.Addr) netip.Addr {
	s.sourcesMu.Lock()
	defer s.sourcesMu.Unlock()
	if local, ok := s.sources[remote]; ok {
		return local
	}
	if len(s.sources) >= maxSources {
		clear(s.sources)
	}
	local := remote
	if c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 9))); err == nil { // sends nothing
		if at, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
			local = at.Addr().Unmap()
		}
		c.Close()
	}
	s.sources[remote] = local
	return local
}
