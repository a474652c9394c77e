package sipctl

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// Call is one call: the caller's leg, the trunk's, and the money. One goroutine at a time works for it, on one event after
// the other (mailbox.go). Everything that comes from outside, from the network, the ledger or a timer, is such an event; what
// it means is decided by step (state.go), what is then done by perform.
//
//	setup.go    from the INVITE to the trunk: authorize, dial, ringing, failover
//	answer.go   the trunk's 2xx: record, relay, ACK
//	hangup.go   BYE, CANCEL, refusals, settlement
//	indialog.go everything else inside the dialogs
//	charge.go   the money while it talks (credit.go decides)
type Call struct {
	server *Server
	id     rating.CallID
	mailbox
	extension string // who pays; never changes
	digest    bool   // the caller has shown the extension's SIP password, and is no trusted peer

	state   state
	cause   cause
	started time.Time // arrival of the INVITE

	// Set-up, all nil once the call talks.
	setup *setup

	caller, trunk leg
	trunkState    *trunkState // counts this call; nil while none does

	// The money.
	credit   credit
	grant    rating.Grant
	unheld   bool      // an emergency call that the ledger knows nothing of
	answered time.Time // arrival of the trunk's 2xx, monotonic; zero = never
	ended    time.Time // first BYE
	cut      time.Duration
	cdr      rating.CDR

	// The end.
	byes      int       // of ours, not answered yet
	unacked   bool      // our 200 has not been acknowledged
	revived   bool      // a process before this one began it
	sure      time.Time // since when the call is known to be ours (pulse.go)
	askBoth   bool      // the next keepalive asks both legs, however lately they were heard
	owed      bool      // a BYE to the caller waits for that
	settled   bool
	removed   bool
	lateOffer bool   // the INVITE had no body: the ACK carries the answer
	ack       []byte // the ACK that the trunk got, for its repeated 2xx
	ackFlow   transport.Flow
	login     []byte // credentials of the INVITE, until its ACK has them too
	deadlines [timers]time.Time
	timer     *time.Timer
	timerAt   time.Time
	shown     shown // what an operator sees

	uas            *transaction.Server // the caller's INVITE, until its 2xx is acknowledged
	lateAck        *sip.Request        // while confirm runs
	reinvite       *relay              // a re-INVITE that is under way, in either direction
	byeHeaders     []byte              // of the BYE that came in, for the other leg
	byeBody        []byte
	keepaliveEvery time.Duration
	session        session    // timer that the ends have agreed on
	reliable       []reliable // provisional responses that want a PRACK
	updating       *relay     // an UPDATE that is under way, in either direction
}

// leg is one side of the call.
type leg struct {
	dialog
	side   side
	heard  time.Time // last sign of life
	misses int       // keepalives in a row without an answer
	asking bool      // one is out
	byed   bool      // our BYE is out
	peer   peer      // who may send requests in it
}

// side names the legs.
type side uint8

const (
	callerSide side = iota
	trunkSide
)

// timerKind is what a call may wait for.
type timerKind uint8

const (
	ringTimer   timerKind = iota // nobody answers
	silentTimer                  // the trunk gives no sign at all
	creditTimer
	aliveTimer   // keepalive
	byeTimer     // a BYE is not answered: settle without
	sessionTimer // nobody has refreshed the session
	timers
)

// post hands the call an event; another goroutine works on it.
func (c *Call) post(e event) {
	if c.mailbox.put(e, false) {
		c.server.work.goDo(c.run)
	}
}

// postMail does so with what comes from the network, which is dropped when there is far too much of it.
func (c *Call) postMail(e event) {
	if c.mailbox.put(e, true) {
		c.server.work.goDo(c.run)
	}
}

// deliver hands the call an event from a goroutine that has nothing else to do.
func (c *Call) deliver(e event) {
	if c.mailbox.put(e, false) {
		c.run()
	}
}

func (c *Call) run() {
	for {
		e, ok := c.mailbox.take()
		if !ok {
			return
		}
		c.do(e)
	}
}

// do runs one event. A fault of ours ends this call and no other.
func (c *Call) do(e event) {
	defer func() {
		if fault := recover(); fault != nil {
			c.fault(fault)
			c.broken()
		}
	}()
	e(c)
	c.show()
}

// aside runs f in another goroutine: for what must be waited for.
func (c *Call) aside(f func()) {
	c.server.work.goDo(func() {
		defer func() {
			if fault := recover(); fault != nil {
				c.fault(fault)
				c.deliver((*Call).broken)
			}
		}()
		f()
	})
}

func (c *Call) fault(fault any) {
	c.server.metrics.panics.Inc()
	c.server.log.Error("a call failed", "call_id", c.id, "account", c.extension, "err", fault, "stack", string(debug.Stack()))
}

// broken ends a call after a fault of ours, with as little as possible. What it held is settled from the ledger's own record
// when its lease lapses.
func (c *Call) broken() {
	defer func() {
		if recover() != nil {
			c.remove()
		}
	}()
	if c.state == withdrawn || c.state >= ending {
		c.remove()
		return
	}
	asking := c.state == authorizing
	c.stop(causeSystem)
	if asking {
		c.remove() // no answer of the ledger will come
	}
}

// happen takes the call one step on.
func (c *Call) happen(h happening) {
	next, todo := step(c.state, h)
	c.state = next
	if todo != 0 {
		c.perform(todo)
	}
}

// perform does what a step demands, in the order of the bits.
func (c *Call) perform(todo action) {
	for _, a := range [...]struct {
		bit action
		do  func(*Call)
	}{
		{refuse, (*Call).refuse}, {abandon, (*Call).abandon}, {hangUpTrunk, (*Call).hangUpTrunk}, {dial, (*Call).dial},
		{ring, (*Call).ring}, {store, (*Call).store}, {connect, (*Call).connect}, {confirm, (*Call).confirm},
		{byeCaller, (*Call).byeCaller}, {byeTrunk, (*Call).byeTrunk}, {file, (*Call).file}, {settle, (*Call).settle},
	} {
		if todo&a.bit != 0 {
			a.do(c)
		}
	}
}

// stop ends the call, however far it has come.
func (c *Call) stop(why cause) {
	if c.state >= ending || c.state == withdrawn {
		return
	}
	c.cause = why
	if c.state < answered {
		c.happen(onGiveUp)
		return
	}
	c.endNow(time.Now())
	c.happen(onStop)
}

// endNow notes the end, once.
func (c *Call) endNow(at time.Time) {
	if c.ended.IsZero() {
		c.ended = at
		c.clear(creditTimer)
		c.clear(aliveTimer)
		c.clear(sessionTimer)
	}
}

// set arms a timer of the call.
func (c *Call) set(k timerKind, at time.Time) {
	c.deadlines[k] = at
	c.rearm()
}

func (c *Call) clear(k timerKind) { c.deadlines[k] = time.Time{} }

// rearm makes the one timer of the call ring at the earliest deadline.
func (c *Call) rearm() {
	var next time.Time
	for _, at := range c.deadlines {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() || next.Equal(c.timerAt) {
		return
	}
	c.timerAt = next
	if wait := time.Until(next); c.timer == nil {
		c.timer = time.AfterFunc(wait, func() { c.post((*Call).onTimer) })
	} else {
		c.timer.Reset(wait)
	}
}

// onTimer does what is due.
func (c *Call) onTimer() {
	now := time.Now()
	c.timerAt = time.Time{}
	if c.doubtful(now) {
		c.reassure((*Call).onTimer, func(*Call) {})
		return
	}
	for k, at := range c.deadlines {
		if at.IsZero() || now.Before(at) {
			continue
		}
		c.clear(timerKind(k))
		switch timerKind(k) {
		case ringTimer:
			c.stop(causeRing)
		case silentTimer:
			c.onSilence()
		case creditTimer:
			c.onCreditTimer(now)
		case aliveTimer:
			c.onAliveTimer(now)
		case byeTimer:
			c.happen(onByesDone)
		case sessionTimer:
			c.onExpired()
		}
	}
	c.rearm()
}

// remove takes the call out of the tables. Its last event may still be running.
func (c *Call) remove() {
	if c.removed {
		return
	}
	c.removed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.releaseTrunk()
	c.server.calls.remove(c)
}

// finish removes a call that is settled and has nothing more to say.
func (c *Call) finish() {
	if c.settled && !c.owed && !c.unacked && c.byes == 0 {
		c.remove()
	}
}

func (c *Call) log() *slog.Logger {
	return c.server.log.With("call_id", c.id, "account", c.cdr.Extension, "trunk", c.cdr.Trunk)
}

// leg returns a side of the call, and the other one.
func (c *Call) leg(s side) (this, other *leg) {
	if s == callerSide {
		return &c.caller, &c.trunk
	}
	return &c.trunk, &c.caller
}

// Cancelled implements transaction.ServerUser.
func (c *Call) Cancelled() { c.post((*Call).onCancelled) }

// NoAck implements transaction.ServerUser.
func (c *Call) NoAck() { c.post((*Call).onNoAck) }

// setup is what only a call in set-up needs.
type setup struct {
	invite    *sip.Request
	uas       *transaction.Server
	snapshot  *rating.Snapshot
	admission rating.Admission
	routeSet  []byte // Record-Route lines that our 18x and 2xx repeat (RFC 3261 §12.1.1)
	dialled   string
	dialErr   error // why the number was not understood
	from      peer

	candidates []candidate
	current    *attempt
	failure    failure       // what the caller would be told
	accepted   *sip.Response // the trunk's 2xx, until it is relayed
}
