package ledgertest

import (
	"errors"

	"tollgate/rating"
)

// model is the ledger's rules once more, in the plainest form: one goroutine, one map, no store. Random work on a
// ledger must give the same answers, step by step.
type model struct {
	accounts map[string]*modelAccount
	calls    map[rating.CallID]*modelCall
}

type modelAccount struct {
	rating.Account
	spent map[string]rating.Money // by day
}

type modelCall struct {
	rating.Authorization
	units    int64
	answered bool
	talked   int64 // seconds between answer and now, whole
	result   *rating.Settled
}

func newModel() *model {
	return &model{map[string]*modelAccount{}, map[rating.CallID]*modelCall{}}
}

func (m *model) open(extension string, t rating.Terms) {
	m.accounts[extension] = &modelAccount{rating.Account{Extension: extension, Terms: t, TermsVersion: 1}, map[string]rating.Money{}}
}

// rich reports whether an account can pay every unit that all its calls may begin within two horizons.
func (m *model) rich(a *modelAccount, funds rating.Money) bool {
	var burn rating.Money
	for _, c := range m.calls {
		if c.result == nil && c.Extension == a.Extension && c.Tariff.PerUnit > 0 {
			burn += rating.Money(120/c.Tariff.BillingUnit+1) * c.Tariff.PerUnit
		}
	}
	return funds >= burn
}

// funds are what a call may use: what is available, and what its daily limit leaves.
func (m *model) funds(a *modelAccount, c *modelCall) rating.Money {
	funds := a.Available()
	if limit := c.Limits.DailySpend; limit > 0 {
		funds = min(funds, limit-a.spent[c.Day])
	}
	return funds
}

func (m *model) hold(a *modelAccount, c *modelCall, amount rating.Money) {
	a.Held += amount
	a.spent[c.Day] += amount
}

func (c *modelCall) held() rating.Money {
	if c.Unbilled != rating.Billed {
		return 0
	}
	return c.Tariff.CostOfUnits(c.units)
}

// shown is what a grant says is available.
func shown(a *modelAccount) rating.Money { return min(a.Available(), rating.MaxMoney) }

func (m *model) grant(c *modelCall) rating.Grant {
	return rating.Grant{Units: c.units, Held: c.held(), Available: shown(m.accounts[c.Extension])}
}

func (m *model) authorize(r rating.Authorization) (rating.Grant, error) {
	a := m.accounts[r.Extension]
	if c := m.calls[r.Call]; c != nil {
		if c.result != nil {
			return rating.Grant{Settled: true}, rating.ErrSettled
		}
		g := m.grant(c)
		g.Tariff, g.Unbilled, g.Answered = c.Tariff, c.Unbilled, c.answered
		return g, nil
	}
	refused := rating.Grant{Available: shown(a)}
	if a.Status == rating.Locked {
		return rating.Grant{}, rating.ErrLocked
	}
	if r.Limits.ConcurrentCalls > 0 && a.ActiveCalls >= r.Limits.ConcurrentCalls {
		return refused, rating.ErrLimit
	}
	c := &modelCall{Authorization: r, units: r.Tariff.FirstUnits()}
	if r.Unbilled == rating.Billed {
		first := r.Tariff.FirstCharge()
		if first > a.Available() {
			return refused, rating.ErrNoCredit
		}
		if first > m.funds(a, c) {
			return refused, rating.ErrLimit
		}
		m.hold(a, c, first)
	}
	m.calls[r.Call] = c
	a.ActiveCalls++
	g := m.grant(c)
	g.Tariff, g.Unbilled = c.Tariff, c.Unbilled
	return g, nil
}

// running returns a call that is not over, or how the ledger says that it is.
func (m *model) running(id rating.CallID) (*modelCall, *modelAccount, rating.Grant, error) {
	c := m.calls[id]
	switch {
	case c == nil:
		return nil, nil, rating.Grant{}, rating.ErrNoCall
	case c.result != nil:
		return nil, nil, rating.Grant{Settled: true}, nil
	}
	return c, m.accounts[c.Extension], rating.Grant{}, nil
}

func (m *model) answer(id rating.CallID, talked int64) (rating.Grant, error) {
	c, a, over, err := m.running(id)
	if c == nil || c.answered {
		if c != nil {
			over = m.grant(c)
		}
		return over, err
	}
	c.answered, c.talked = true, talked
	if t := c.Tariff; c.Unbilled == rating.Billed && t.PerUnit > 0 {
		ahead := rating.Money(max(0, floorDiv(60-t.InitialTime, t.BillingUnit)-c.units)) * t.PerUnit
		if funds := m.funds(a, c); m.rich(a, funds) && funds >= ahead {
			m.hold(a, c, ahead)
			c.units += int64(ahead / t.PerUnit)
		}
	}
	return m.grant(c), nil
}

func (m *model) extend(id rating.CallID, have int64) (rating.Grant, error) {
	c, a, over, err := m.running(id)
	if c == nil {
		return over, err
	}
	t := c.Tariff
	if c.Unbilled != rating.Billed || c.units > have || t.PerUnit == 0 {
		return m.grant(c), nil
	}
	funds := m.funds(a, c)
	if t.PerUnit > a.Available() {
		return m.grant(c), rating.ErrNoCredit
	}
	if t.PerUnit > funds {
		return m.grant(c), rating.ErrLimit
	}
	count, most := int64(1), 60/t.BillingUnit
	if c.answered && most > 1 && m.rich(a, funds-t.PerUnit) && funds >= rating.Money(most)*t.PerUnit {
		ahead := floorDiv(c.talked+60-t.InitialTime, t.BillingUnit) - c.units
		count = max(1, min(ahead, most))
	}
	c.units += count
	m.hold(a, c, rating.Money(count)*t.PerUnit)
	return m.grant(c), nil
}

func (m *model) settle(id rating.CallID, seconds int64) (rating.Settled, error) {
	c := m.calls[id]
	if c == nil {
		return rating.Settled{}, rating.ErrNoCall
	}
	if c.result != nil {
		return *c.result, nil
	}
	a := m.accounts[c.Extension]
	s := rating.Settled{Duration: seconds}
	if t := c.Tariff; seconds > 0 && c.Unbilled == rating.Billed {
		if paid, bounded := t.PaidFor(c.units); bounded && seconds > paid {
			s.Duration = paid
		}
		s.Units, s.Cost = t.Units(s.Duration), t.Cost(s.Duration)
	}
	m.hold(a, c, s.Cost-c.held())
	a.Held -= s.Cost
	a.Balance -= s.Cost
	a.ActiveCalls--
	a.Seq++
	s.Balance = a.Balance
	c.result = &s
	return s, nil
}

func (m *model) recharge(r rating.Recharge) error {
	for _, p := range r.Payees {
		a := m.accounts[p.Extension]
		if r.Amount < 0 && a.Available()+r.Amount < 0 {
			return rating.ErrNoCredit
		}
		if r.Amount > 0 && (!(a.Balance + r.Amount).InRange() || !(a.TotalRecharges + r.Amount).InRange()) {
			return rating.ErrRange
		}
	}
	for _, p := range r.Payees {
		a := m.accounts[p.Extension]
		a.Balance += r.Amount
		a.TotalRecharges += max(0, r.Amount)
		a.Seq++
	}
	return nil
}

func (m *model) setTerms(extension string, t rating.Terms, version int64) {
	a := m.accounts[extension]
	if version <= a.TermsVersion {
		return
	}
	if t.PaymentType != a.PaymentType {
		a.TotalRecharges = 0
		a.Seq++
	}
	a.Terms, a.TermsVersion = t, version
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// sameError compares what two ledgers refuse with.
func sameError(got, want error) bool {
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}
