package sipctl

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transport"
)

// onAnswer takes the trunk's 2xx: from here on the call costs money, if the caller gets to hear of it.
func (c *Call) onAnswer(a *attempt, res *sip.Response, m transport.Message) {
	to, _ := res.To().Params.Get("tag")
	d := a.dialog
	if c.trunk.CallID == d.CallID { // PRACK and UPDATE of the early dialog have counted on
		d.LocalSeq = c.trunk.LocalSeq
		if c.trunk.RemoteTag == to {
			d.RemoteSeq = c.trunk.RemoteSeq
		}
	}
	d.RemoteTag, d.Remote = to, untagged(res.To().Value())
	d.Routes = recordRoutes(res.Headers(), true)
	d.retarget(res.Contact())
	d.Flow = a.flow
	c.trunk = leg{dialog: d, side: trunkSide, heard: m.At, peer: trunkPeer(a.trunk)}
	c.login = a.login
	c.answered = m.At
	c.setup.accepted = res
	c.lateOffer = len(c.setup.invite.Body()) == 0 && len(res.Body()) > 0
	c.session = sessionOf(res, callerSide, m.At)
	c.clear(ringTimer)
	c.happen(onAccepted)
}

// store records the answer, with both dialogs, before the caller hears of it: whatever dies from here on, somebody knows of
// the call. A store that does not reply in time is not waited for; the spool is as safe.
func (c *Call) store() {
	if c.unheld {
		c.deliverStored(c.grant, nil)
		return
	}
	at := c.answered.Round(0)
	draft := c.draft()
	draft.AnsweredAt = &at
	answer := rating.Answer{Call: c.id, Node: c.server.config.Node, At: at, Dialog: c.blob().encode(), Draft: draft}
	have := c.grant
	c.aside(func() {
		ctx, cancel := context.WithTimeout(c.server.background, answerWait)
		defer cancel()
		grant, err := c.server.deps.Ledger.Answer(ctx, answer)
		if err != nil && !isRefusal(err) {
			c.server.log.Warn("an answer goes to the spool", "call_id", c.id, "err", err)
			grant, err = have, c.server.deps.Spool.Put(SpoolEntry{Answer: &answer})
		}
		c.deliverStored(grant, err)
	})
}

// isRefusal reports whether the ledger has said no, rather than nothing.
func isRefusal(err error) bool {
	for _, known := range []error{rating.ErrNoCall, rating.ErrSettled, rating.ErrOwnedElsewhere, rating.ErrConflict} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

func (c *Call) deliverStored(grant rating.Grant, err error) {
	c.deliver(func(c *Call) {
		switch {
		case c.state != storing:
		case errors.Is(err, rating.ErrOwnedElsewhere):
			c.yieldAnswer()
		case err != nil:
			c.log().Error("an answer could not be recorded, so the call is not let through", "err", err)
			c.stop(causeSystem)
		case grant.Settled:
			c.stop(causeSystem)
		default:
			c.grant = grant
			c.happen(onStored)
		}
	})
}

// blob is the call as the store keeps it.
func (c *Call) blob() blob {
	return blob{Caller: c.caller.dialog, Trunk: c.trunk.dialog, Limit: c.limit(), Digest: c.digest, Late: c.lateOffer, Session: c.session, Answer: c.unansweredNow()}
}

// unansweredNow is what the caller is about to be told, while he does not know it; nil otherwise.
func (c *Call) unansweredNow() *unanswered {
	if c.state != storing || c.setup == nil || c.setup.accepted == nil || c.setup.uas.Flow().Stream() {
		return nil
	}
	res := c.setup.accepted
	return &unanswered{Version: dialogVersion, Invite: c.setup.uas.Save(), Code: res.StatusCode, Phrase: phrase(res), Headers: string(c.acceptance(res)), Body: res.Body()}
}

// acceptance is the head of our 2xx.
func (c *Call) acceptance(res *sip.Response) text {
	h := make(text, 0, 512)
	h = append(h, c.setup.routeSet...)
	h.header("Contact", c.caller.Contact)
	h.header("Allow", allowed)
	h.passed(res.Headers(), fromTrunk)
	return h
}

// limit is how many seconds the call may talk.
func (c *Call) limit() int64 {
	if c.setup == nil {
		return c.credit.limit
	}
	if c.setup.admission.Emergency() {
		return 0
	}
	limit := c.setup.snapshot.Settings.MaxCallSeconds
	if own := c.setup.admission.Limits.CallSeconds; own > 0 {
		limit = min(limit, own)
	}
	return limit
}

// connect passes the 2xx on. The caller talks, the money runs.
func (c *Call) connect() {
	u, res := c.setup, c.setup.accepted
	h := c.acceptance(res)
	c.unacked = true
	c.cdr.SIPCode = res.StatusCode
	c.logAnswered()
	c.server.metrics.invites.WithLabelValues(string(rating.Answered)).Inc()
	c.server.metrics.attempts.WithLabelValues(c.cdr.Trunk, string(rating.OutcomeAnswered)).Inc()
	if err := u.uas.Respond(res.StatusCode, phrase(res), h, res.Body()); err != nil {
		c.log().Warn("an answer could not be sent yet", "err", err) // it is repeated until the ACK
	}
	if !c.lateOffer {
		c.sendAck(nil, nil)
	}
	c.uas = u.uas
	c.startCredit()
	c.caller.heard = time.Now()
	c.keepaliveEvery = c.server.seconds(u.snapshot.Settings.KeepaliveInterval)
	c.setup = nil
	if c.session.on() {
		c.set(sessionTimer, c.session.end())
	}
	c.armAlive()
}

// sendAck acknowledges the trunk's 2xx, and keeps the ACK for its copies.
func (c *Call) sendAck(headers, body []byte) {
	c.ackFlow, c.ack = c.trunk.dialog.ack(c.trunk.InviteSeq, slices.Concat(headers, c.login), body)
	c.login = nil
	if err := c.server.send(c.ackFlow, c.ack); err != nil {
		c.log().Warn("the trunk's answer could not be acknowledged", "err", err)
	}
}

// onAck takes an ACK of the caller's for our 200, or for a re-INVITE (RFC 3261 §13.2.2.4).
func (c *Call) onAck(s side, ack *sip.Request, m transport.Message) {
	this, _ := c.leg(s)
	this.heard = m.At
	if c.reinvite != nil && c.reinvite.acknowledges(s, ack) {
		c.relayAck(ack)
		return
	}
	if s == callerSide && c.uas != nil && !c.unacked { // a copy of the 2xx, from the process after (unanswered.go)
		c.uas.Confirm()
		c.uas = nil
	}
	if s != callerSide || !c.unacked && !c.lateOffer {
		return
	}
	c.unacked = false
	c.lateAck = ack
	c.happen(onAck)
	c.lateAck = nil
	if c.owed {
		c.sendBye(callerSide)
	}
	c.finish()
}

// confirm ends the repetitions of our 200, and passes the ACK on where it carries the answer to the trunk's offer.
func (c *Call) confirm() {
	if c.uas != nil {
		c.uas.Confirm()
		c.uas = nil
	}
	c.unacked = false
	if !c.lateOffer {
		return
	}
	c.lateOffer = false
	var h text
	var body []byte
	if c.lateAck != nil {
		h.passed(c.lateAck.Headers(), c.origin(callerSide))
		body = c.lateAck.Body()
	}
	c.sendAck(h, body)
}

// onNoAck: the caller never acknowledged our 200 (RFC 3261 §13.3.1.4).
func (c *Call) onNoAck() {
	if !c.unacked {
		return
	}
	c.unacked, c.uas = false, nil
	if c.state == answered {
		c.cause = causeNoAck
		c.endNow(time.Now())
	}
	if c.owed {
		c.sendBye(callerSide)
	}
	c.happen(onNoAck)
	c.finish()
}
