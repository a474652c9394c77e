package sipctl

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// maxMisses is how many keepalives in a row may go unanswered.
const maxMisses = 2

// armAlive sets the timer for the leg that will have been quiet for an interval first.
func (c *Call) armAlive() {
	if c.keepaliveEvery <= 0 || !c.ended.IsZero() || c.session.on() && !c.askBoth {
		return // RFC 4028 refreshes are proof enough
	}
	next := time.Now().Add(c.keepaliveEvery)
	for _, l := range []*leg{&c.caller, &c.trunk} {
		if at := l.heard.Add(c.keepaliveEvery); !l.asking && at.Before(next) {
			next = at
		}
	}
	c.set(aliveTimer, next)
}

// onAliveTimer asks every quiet leg for a sign of life.
func (c *Call) onAliveTimer(now time.Time) {
	if c.state != talking && c.state != answered || c.session.on() && !c.askBoth {
		return
	}
	if c.askBoth { // the trunk's leg first: if both are gone the call is charged to its last proof of life, not to now
		if !c.trunk.asking {
			c.ask(&c.trunk)
		}
		return
	}
	for _, l := range []*leg{&c.caller, &c.trunk} {
		if !l.asking && now.Sub(l.heard) >= c.keepaliveEvery {
			c.ask(l)
		}
	}
	c.armAlive()
}

// ask sends OPTIONS in the dialog: whoever still knows it answers, anybody else says 481 (RFC 3261 §11).
func (c *Call) ask(l *leg) {
	l.asking = true
	if _, _, err := c.begin(l, outgoing{method: sip.OPTIONS, headers: []byte("Accept: application/sdp\r\n")}, aliveUser{c, l.side}); err != nil {
		at := time.Now()
		c.post(func(c *Call) { c.onAlive(l.side, false, false, at) })
	}
}

// aliveUser hears what becomes of a keepalive.
type aliveUser struct {
	call *Call
	side side
}

// Response implements transaction.ClientUser.
func (a aliveUser) Response(_ *transaction.Client, res *sip.Response, m transport.Message) {
	if !res.IsProvisional() {
		code := res.StatusCode
		a.call.post(func(c *Call) {
			c.onAlive(a.side, code != sip.StatusRequestTimeout, code == sip.StatusCallTransactionDoesNotExists, m.At)
		})
	}
}

// Failed implements transaction.ClientUser.
func (a aliveUser) Failed(*transaction.Client, error) {
	a.call.post(func(c *Call) { c.onAlive(a.side, false, false, time.Now()) })
}

// onAlive takes the outcome of a keepalive.
func (c *Call) onAlive(s side, alive, unknown bool, at time.Time) {
	l, _ := c.leg(s)
	l.asking = false
	switch {
	case unknown:
		c.stop(deadCause(s))
	case alive:
		l.heard, l.misses = at, 0
		if c.askBoth && s == trunkSide && c.ended.IsZero() {
			c.askBoth = false
			if !c.caller.asking {
				c.ask(&c.caller)
			}
		}
	default:
		if l.misses++; l.misses >= maxMisses {
			c.stop(deadCause(s))
			return
		}
		c.ask(l)
		return
	}
	c.armAlive()
}
