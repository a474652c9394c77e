package sipctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// letIn is what came of asking whether the call may pass. It is made by a goroutine that does not own the call.
type letIn struct {
	dialled   string
	invite    []byte // for the process that comes after us (unanswered.go)
	snapshot  *rating.Snapshot
	admission rating.Admission
	cdr       rating.CDR
	grant     rating.Grant
	unheld    bool
	err       error
}

// authorize decides whether the call is let in: from the snapshot first, then by holding its money. It runs in a goroutine
// of its own, so that a CANCEL is heard meanwhile; it changes nothing of the call.
func (c *Call) authorize(in letIn) {
	if in.err == nil {
		c.admit(&in)
	}
	in.cdr = describe(in.cdr, in.snapshot, in.admission)
	if in.err == nil {
		c.hold(&in)
	}
	c.deliver(func(c *Call) { c.onLetIn(in) })
}

// admit asks the snapshot, and adds an extension that was heard of for the first time where the settings say so.
func (c *Call) admit(in *letIn) {
	extension := c.extension
	in.admission, in.err = in.snapshot.Admit(extension, in.dialled, c.started)
	if !errors.Is(in.err, rating.ErrUnknownExtension) || c.digest || in.snapshot.Settings.UnknownExtension != rating.Create || rating.NewExtension(extension).Validate() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.server.background, authorizeWait)
	defer cancel()
	e, err := c.server.deps.Catalog.CreateExtension(ctx, rating.NewExtension(extension))
	if err != nil {
		in.err = err
		return
	}
	in.snapshot = c.server.deps.Catalog.Current()
	in.admission, in.err = in.snapshot.AdmitExtension(&e, in.dialled, c.started)
}

// hold asks the ledger for the first charge. An emergency call passes whatever it says, but for a call that is not ours.
func (c *Call) hold(in *letIn) {
	c.server.asking.Add(1)
	defer c.server.asking.Add(-1)
	began := time.Now()
	ctx, cancel := context.WithTimeout(c.server.background, authorizeWait)
	defer cancel()
	in.grant, in.err = c.server.deps.Ledger.Authorize(ctx, c.authorization(in))
	if in.err == nil && in.grant.Answered {
		in.err = rating.ErrOwnedElsewhere // answered by the process before: it is revived, not begun again
	}
	c.server.metrics.authorize.Observe(time.Since(began).Seconds())
	if in.err != nil && in.admission.Emergency() && !errors.Is(in.err, rating.ErrOwnedElsewhere) && !errors.Is(in.err, rating.ErrSettled) {
		c.server.log.Warn("an emergency call passes without the store", "call_id", c.id, "account", c.extension, "err", in.err)
		in.unheld, in.err = true, nil
	}
}

// onLetIn goes on with the answer.
func (c *Call) onLetIn(in letIn) {
	c.setup.snapshot, c.setup.admission = in.snapshot, in.admission
	in.cdr.SIPCode, in.cdr.Reason, in.cdr.Disposition = c.cdr.SIPCode, c.cdr.Reason, c.cdr.Disposition // of a call withdrawn meanwhile
	c.cdr, c.grant, c.unheld = in.cdr, in.grant, in.unheld
	if in.err != nil {
		c.onRefusal(in.err)
		return
	}
	if !c.unheld { // where another process asked before, its terms count
		c.setup.admission.Tariff, c.setup.admission.Unbilled = in.grant.Tariff, in.grant.Unbilled
	}
	c.happen(onAuthorized)
}

func (c *Call) authorization(in *letIn) rating.Authorization {
	a := in.admission
	return rating.Authorization{Call: c.id, Extension: in.cdr.Extension, Node: c.server.config.Node, Tariff: a.Tariff, Unbilled: a.Unbilled,
		Limits: a.Limits, Day: in.snapshot.Day(c.started), At: c.started.Round(0),
		Ring: time.Duration(in.snapshot.Settings.RingTimeout)*time.Second + ringLease, Draft: in.cdr, Dialog: in.invite}
}

// ringLease is how long the hold of a ringing call outlives its ring timeout: the call is ours until it is settled.
const ringLease = 30 * time.Second

// onRefusal refuses the call for a reason of ours. An INVITE that began a call in another process, which runs or is over,
// is merged (RFC 3261 §8.2.2.2): that call has the record.
func (c *Call) onRefusal(err error) {
	if errors.Is(err, rating.ErrOwnedElsewhere) || errors.Is(err, rating.ErrSettled) {
		_ = c.setup.uas.Respond(482, "Loop Detected", nil, nil)
		c.state, c.settled = over, true
		c.leaveSetup()
		c.finish()
		return
	}
	if c.state == authorizing {
		c.cause = causeSystem
		c.setup.failure = c.server.rejection(err, c.setup.snapshot.Settings)
		if c.setup.failure.unexpected {
			c.log().Error("a call could not be authorized", "err", err)
		}
	}
	c.happen(onRefused)
}

// dial offers the call to the next trunk that takes it.
func (c *Call) dial() {
	u := c.setup
	if u.candidates == nil {
		u.candidates = c.server.trunks.order(u.admission.Route.Trunks)
		c.set(ringTimer, c.started.Add(c.server.seconds(u.snapshot.Settings.RingTimeout)))
	}
	for len(u.candidates) > 0 {
		next := u.candidates[0]
		u.candidates = u.candidates[1:]
		t := next.trunk
		if !t.reserve() {
			u.failure.keep(ourFailure(errTrunkFull))
			u.skip(t)
			continue
		}
		a, err := c.attempt(next)
		if err == nil {
			u.current = a
			c.set(silentTimer, time.Now().Add(c.server.seconds(t.config().ResponseTimeout)))
			return
		}
		t.release()
		t.silent(next.at)
		c.trunkState = nil
		c.server.calls.untag(a.dialog.LocalTag)
		c.log().Warn("a trunk could not be reached", "err", err)
		u.failure.keep(ourFailure(errTrunkGone))
	}
	c.happen(onExhausted)
}

// skip leaves out the further addresses of a trunk.
func (u *setup) skip(t *trunkState) {
	for len(u.candidates) > 0 && u.candidates[0].trunk == t {
		u.candidates = u.candidates[1:]
	}
}

// attempt is one address of a trunk that the call is offered to.
type attempt struct {
	call   *Call
	trunk  *trunkState
	dialog dialog
	client *transaction.Client
	branch string
	flow   transport.Flow
	index  int      // in the CDR's list
	asked  int      // how often it was challenged
	login  []byte   // credentials of the INVITE, which the ACK of its 2xx repeats
	out    outgoing // the INVITE, to be sent again with credentials
}

// attempt sends the INVITE to a trunk.
func (c *Call) attempt(to candidate) (*attempt, error) {
	u, t := c.setup, to.trunk
	config := t.config()
	c.trunkState, c.cdr.Trunk, c.cdr.Sent = t, config.Name, u.admission.Route.Sent
	if n := len(c.cdr.Attempts); n > 0 { // it has gone on from that one
		c.server.metrics.attempts.WithLabelValues(c.cdr.Attempts[n-1].Trunk, string(c.cdr.PassedOver(n-1))).Inc()
	}
	c.cdr.Attempts = append(c.cdr.Attempts, rating.Attempt{Trunk: config.Name})
	a := &attempt{call: c, trunk: t, index: len(c.cdr.Attempts) - 1, branch: transaction.NewBranch()}
	if !to.at.IsValid() {
		return a, fmt.Errorf("the address of trunk %s is not known", config.Name)
	}
	flow, err := t.flowTo(to.at)
	if err != nil {
		return a, err
	}
	a.flow = flow
	a.dialog = c.trunkDialog(config, flow)
	a.dialog.LocalSeq, a.dialog.InviteSeq = 1, 1
	c.cdr.CallIDB = a.dialog.CallID
	c.server.calls.tag(a.dialog.LocalTag, c, trunkSide)
	a.out = outgoing{method: sip.INVITE, contact: true, headers: c.inviteHeaders(config, a.dialog), body: u.invite.Body(), hops: c.hops()}
	return a, a.send(nil)
}

// send sends the INVITE, with credentials where the trunk has asked for some.
func (a *attempt) send(credentials []byte) error {
	a.out.seq = a.dialog.LocalSeq
	o := a.out
	o.headers = slices.Concat(a.out.headers, credentials)
	client, err := a.call.server.tx.Begin(transaction.Outgoing{Method: sip.INVITE, Branch: a.branch, Flow: a.flow,
		Message: a.dialog.compose(o, a.branch, a.flow), Ack: a.dialog.refusalAck(o.seq, a.branch, a.flow)}, a)
	if err != nil {
		return err
	}
	a.client = client
	return nil
}

// hops is the Max-Forwards of the INVITE that goes on (RFC 3261 §16.6 for a proxy; a B2BUA does the same, so that a loop
// through it ends).
func (c *Call) hops() int64 {
	if m := c.setup.invite.MaxForwards(); m != nil && m.Val() <= maxForwards {
		return max(1, int64(m.Val())-1)
	}
	return maxForwards
}

// Response implements transaction.ClientUser.
func (a *attempt) Response(_ *transaction.Client, res *sip.Response, m transport.Message) {
	e := func(c *Call) { c.onTrunkResponse(a, res, m) }
	if res.IsProvisional() {
		a.call.postMail(e)
	} else {
		a.call.post(e)
	}
}

// Failed implements transaction.ClientUser.
func (a *attempt) Failed(*transaction.Client, error) {
	a.call.post(func(c *Call) {
		if a.isCurrent() {
			c.onDead()
		}
	})
}

// isCurrent reports whether the call still wants to hear of the attempt.
func (a *attempt) isCurrent() bool {
	c := a.call
	return c.setup != nil && c.setup.current == a && (c.state == calling || c.state == ringing)
}

// onTrunkResponse takes what a trunk says to our INVITE.
func (c *Call) onTrunkResponse(a *attempt, res *sip.Response, m transport.Message) {
	if !a.isCurrent() {
		if res.IsSuccess() {
			c.server.endStray(res, m)
		}
		return
	}
	c.clear(silentTimer)
	c.cdr.Attempts[a.index].Code = res.StatusCode
	switch {
	case res.StatusCode == sip.StatusTrying:
	case res.IsProvisional():
		c.onProvisional(a, res, m)
	case res.IsSuccess():
		c.onAnswer(a, res, m)
	case c.satisfy(a, res):
	default:
		c.onTrunkRefusal(a, res)
	}
}

func (c *Call) onProvisional(a *attempt, res *sip.Response, m transport.Message) {
	if c.cdr.PostDial == 0 {
		c.cdr.PostDial = max(1, time.Since(c.started).Milliseconds())
		c.server.metrics.postDial.WithLabelValues(a.trunk.config().Name).Observe(float64(c.cdr.PostDial) / 1000) // exactly what the CDR says
	}
	c.enterEarly(a, res, m)
	c.setup.accepted = res
	c.happen(onRinging)
	c.setup.accepted = nil
}

// ring passes an 18x on, with its early media.
func (c *Call) ring() {
	u := c.setup
	res := u.accepted
	h := make(text, 0, 512)
	h = append(h, u.routeSet...)
	h.header("Contact", c.caller.Contact)
	if line, pass := c.translate(u.current, res); pass {
		h = append(h, line...)
		h.passed(res.Headers(), fromTrunk)
	} else {
		h.passed(res.Headers(), fromTrunk, "require")
	}
	if err := u.uas.Respond(res.StatusCode, phrase(res), h, res.Body()); err != nil {
		c.log().Debug("a provisional answer could not be passed on", "err", err)
	}
}

// onTrunkRefusal takes a final response that is no 2xx.
func (c *Call) onTrunkRefusal(a *attempt, res *sip.Response) {
	code := res.StatusCode
	if rating.Passable(code) {
		c.setup.failure = trunkFailure(res)
	} else {
		c.setup.failure.keep(ourFailure(rating.ErrTrunk))
	}
	failsOver := a.trunk.config().FailsOver(code)
	if failsOver {
		c.setup.failure.reason = rating.ReasonTrunk
	}
	if rest := retryAfterOf(res); rest > 0 && code == sip.StatusServiceUnavailable {
		a.trunk.rest(rest)
	}
	if code != sip.StatusServiceUnavailable && code != sip.StatusRequestTimeout { // another address would say the same (RFC 3263 §4.3)
		c.setup.skip(a.trunk)
	}
	c.over(a)
	if failsOver && len(c.setup.candidates) > 0 {
		c.happen(onDeclined)
		return
	}
	c.cause = causeCallee
	c.happen(onExhausted)
}

// onSilence: the trunk has given no sign at all within its response_timeout.
func (c *Call) onSilence() {
	if c.state == calling && c.setup.current != nil {
		a := c.setup.current
		c.server.orphan(a)
		c.onDead()
	}
}

// onDead goes on to the next trunk after one that gave no answer.
func (c *Call) onDead() {
	c.setup.failure.keep(ourFailure(errTrunkGone))
	c.setup.current.trunk.silent(c.setup.current.flow.Remote)
	c.over(c.setup.current)
	if len(c.setup.candidates) > 0 && c.state == calling {
		c.happen(onDeclined)
		return
	}
	c.cause = causeCallee
	c.happen(onExhausted)
}

// over forgets an attempt that did not lead to an answer.
func (c *Call) over(a *attempt) {
	c.clear(silentTimer)
	c.setup.current = nil
	c.server.calls.untag(a.dialog.LocalTag)
	c.releaseTrunk()
}

func (c *Call) releaseTrunk() {
	if c.trunkState != nil {
		c.trunkState.release()
		c.trunkState = nil
	}
}

// abandon cancels the INVITE that is out. Whatever comes of it, nobody will hear of it.
func (c *Call) abandon() {
	if a := c.setup.current; a != nil {
		c.server.orphan(a)
		c.over(a)
	}
}
