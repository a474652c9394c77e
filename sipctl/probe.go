package sipctl

import (
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

const (
	probeWait   = 5 * time.Second // for the answer to an OPTIONS
	probeMisses = 2               // so many in a row, and the trunk is down
)

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
	p := &probe{trunk: t, at: flow.Remote}
	out := d.request(outgoing{method: sip.OPTIONS, contact: true, headers: []byte("Accept: application/sdp\r\n")})
	out.Flow = flow
	p.timer = time.AfterFunc(min(probeWait, 10*s.config.Timers.T1), func() { p.once.Do(p.missed) })
	if _, err := s.tx.Begin(out, p); err != nil {
		p.Failed(nil, err)
	}
}

// probe is an OPTIONS that is out.
type probe struct {
	trunk *trunkState
	at    netip.AddrPort
	once  sync.Once
	timer *time.Timer
}

// Response implements transaction.ClientUser: any answer is a sign of life, but for those that a proxy in front gives.
func (p *probe) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
	if res.IsProvisional() {
		return
	}
	p.timer.Stop()
	p.once.Do(func() { p.trunk.heard(res.StatusCode != 408 && res.StatusCode != 503) })
}

// Failed implements transaction.ClientUser.
func (p *probe) Failed(*transaction.Client, error) {
	p.timer.Stop()
	p.once.Do(p.missed)
}

// missed: no answer came. The next question goes to another address, if there is one.
func (p *probe) missed() {
	p.trunk.silent(p.at)
	p.trunk.heard(false)
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
	}
}
