package rating

import (
	"cmp"
	"slices"
	"time"
)

// LiveState is how far a running call has come.
type LiveState string

// The states of a running call that an operator sees.
const (
	Ringing LiveState = "ringing" // authorised, not answered yet
	Talking LiveState = "talking"
)

// LiveCall is a running call as an operator sees it.
type LiveCall struct {
	ID         CallID     `json:"id"`
	Extension  string     `json:"extension"`
	Username   string     `json:"username"`
	Dialled    string     `json:"dialled"`
	Trunk      string     `json:"trunk"` // that rings or answered; "" = none tried yet
	State      LiveState  `json:"state"`
	StartedAt  time.Time  `json:"started_at"`
	AnsweredAt *time.Time `json:"answered_at"`
	CostSoFar  Money      `json:"cost_so_far"`
	Held       Money      `json:"held"`
	DeadlineAt *time.Time `json:"deadline_at"` // today's money ends then; nil = no end in sight
	Node       string     `json:"node"`

	CallIDA string `json:"-"` // Call-ID of the caller's leg
	Tariff  Tariff `json:"-"` // zero where the call is not billed
	Units   int64  `json:"-"` // that the hold pays for
}

// NewLiveCall returns a hold as an operator sees it. Reckon adds cost and deadline.
func NewLiveCall(h Hold) LiveCall {
	c := LiveCall{ID: h.Call, Extension: h.Extension, Username: h.Draft.Username, Dialled: h.Draft.Dialled, Trunk: h.Draft.Trunk, CallIDA: h.Draft.CallIDA,
		State: Ringing, StartedAt: h.Started, Held: h.Amount, Node: h.Node, Units: h.Units}
	if h.Unbilled == Billed {
		c.Tariff = h.Tariff
	}
	if !h.Answered.IsZero() {
		c.State, c.AnsweredAt = Talking, &h.Answered
	}
	return c
}

// costSoFar returns what a call costs if it ends at now: the units begun, and never more than those that are paid for.
// It is 0 while the call rings.
func (c LiveCall) costSoFar(now time.Time) Money {
	if c.AnsweredAt == nil {
		return 0
	}
	begun := c.Tariff.Units(BilledSeconds(now.Sub(*c.AnsweredAt)))
	return c.Tariff.CostOfUnits(min(begun, c.Units))
}

// horizon is how far a deadline is looked for: no call lasts longer.
const horizon = maxCallSeconds * time.Second

// Reckon fills in the cost so far and the deadline of all running calls of one account. available is what the account
// has beside what is held. The calls buy their next units from it in the order in which these begin, so a deadline is
// right for many calls at once: it is the instant at which the first unit begins that cannot be paid any more. Calls
// that ring buy nothing yet, and have no deadline.
func Reckon(calls []LiveCall, available Money, now time.Time) {
	buyers := make([]*buyer, 0, len(calls))
	for i := range calls {
		c := &calls[i]
		c.CostSoFar, c.DeadlineAt = c.costSoFar(now), nil
		if c.AnsweredAt != nil && c.Tariff.metered() {
			buyers = append(buyers, &buyer{call: c, units: c.Units, most: c.Tariff.Units(maxCallSeconds)})
		}
	}
	slices.SortFunc(buyers, func(a, b *buyer) int { return cmp.Compare(a.call.ID, b.call.ID) })
	for {
		buyers = dropThePoor(buyers, available)
		at, ok := broke(buyers, available)
		if !ok {
			return
		}
		for _, b := range buyers {
			available -= b.buyBefore(at)
		}
		for _, b := range buyers { // at the instant itself, those that still can
			if b.next().Equal(at) && b.price() <= available {
				available -= b.price()
				b.units++
			}
		}
	}
}

// buyer is a talking call that buys unit after unit.
type buyer struct {
	call  *LiveCall
	units int64 // bought so far
	most  int64 // no call lasts longer
}

func (b *buyer) price() Money { return b.call.Tariff.PerUnit }

// next is the instant at which the next unit begins.
func (b *buyer) next() time.Time {
	paid, _ := b.call.Tariff.PaidFor(b.units)
	return b.call.AnsweredAt.Add(time.Duration(min(paid, maxCallSeconds)) * time.Second)
}

// unitsBefore counts the units to be bought that begin before an instant.
func (b *buyer) unitsBefore(at time.Time) int64 {
	talked := at.Sub(*b.call.AnsweredAt)
	if talked <= 0 {
		return 0
	}
	return max(0, min(b.call.Tariff.Units(BilledSeconds(talked)), b.most)-b.units)
}

// buyBefore buys them and returns what they cost.
func (b *buyer) buyBefore(at time.Time) Money {
	n := b.unitsBefore(at)
	b.units += n
	return Money(n) * b.price()
}

// dropThePoor gives every call that cannot buy its next unit its deadline, and returns the others. Money that is
// gone does not come back, so there are no more rounds than there are prices.
func dropThePoor(buyers []*buyer, available Money) []*buyer {
	return slices.DeleteFunc(buyers, func(b *buyer) bool {
		if b.units >= b.most {
			return true
		}
		if b.price() <= available {
			return false
		}
		deadline := b.next()
		b.call.DeadlineAt = &deadline
		return true
	})
}

// broke returns the earliest instant at which not every unit that begins then or before can be paid.
func broke(buyers []*buyer, available Money) (time.Time, bool) {
	if len(buyers) == 0 {
		return time.Time{}, false
	}
	first := slices.MinFunc(buyers, func(a, b *buyer) int { return a.next().Compare(b.next()) }).next()
	enough := func(at time.Time) bool { // for all units that begin at `at` or before
		left := available
		for _, b := range buyers {
			n, after := b.unitsBefore(at.Add(1)), left
			if after = left - Money(n)*b.price(); after < 0 {
				return false
			}
			left = after
		}
		return true
	}
	if !enough(first) {
		return first, true
	}
	low, high := time.Duration(0), 2*horizon // enough at low, not at high
	if enough(first.Add(high)) {
		return time.Time{}, false
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; enough(first.Add(middle)) {
			low = middle
		} else {
			high = middle
		}
	}
	return first.Add(high), true
}
