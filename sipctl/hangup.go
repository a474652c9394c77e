package sipctl

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// onCancelled: the caller hung up before our 200.
func (c *Call) onCancelled() {
	if c.state < answered && c.state != withdrawn {
		c.cause = causeCaller
		c.happen(onCancel)
	}
}

// refuse gives the caller his final answer, where it is no 2xx.
func (c *Call) refuse() {
	u := c.setup
	f := u.failure
	switch c.cause {
	case causeCaller:
		f = failure{code: 487, phrase: "Request Terminated"}
	case causeRing:
		f = failure{code: 480, phrase: "Temporarily Unavailable", headers: []byte(causeRing.reason())}
	case causeOperator:
		f = failure{code: 480, phrase: "Temporarily Unavailable", headers: []byte(causeOperator.reason()), reason: rating.ReasonUnavailable}
	case causeDrain:
		f = c.server.rejection(rating.ErrUnavailable, u.snapshot.Settings)
	default:
		if f.code == 0 {
			f = c.server.rejection(rating.ErrUnavailable, u.snapshot.Settings)
		}
	}
	c.cdr.SIPCode, c.cdr.Reason, c.cdr.Disposition = f.code, f.reason, f.disposition(c.cause)
	c.server.metrics.invites.WithLabelValues(f.result(c.cause)).Inc()
	if err := u.uas.Respond(f.code, f.phrase, f.headers, f.body); err != nil {
		c.log().Debug("a refusal could not be sent", "err", err) // the caller repeats his INVITE
	}
}

// hangUpTrunk ends the 2xx that the caller will not hear of.
func (c *Call) hangUpTrunk() {
	c.sendAck(nil, nil)
	c.answered = time.Time{}
	c.sendBye(trunkSide)
}

// byeTrunk hangs up at the trunk.
func (c *Call) byeTrunk() {
	c.sendBye(trunkSide)
}

// byeCaller hangs up at the caller, once his ACK has come or will not come (RFC 3261 §15).
func (c *Call) byeCaller() {
	if c.unacked {
		c.owed = true
		c.waitForByes()
		return
	}
	c.sendBye(callerSide)
}

// sendBye sends our BYE in one leg, once.
func (c *Call) sendBye(s side) {
	this, _ := c.leg(s)
	if this.byed {
		return
	}
	this.byed = true
	if s == callerSide {
		c.owed = false
	}
	h := append(text(c.cause.reason()), c.byeHeaders...)
	c.byes++
	if _, _, err := c.begin(this, outgoing{method: sip.BYE, headers: h, body: c.byeBody}, byeUser{c}); err != nil {
		c.log().Warn("BYE could not be sent", "err", err)
		c.byes--
	}
	c.waitForByes()
}

// waitForByes settles when every BYE is answered, or has been waited for.
func (c *Call) waitForByes() {
	if c.state > ending {
		return
	}
	if c.byes == 0 {
		c.post(func(c *Call) {
			if c.byes == 0 {
				c.happen(onByesDone)
			}
		})
		return
	}
	c.set(byeTimer, time.Now().Add(4*c.server.config.Timers.T1))
}

// byeUser hears what becomes of a BYE.
type byeUser struct{ call *Call }

// Response implements transaction.ClientUser.
func (b byeUser) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
	if !res.IsProvisional() {
		b.done()
	}
}

// Failed implements transaction.ClientUser.
func (b byeUser) Failed(*transaction.Client, error) { b.done() }

func (b byeUser) done() {
	b.call.post(func(c *Call) {
		c.byes--
		if c.byes == 0 {
			c.happen(onByesDone)
		}
		c.finish()
	})
}

// file writes the record of a call that the ledger never let in.
func (c *Call) file() {
	c.endNow(time.Now())
	cdr := c.final()
	c.settled = true
	c.server.refusals.add(cdr)
	c.server.count(cdr, 0)
	c.leaveSetup()
	c.finish()
}

// settle pays for the call and files its record: once, whatever happens to the store.
func (c *Call) settle() {
	c.endNow(time.Now())
	c.clear(byeTimer)
	c.clear(ringTimer)
	c.clear(silentTimer)
	cdr := c.final()
	c.server.count(cdr, c.talked())
	c.server.logEnd(cdr, c.talked())
	c.countAttempt(cdr)
	c.releaseTrunk()
	s := rating.Settlement{Call: c.id, Node: c.server.config.Node, Ended: c.ended.Round(0), Talked: c.talked(), CDR: cdr}
	if !c.answered.IsZero() {
		s.Answered = c.wallAnswered()
	}
	entry := SpoolEntry{Settle: &s}
	if c.unheld {
		entry = SpoolEntry{File: &cdr}
	}
	c.leaveSetup()
	c.aside(func() {
		c.server.commit(entry)
		c.deliver(func(c *Call) {
			c.settled = true
			c.finish()
		})
	})
}

// talked is how long the call lasted: for one that was cut, what was paid for.
func (c *Call) talked() time.Duration {
	switch {
	case c.answered.IsZero():
		return 0
	case c.cut > 0 && (c.cause == causeCredit || c.cause == causeLimit || c.cause == causeStoreLost):
		return c.cut
	case c.cause == causeTrunkDead:
		return max(0, c.trunk.heard.Sub(c.answered))
	}
	return c.ended.Sub(c.answered)
}

// leaveSetup lets go of what only the set-up needed.
func (c *Call) leaveSetup() { c.setup = nil }

// commit brings a step into the ledger, or into the spool, and does not return before it is safe in one of the two, unless
// the server ends: then the lease of the call lapses, and the ledger settles it from its own record.
func (s *Server) commit(e SpoolEntry) {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		ctx, cancel := context.WithTimeout(s.background, settleWait)
		err := s.apply(ctx, e)
		cancel()
		if err == nil {
			return
		}
		if errors.Is(err, rating.ErrOwnedElsewhere) {
			s.log.Warn("a call that another node has taken over is settled there", "call_id", e.id())
			return
		}
		if isRefusal(err) {
			s.log.Error("the ledger refuses a record", "call_id", e.id(), "err", err)
			return
		}
		if spoolErr := s.deps.Spool.Put(e); spoolErr == nil {
			s.log.Warn("a record goes to the spool", "call_id", e.id(), "err", err)
			return
		} else {
			s.log.Error("neither store nor spool takes a record", "call_id", e.id(), "err", err, "spool", spoolErr)
		}
		select {
		case <-s.background.Done():
			return
		case <-time.After(pause):
		}
	}
}

// apply runs one step on the ledger.
func (s *Server) apply(ctx context.Context, e SpoolEntry) error {
	var err error
	switch {
	case e.Answer != nil:
		_, err = s.deps.Ledger.Answer(ctx, *e.Answer)
	case e.Settle != nil:
		err = s.settle(ctx, *e.Settle)
	case e.File != nil:
		err = s.file(ctx, *e.File)
	}
	return err
}

// settle ends a call in the ledger. A store that has lost the call, by a failover or a wipe, can charge nobody for it any
// more: its record is filed without cost, and loudly.
func (s *Server) settle(ctx context.Context, settlement rating.Settlement) error {
	_, err := s.deps.Ledger.Settle(ctx, settlement)
	if !errors.Is(err, rating.ErrNoCall) {
		return err
	}
	cdr := settlement.CDR
	if !settlement.Answered.IsZero() {
		cdr.Duration = rating.BilledSeconds(max(settlement.Talked, settlement.Ended.Sub(settlement.Answered)))
	}
	s.log.Error("the store has lost a call: it is filed without cost", "call_id", cdr.ID, "account", cdr.Extension, "seconds", cdr.Duration)
	return s.deps.Ledger.File(ctx, cdr)
}

// file files the CDR of a call that was never authorised. Where the ledger knows the call after all, an authorization that
// we had given up has arrived late: it is settled, so that it holds nothing.
func (s *Server) file(ctx context.Context, cdr rating.CDR) error {
	err := s.deps.Ledger.File(ctx, cdr)
	if !errors.Is(err, rating.ErrConflict) {
		return err
	}
	late := rating.Settlement{Call: cdr.ID, Node: s.config.Node, Talked: -1, CDR: cdr}
	if cdr.AnsweredAt != nil && cdr.EndedAt != nil {
		late.Answered, late.Ended = *cdr.AnsweredAt, *cdr.EndedAt
	}
	_, err = s.deps.Ledger.Settle(ctx, late)
	return err
}

func (e SpoolEntry) id() rating.CallID {
	switch {
	case e.Answer != nil:
		return e.Answer.Call
	case e.Settle != nil:
		return e.Settle.Call
	case e.File != nil:
		return e.File.ID
	}
	return ""
}

// Replay hands an entry of the spool to the ledger: it is what the spool's owner passes to it.
func (s *Server) Replay(ctx context.Context, e SpoolEntry) error { return s.apply(ctx, e) }

// Refused reports whether an error of Replay is for good: the store has said no, or has something in the call's place that
// nobody can read, rather than not replied. Such an entry must not keep the others waiting.
func Refused(err error) bool {
	silent := errors.Is(err, rating.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	return isRefusal(err) || !silent
}
