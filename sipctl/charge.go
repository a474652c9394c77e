package sipctl

import (
	"context"
	"errors"
	"time"

	"tollgate/rating"
)

// startCredit begins to watch the money.
func (c *Call) startCredit() {
	c.credit = credit{billed: c.setup.admission.Unbilled == rating.Billed, limit: c.limit(), units: -1} // whatever the answer brings is news
	if c.credit.billed {
		c.credit.tariff = c.setup.admission.Tariff
		c.credit.granted(c.grant, time.Since(c.answered))
	}
	c.armCredit()
}

// armCredit sets the timer for what the guard wants next.
func (c *Call) armCredit() {
	step, when := c.credit.next()
	if step == creditNothing || !c.ended.IsZero() {
		c.clear(creditTimer)
		return
	}
	c.set(creditTimer, c.answered.Add(when))
}

// onCreditTimer does what is due: asks for more, or cuts.
func (c *Call) onCreditTimer(now time.Time) {
	if c.state != answered && c.state != talking {
		return
	}
	step, when := c.credit.next()
	talked := now.Sub(c.answered)
	switch {
	case step == creditNothing:
	case talked < when:
		c.armCredit()
	case step == creditCut:
		c.cutOff(now)
	default:
		c.extend(step, talked)
		c.armCredit()
	}
}

// extend asks the ledger for the next units.
func (c *Call) extend(step creditStep, talked time.Duration) {
	c.credit.ask(step, talked)
	wait := earlyWait
	if step == creditLast {
		wait = extendWait
	}
	ask := rating.Extend{Call: c.id, Extension: c.cdr.Extension, Node: c.server.config.Node, HaveUnits: c.credit.units}
	asked := c.credit.asked
	c.aside(func() {
		ctx, cancel := context.WithTimeout(c.server.background, wait)
		defer cancel()
		grant, err := c.server.deps.Ledger.Extend(ctx, ask)
		c.deliver(func(c *Call) { c.onExtended(asked, grant, err) })
	})
}

// onExtended takes the ledger's answer. One that comes after the cut changes nothing: the settlement frees what it held.
func (c *Call) onExtended(asked time.Duration, grant rating.Grant, err error) {
	if c.state != answered && c.state != talking {
		return
	}
	now := time.Now()
	talked := now.Sub(c.answered)
	switch {
	case errors.Is(err, rating.ErrOwnedElsewhere):
		c.yield()
		return
	case grant.Settled, errors.Is(err, rating.ErrSettled), errors.Is(err, rating.ErrNoCall) && !c.spooled():
		c.log().Warn("the ledger says that the call is over", "err", err)
		c.stop(causeSystem)
		return
	case err == nil:
		c.grant = grant
		c.credit.granted(grant, talked)
	case asked == c.credit.asked:
		c.credit.refused(err, grant, talked)
		if step, when := c.credit.next(); step == creditCut && talked >= when {
			c.cutOff(now)
			return
		}
	}
	c.armCredit()
}

// spooled reports whether steps wait for the store, so that it may not know of this call yet.
func (c *Call) spooled() bool { return c.server.deps.Spool.Entries() > 0 }

// cutOff ends the call at the instant at which its money, or its time, has run out.
func (c *Call) cutOff(now time.Time) {
	why := c.credit.why()
	c.cut = c.credit.cutAt()
	late := now.Sub(c.answered) - c.cut
	c.server.metrics.cutoffs.WithLabelValues(why.String()).Inc()
	c.server.metrics.lateness.Observe(late.Seconds())
	c.logCut(why)
	c.stop(why)
}
