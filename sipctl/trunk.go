package sipctl

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/transport"
)

const (
	maxTries    = 3               // addresses of one trunk that a call is offered to
	shunned     = time.Minute     // how long an address that did not answer stands behind the others
	longestRest = 5 * time.Minute // that a Retry-After is obeyed for
)

// trunkState is a trunk as this node sees it: where it is, how it is, how many calls it has.
type trunkState struct {
	server *Server
	active atomic.Int64
	conf   atomic.Pointer[rating.Trunk]
	listed atomic.Bool // in the newest snapshot

	mu        sync.Mutex
	target    target
	account   account // with the trunk: realm and nonce
	registrar registrar
	uri       string
	addresses []netip.AddrPort             // last good answer of the DNS, the best first
	shun      map[netip.AddrPort]time.Time // addresses that did not answer, until when others are preferred
	resting   time.Time                    // until when the trunk wants no calls (Retry-After)
	resolved  time.Time                    // when it was last asked
	health    Health
	misses    int
	probed    time.Time
	probing   bool
}

func newTrunkState(s *Server, t *rating.Trunk) *trunkState {
	state := &trunkState{server: s, health: HealthUnknown}
	state.registrar.trunk = state
	state.listed.Store(true)
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
	t.shun, t.resting = nil, time.Time{}
	t.account.forget()
	parsed, err := rating.ParseTarget(config.URI)
	if err != nil {
		return // the catalog has checked it; without an address the trunk is simply not reached
	}
	t.target = target{parsed}
	if addr, err := netip.ParseAddr(parsed.Host); err == nil {
		t.addresses = []netip.AddrPort{netip.AddrPortFrom(addr.Unmap(), t.target.port())}
	}
}

// reserve counts a call, unless the trunk is full.
func (t *trunkState) reserve() bool {
	if n, limit := t.active.Add(1), t.config().MaxCalls; limit > 0 && n > limit {
		t.active.Add(-1)
		return false
	}
	return true
}

func (t *trunkState) release() { t.active.Add(-1) }

// flow is the way to the trunk: to its best address.
func (t *trunkState) flow() (transport.Flow, error) {
	ways := t.ways()
	if len(ways) == 0 {
		return transport.Flow{}, fmt.Errorf("the address of trunk %s is not known", t.config().Name)
	}
	return t.flowTo(ways[0])
}

// flowTo is the way to one address of the trunk.
func (t *trunkState) flowTo(remote netip.AddrPort) (transport.Flow, error) {
	t.mu.Lock()
	network, name := t.target.network(), ""
	if network == transport.TLS && !t.target.literal() {
		name = t.target.Host
	}
	t.mu.Unlock()
	local, ok := t.server.net.Local(network, remote.Addr())
	if !ok {
		return transport.Flow{}, fmt.Errorf("trunk %s is reached over %s, on which we do not listen", t.config().Name, network)
	}
	return transport.Flow{Network: network, Local: local, Remote: remote, Name: name}, nil
}

// ways are the addresses in the order in which they should be tried, maxTries at most: those that did not answer of late
// come last. A name that was never looked up is looked up now.
func (t *trunkState) ways() []netip.AddrPort {
	if !t.known() {
		t.resolve()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ways := slices.Clone(t.addresses)
	now := time.Now()
	slices.SortStableFunc(ways, func(a, b netip.AddrPort) int {
		return cmp.Compare(weight(t.shun[a].After(now)), weight(t.shun[b].After(now)))
	})
	return ways[:min(len(ways), maxTries)]
}

func weight(b bool) int {
	if b {
		return 1
	}
	return 0
}

// silent notes that an address did not answer.
func (t *trunkState) silent(at netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.addresses) < 2 {
		return
	}
	if len(t.shun) >= maxAddresses {
		clear(t.shun)
	}
	if t.shun == nil {
		t.shun = map[netip.AddrPort]time.Time{}
	}
	t.shun[at] = time.Now().Add(shunned)
}

// rest keeps calls away from a trunk that has asked for it with 503 and Retry-After (RFC 3261 §21.5.4), for some minutes at
// most: a carrier must not be able to switch itself off by mistake.
func (t *trunkState) rest(wanted time.Duration) {
	wanted = min(wanted, longestRest)
	t.mu.Lock()
	t.resting = time.Now().Add(wanted)
	t.mu.Unlock()
	t.server.log.Warn("a trunk wants no calls for a while", "trunk", t.config().Name, "seconds", int(wanted.Seconds()))
}

func (t *trunkState) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.addresses) > 0
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
	known := len(t.addresses) > 0
	t.mu.Unlock()
	if config := t.config(); known {
		t.registrar.look(now, config, config.Register && config.Enabled && t.listed.Load() && !t.server.draining.Load())
	}
	if name {
		t.server.work.goDo(func() { t.resolve(); t.server.publishPeers() })
	}
	if probe {
		t.server.work.goDo(t.probe)
	}
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
	if t.target.Port != 0 && t.target.Port != int(defaultPort(f.Network)) {
		host = fmt.Sprintf("%s:%d", host, t.target.Port)
	}
	if f.Network != transport.UDP {
		host += ";transport=" + f.Network
	}
	return "sip:" + host
}

// state is what an operator sees.
func (t *trunkState) state() TrunkState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TrunkState{Name: t.config().Name, Health: t.health, ActiveCalls: t.active.Load(), Registration: t.registrar.get()}
}

// down reports whether calls should go elsewhere if they can.
func (t *trunkState) down() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.health == HealthDown || time.Now().Before(t.resting)
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
			t.server.metrics.meetTrunk(config.Name)
		}
		t.mu.Unlock()
	}
	if state.config() != config {
		state.update(config)
	}
	return state
}

// candidate is one address of a trunk that a call may be offered to.
type candidate struct {
	trunk *trunkState
	at    netip.AddrPort // zero: the trunk's address is not known
}

// order returns where a call is to be offered: trunk after trunk, and of each its addresses. Trunks that are down or want
// no calls are left out, unless all do.
func (t *trunks) order(route []*rating.Trunk) []candidate {
	all := make([]candidate, 0, len(route))
	alive := make([]candidate, 0, len(route))
	for _, config := range route {
		state := t.get(config)
		down := state.down()
		ways := state.ways()
		if len(ways) == 0 {
			ways = []netip.AddrPort{{}}
		}
		for _, at := range ways {
			all = append(all, candidate{state, at})
			if !down {
				alive = append(alive, candidate{state, at})
			}
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
		t.forget()
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
		state.listed.Store(listed[name])
	}
	t.mu.Unlock()
	t.server.publishPeers()
}

// forget lets go of trunks that were deleted, when they have no call and no registration any more.
func (t *trunks) forget() {
	for _, state := range t.list() {
		if state.listed.Load() || state.active.Load() > 0 || state.registrar.holds() {
			continue
		}
		name := state.config().Name
		t.mu.Lock()
		delete(t.byName, name)
		t.mu.Unlock()
		t.server.metrics.forgetTrunk(name)
		t.server.publishPeers()
	}
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
