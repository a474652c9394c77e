package sipctl

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

const (
	resolveEvery = 30 * time.Second // how often the name of a trunk is looked up
	resolveWait  = 2 * time.Second
	probeWait    = 5 * time.Second // for the answer to an OPTIONS
	probeMisses  = 2               // so many in a row, and the trunk is down
	maxAddresses = 16              // of one name
)

// trunkState is a trunk as this node sees it: where it is, how it is, how many calls it has.
type trunkState struct {
	server *Server
	active atomic.Int64
	conf   atomic.Pointer[rating.Trunk]

	mu        sync.Mutex
	target    rating.Target
	uri       string
	addresses []netip.AddrPort // last good answer
	resolved  time.Time        // when it was last asked
	health    Health
	misses    int
	probed    time.Time
	probing   bool
}

func newTrunkState(s *Server, t *rating.Trunk) *trunkState {
	state := &trunkState{server: s, health: HealthUnknown}
	state.update(t)
	return state
}

func (t *trunkState) config() *rating.Trunk { return t.conf.Load() }

// update takes over what an operator has changed.
func (t *trunkState) update(config *rating.Trunk) {
	t.conf.Store(config)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uri == config.URI {
		return
	}
	t.uri, t.addresses, t.resolved, t.health, t.misses, t.probed = config.URI, nil, time.Time{}, HealthUnknown, 0, time.Time{}
	target, err := rating.ParseTarget(config.URI)
	if err != nil {
		return // the catalog has checked it; without an address the trunk is simply not reached
	}
	if target.Transport == "" {
		target.Transport = transport.UDP
	}
	if target.Port == 0 {
		target.Port = int(defaultPort(target.Transport))
	}
	t.target = target
	if addr, err := netip.ParseAddr(target.Host); err == nil {
		t.addresses = []netip.AddrPort{netip.AddrPortFrom(addr.Unmap(), uint16(target.Port))}
	}
}

// reserve counts a call, unless the trunk is full.
func (t *trunkState) reserve() bool {
	if n, limit := t.active.Add(1), t.config().MaxCalls; limit > 0 && n > limit {
		t.active.Add(-1)
		return false
	}
	t.server.metrics.trunkCalls.WithLabelValues(t.config().Name).Inc()
	return true
}

func (t *trunkState) release() {
	t.active.Add(-1)
	t.server.metrics.trunkCalls.WithLabelValues(t.config().Name).Dec()
}

// flow is the way to the trunk. A name that was never looked up is looked up now.
func (t *trunkState) flow() (transport.Flow, error) {
	if !t.known() {
		t.resolve()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.addresses) == 0 {
		return transport.Flow{}, fmt.Errorf("the address of trunk %s is not known", t.config().Name)
	}
	remote := t.addresses[0]
	local, ok := t.server.net.Local(t.target.Transport, remote.Addr())
	if !ok {
		return transport.Flow{}, fmt.Errorf("trunk %s is reached over %s, on which we do not listen", t.config().Name, t.target.Transport)
	}
	return transport.Flow{Network: t.target.Transport, Local: local, Remote: remote}, nil
}

func (t *trunkState) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.addresses) > 0
}

// resolve looks the name up (A and AAAA). Where that fails the last good answer stays.
func (t *trunkState) resolve() {
	t.mu.Lock()
	host, port, literal := t.target.Host, uint16(t.target.Port), false
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		literal = true
	}
	t.resolved = time.Now()
	t.mu.Unlock()
	if literal {
		return
	}
	ctx, cancel := t.server.wait(resolveWait)
	defer cancel()
	found, err := t.server.resolver().LookupHost(ctx, host)
	var addresses []netip.AddrPort
	for _, text := range found[:min(len(found), maxAddresses)] {
		if addr, err := netip.ParseAddr(text); err == nil {
			addresses = append(addresses, netip.AddrPortFrom(addr.Unmap(), port))
		}
	}
	if len(addresses) == 0 {
		t.server.log.Warn("the name of a trunk cannot be resolved", "trunk", t.config().Name, "err", err)
		return
	}
	t.mu.Lock()
	if t.target.Host == host {
		t.addresses = addresses
	}
	t.mu.Unlock()
}

func (s *Server) resolver() Resolver {
	if s.deps.Resolve != nil {
		return s.deps.Resolve
	}
	return net.DefaultResolver
}

// look does what is due: resolve, probe. It does not wait for either.
func (t *trunkState) look(now time.Time) {
	t.mu.Lock()
	name := t.target.Host != "" && now.Sub(t.resolved) >= resolveEvery
	if name {
		t.resolved = now
	}
	interval := time.Duration(t.config().ProbeInterval) * time.Second
	probe := interval > 0 && t.config().Enabled && !t.probing && len(t.addresses) > 0 && now.Sub(t.probed) >= interval
	if probe {
		t.probing, t.probed = true, now
	}
	t.mu.Unlock()
	if name {
		t.server.work.goDo(func() { t.resolve(); t.server.publishPeers() })
	}
	if probe {
		t.server.work.goDo(t.probe)
	}
}

// probe sends an OPTIONS.
func (t *trunkState) probe() {
	flow, err := t.flow()
	if err != nil {
		t.heard(false)
		return
	}
	s := t.server
	d := dialog{CallID: transaction.NewTag(), LocalTag: transaction.NewTag(), Target: t.requestURI("", flow), Flow: flow, SentBy: s.sentBy(flow),
		Contact: s.contact(flow, ""), Local: "<sip:" + s.host(flow) + ">"}
	d.Remote = "<" + d.Target + ">"
	p := &probe{trunk: t}
	out := d.request(outgoing{method: sip.OPTIONS, contact: true, headers: []byte("Accept: application/sdp\r\n")})
	out.Flow = flow
	p.timer = time.AfterFunc(min(probeWait, 10*s.config.Timers.T1), func() { p.once.Do(func() { t.heard(false) }) })
	if _, err := s.tx.Begin(out, p); err != nil {
		p.Failed(nil, err)
	}
	s.metrics.request("OPTIONS")
}

// requestURI is the trunk's URI with a user.
func (t *trunkState) requestURI(user string, f transport.Flow) string {
	host := t.target.Host
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	if user != "" {
		host = user + "@" + host
	}
	if t.target.Port != int(defaultPort(f.Network)) {
		host = fmt.Sprintf("%s:%d", host, t.target.Port)
	}
	if f.Network != transport.UDP {
		host += ";transport=" + f.Network
	}
	return "sip:" + host
}

// probe is an OPTIONS that is out.
type probe struct {
	trunk *trunkState
	once  sync.Once
	timer *time.Timer
}

// Response implements transaction.ClientUser: any answer is a sign of life, but for those that a proxy in front gives.
func (p *probe) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
	p.trunk.server.metrics.response(res.StatusCode)
	if res.IsProvisional() {
		return
	}
	p.timer.Stop()
	p.once.Do(func() { p.trunk.heard(res.StatusCode != 408 && res.StatusCode != 503) })
}

// Failed implements transaction.ClientUser.
func (p *probe) Failed(*transaction.Client, error) {
	p.timer.Stop()
	p.once.Do(func() { p.trunk.heard(false) })
}

// heard notes the outcome of a probe: down after two misses, up after one answer. A trunk that never answered an OPTIONS
// may not know the method, and is used.
func (t *trunkState) heard(alive bool) {
	t.mu.Lock()
	before := t.health
	t.probing = false
	if alive {
		t.misses, t.health = 0, HealthUp
	} else if t.misses++; t.misses >= probeMisses && t.health == HealthUp {
		t.health = HealthDown
	} else if t.health == HealthUp {
		t.probed = time.Time{} // ask again at once
	}
	after := t.health
	t.mu.Unlock()
	if before != after {
		name := t.config().Name
		t.server.log.Info("the health of a trunk has changed", "trunk", name, "health", string(after))
		t.server.metrics.trunkUp.WithLabelValues(name).Set(map[Health]float64{HealthUp: 1, HealthDown: 0}[after])
	}
}

// state is what an operator sees.
func (t *trunkState) state() TrunkState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TrunkState{Name: t.config().Name, Health: t.health, ActiveCalls: t.active.Load()}
}

func (t *trunkState) down() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.health == HealthDown
}

// trunks are all trunks of the newest snapshot.
type trunks struct {
	server *Server
	mu     sync.RWMutex
	byName map[string]*trunkState
	seen   *rating.Snapshot
}

// get returns the state of a trunk, which may be newer than the last look at the snapshot.
func (t *trunks) get(config *rating.Trunk) *trunkState {
	t.mu.RLock()
	state := t.byName[config.Name]
	t.mu.RUnlock()
	if state == nil {
		t.mu.Lock()
		if state = t.byName[config.Name]; state == nil {
			state = newTrunkState(t.server, config)
			t.byName[config.Name] = state
		}
		t.mu.Unlock()
	}
	if state.config() != config {
		state.update(config)
	}
	return state
}

// order returns the trunks of a route as they are to be tried: those that are down are left out, unless all are.
func (t *trunks) order(route []*rating.Trunk) []*trunkState {
	all := make([]*trunkState, 0, len(route))
	alive := make([]*trunkState, 0, len(route))
	for _, config := range route {
		state := t.get(config)
		all = append(all, state)
		if !state.down() {
			alive = append(alive, state)
		}
	}
	if len(alive) == 0 {
		return all
	}
	return alive
}

// run follows the snapshot, resolves and probes, until ctx is done.
func (t *trunks) run(ctx context.Context) {
	const pace = 100 * time.Millisecond
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		t.follow()
		now := time.Now()
		for _, state := range t.list() {
			state.look(now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow takes over the trunks of a new snapshot, and tells the guard who may talk to us.
func (t *trunks) follow() {
	snapshot := t.server.deps.Catalog.Current()
	if snapshot == t.seen {
		return
	}
	t.seen = snapshot
	listed := map[string]bool{}
	for _, config := range snapshot.Plan.Trunks() {
		listed[config.Name] = true
		t.get(config)
	}
	t.mu.Lock()
	for name, state := range t.byName {
		if !listed[name] && state.active.Load() == 0 {
			delete(t.byName, name)
			t.server.metrics.forgetTrunk(name)
		}
	}
	t.mu.Unlock()
	t.server.publishPeers()
}

func (t *trunks) list() []*trunkState {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*trunkState, 0, len(t.byName))
	for _, state := range t.byName {
		list = append(list, state)
	}
	return list
}
