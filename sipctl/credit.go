package sipctl

import (
	"errors"
	"time"

	"tollgate/rating"
)

// The timing of the credit guard.
const (
	poorLead   = 300 * time.Millisecond // a poor call asks this long before its money ends, then once more at the end
	richLead   = 20 * time.Second       // a rich call asks up to this early
	retryEvery = time.Second            // a rich call whose store does not reply asks again, until its money ends
	replyWait  = 200 * time.Millisecond // of a question asked at the end; later is a cut
	lookAhead  = 60                     // seconds: an account that can pay as much more is rich
)

// credit watches the money of one talking call. It is pure: the call asks next for what is to be done and when, and
// reports how it went.
//
// Time is counted from the answer on the monotonic clock. The first unit that is not paid begins at the boundary, and
// there the call is cut: never before, because until then it is paid; at once, because from then on it is not.
type credit struct {
	tariff rating.Tariff
	billed bool
	limit  int64 // seconds that the call may talk; 0 = no limit

	units   int64         // paid for
	rich    bool          // the account can pay a long while more, as far as we know
	asked   time.Duration // when the question that is out, or the last one, was asked
	pending bool          // it is out
	last    bool          // it was the one at the boundary
	nextAsk time.Duration // when to ask, or ask again
	refusal error         // the answer to the last question, nil where it was granted
}

// creditStep is what is to be done.
type creditStep uint8

const (
	creditNothing creditStep = iota // talk on without end, or until the answer comes
	creditExtend                    // ask for the next units
	creditLast                      // ask once more, for an answer within replyWait
	creditCut
)

// boundary is when what is paid ends; ok is false where it does not.
func (g *credit) boundary() (time.Duration, bool) {
	if !g.billed {
		return 0, false
	}
	paid, ok := g.tariff.PaidFor(g.units)
	return time.Duration(paid) * time.Second, ok
}

// next returns what is to be done next and when; when is 0 with creditNothing.
func (g *credit) next() (creditStep, time.Duration) {
	end, bounded := g.boundary()
	limit := time.Duration(g.limit) * time.Second
	if g.limit > 0 && (!bounded || limit <= end) {
		return creditCut, limit
	}
	switch {
	case !bounded:
		return creditNothing, 0
	case g.pending && g.last:
		return creditCut, max(end, g.asked) + replyWait
	case g.pending:
		return creditLast, end // a question that is out does not keep us from asking at the end
	case g.last:
		return creditCut, end
	case g.nextAsk < end:
		return creditExtend, g.nextAsk
	}
	return creditLast, end
}

// overdue says when a step that was due at due is done too late to matter: a process that slept asks no more.
func (g *credit) ask(step creditStep, now time.Duration) {
	g.pending, g.asked, g.last = true, now, step == creditLast
}

// granted notes what the ledger gave. Units that it gave before are no news.
func (g *credit) granted(grant rating.Grant, now time.Duration) {
	g.pending = false
	if grant.Units <= g.units {
		g.refused(rating.ErrNoCredit, grant, now)
		return
	}
	g.units, g.last, g.refusal = grant.Units, false, nil
	ahead, ok := g.tariff.PerUnit.Times(g.tariff.UnitsAhead(lookAhead))
	g.rich = ok == nil && grant.Available >= ahead
	g.plan(now)
}

// plan sets when to ask for the units after those that are paid.
func (g *credit) plan(now time.Duration) {
	end, ok := g.boundary()
	if !ok {
		return
	}
	lead := poorLead
	if g.rich {
		lead = max(poorLead, min(richLead, (end-now)/2))
	}
	g.nextAsk = max(end-lead, now)
}

// refused notes that the ledger said no, or nothing.
func (g *credit) refused(err error, _ rating.Grant, now time.Duration) {
	g.pending, g.refusal = false, err
	end, ok := g.boundary()
	if !ok {
		return
	}
	if errors.Is(err, rating.ErrNoCredit) || errors.Is(err, rating.ErrLimit) {
		g.rich = false
	}
	switch next := now + retryEvery; {
	case g.last:
	case g.rich && next < end-poorLead:
		g.nextAsk = next
	case now < end-poorLead:
		g.nextAsk = end - poorLead
	default:
		g.nextAsk = end
	}
}

// why tells what ended the money: the limit, the credit, or a store that did not reply.
func (g *credit) why() cause {
	end, bounded := g.boundary()
	switch limit := time.Duration(g.limit) * time.Second; {
	case g.limit > 0 && (!bounded || limit <= end), errors.Is(g.refusal, rating.ErrLimit):
		return causeLimit
	case g.refusal == nil || errors.Is(g.refusal, rating.ErrNoCredit):
		if g.pending {
			return causeStoreLost
		}
		return causeCredit
	}
	return causeStoreLost
}

// cutAt is how long a call that is cut has talked, by its money: to the boundary or the limit, whichever came first.
func (g *credit) cutAt() time.Duration {
	end, bounded := g.boundary()
	limit := time.Duration(g.limit) * time.Second
	if g.limit > 0 && (!bounded || limit <= end) {
		return limit
	}
	return end
}
