package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"tollgate/rating"
	"tollgate/rating/ledger"
)

// Model drives a ledger and the model with the same random steps, and compares every answer and every account.
func Model(t *testing.T, client redis.UniversalClient) {
	l := ledgerOf(client, "gw1")
	rapid.Check(t, func(rt *rapid.T) {
		p := &pair{rt, t, l, newModel(), nil, nil}
		for range rapid.IntRange(1, 3).Draw(rt, "accounts") {
			p.openAccount()
		}
		rt.Repeat(map[string]func(*rapid.T){
			"authorize": p.authorize, "again": p.authorizeAgain, "answer": p.answer, "extend": p.extend,
			"settle": p.settle, "recharge": p.recharge, "terms": p.setTerms, "": p.compareAccounts,
		})
		for _, id := range p.ids { // let nothing run into the laws
			if c := p.model.calls[id]; c != nil && c.result == nil {
				p.settleCall(id, 1)
			}
		}
	})
}

// pair is a ledger and its model.
type pair struct {
	*rapid.T
	t          *testing.T
	ledger     *ledger.Ledger
	model      *model
	extensions []string
	ids        []rating.CallID
}

func (p *pair) openAccount() {
	e := fmt.Sprintf("m%d", number.Add(1))
	terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked}
	if err := p.ledger.SetTerms(p.t.Context(), e, terms, 1, "U", "test"); err != nil {
		p.Fatal(err)
	}
	p.model.open(e, terms)
	p.extensions = append(p.extensions, e)
}

var tariffs = rapid.Custom(func(t *rapid.T) rating.Tariff {
	return rating.Tariff{
		InitialCost: rapid.SampledFrom([]rating.Money{0, 1, 100_000, rating.MaxPrice}).Draw(t, "initial cost"),
		InitialTime: rapid.SampledFrom([]int64{0, 1, 30, 60, 90}).Draw(t, "initial time"),
		PerUnit:     rapid.SampledFrom([]rating.Money{0, 1, 20_000, 333_333}).Draw(t, "price"),
		BillingUnit: rapid.SampledFrom([]int64{1, 6, 30, 55, 60, 3600}).Draw(t, "unit"),
	}
})

func (p *pair) extension() string   { return rapid.SampledFrom(p.extensions).Draw(p.T, "extension") }
func (p *pair) call() rating.CallID { return rapid.SampledFrom(p.ids).Draw(p.T, "call") }

// anyCall is a call that there is, or skips the step.
func (p *pair) anyCall(t *rapid.T) (rating.CallID, string) {
	if len(p.ids) == 0 {
		t.Skip("no call yet")
	}
	id := p.call()
	for _, e := range p.extensions {
		if c := p.model.calls[id]; c != nil && c.Extension == e {
			return id, e
		}
	}
	t.Skip("the call was refused")
	return "", ""
}

func (p *pair) same(what string, got, want any, err, wanted error) {
	if got != want || !sameError(err, wanted) {
		p.Fatalf("%s: got %+v, %v; the model says %+v, %v", what, got, err, want, wanted)
	}
}

func (p *pair) authorize(t *rapid.T) {
	a := authorization(p.extension(), tariffs.Draw(t, "tariff"))
	if a.Tariff.Free() {
		a.Unbilled, a.Tariff = rating.FreeRate, rating.Tariff{}
	}
	a.Day = rapid.SampledFrom([]string{"2019-05-30", "2019-05-31", "2019-06-01"}).Draw(t, "day")
	a.Limits.ConcurrentCalls = rapid.SampledFrom([]int64{0, 0, 1, 5}).Draw(t, "concurrent")
	a.Limits.DailySpend = rapid.SampledFrom([]rating.Money{0, 0, 250_000, 5_000_000}).Draw(t, "daily")
	p.ids = append(p.ids, a.Call)
	want, wanted := p.model.authorize(a)
	got, err := p.ledger.Authorize(p.t.Context(), a)
	p.same("authorize", got, want, err, wanted)
}

func (p *pair) authorizeAgain(t *rapid.T) {
	id, e := p.anyCall(t)
	a := authorization(e, perSecond)
	a.Call = id
	want, wanted := p.model.authorize(a)
	got, err := p.ledger.Authorize(p.t.Context(), a)
	p.same("authorize again", got, want, err, wanted)
}

func (p *pair) answer(t *rapid.T) {
	id, e := p.anyCall(t)
	talked := rapid.Int64Range(0, 100).Draw(t, "talked")
	a := answer(id, e)
	a.At = time.Now().Add(-time.Duration(talked) * time.Second)
	want, wanted := p.model.answer(id, talked)
	got, err := p.ledger.Answer(p.t.Context(), a)
	p.same("answer", got, want, err, wanted)
}

func (p *pair) extend(t *rapid.T) {
	id, e := p.anyCall(t)
	have := max(0, p.model.calls[id].units-rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "behind"))
	want, wanted := p.model.extend(id, have)
	got, err := p.ledger.Extend(p.t.Context(), rating.Extend{Call: id, Extension: e, Node: "gw1", HaveUnits: have})
	p.same("extend", got, want, err, wanted)
}

func (p *pair) settle(t *rapid.T) {
	id, _ := p.anyCall(t)
	p.settleCall(id, rapid.SampledFrom([]int64{0, 1, 59, 60, 61, 200, 10_000}).Draw(t, "seconds"))
}

func (p *pair) settleCall(id rating.CallID, seconds int64) {
	c := p.model.calls[id]
	s := settlement(id, c.Extension, seconds)
	s.CDR.Rate = nil
	want, wanted := p.model.settle(id, seconds)
	got, err := p.ledger.Settle(p.t.Context(), s)
	p.same("settle", got, want, err, wanted)
}

func (p *pair) recharge(t *rapid.T) {
	r := recharge(rapid.SampledFrom([]rating.Money{1, 60_000, 1_000_000, 50_000_000, rating.MaxMoney, -1, -60_000, -1_000_000}).Draw(t, "amount"))
	for _, e := range p.extensions[:rapid.IntRange(1, len(p.extensions)).Draw(t, "payees")] {
		r.Payees = append(r.Payees, rating.Payee{Extension: e})
	}
	wanted := p.model.recharge(r)
	receipts, err := p.ledger.Recharge(p.t.Context(), r)
	p.same("recharge", 0, 0, err, wanted)
	for i, receipt := range receipts {
		if want := p.model.accounts[r.Payees[i].Extension].Balance; receipt.After != want || receipt.Before != want-r.Amount {
			p.Fatalf("receipt %+v, the model has %s", receipt, want)
		}
	}
}

func (p *pair) setTerms(t *rapid.T) {
	terms := rating.Terms{
		PaymentType: rapid.SampledFrom([]rating.PaymentType{rating.Prepaid, rating.Postpaid}).Draw(t, "type"),
		Status:      rapid.SampledFrom([]rating.Status{rating.Unlocked, rating.Unlocked, rating.Locked}).Draw(t, "status"),
		Credit:      rapid.SampledFrom([]rating.Money{0, 0, 500_000, rating.MaxMoney / 1_000, rating.MaxMoney}).Draw(t, "credit"),
	}
	e := p.extension()
	version := p.model.accounts[e].TermsVersion + rapid.Int64Range(-1, 2).Draw(t, "newer by")
	p.model.setTerms(e, terms, version)
	if err := p.ledger.SetTerms(p.t.Context(), e, terms, version, "U", "test"); err != nil {
		p.Fatal(err)
	}
}

func (p *pair) compareAccounts(*rapid.T) {
	accounts, err := p.ledger.Accounts(p.t.Context(), p.extensions)
	if err != nil || len(accounts) != len(p.extensions) {
		p.Fatalf("%d accounts, %v", len(accounts), err)
	}
	for _, got := range accounts {
		want := p.model.accounts[got.Extension]
		if got != want.Account {
			p.Fatalf("account %+v, the model has %+v", got, want.Account)
		}
		for day, spent := range want.spent {
			if got, err := p.ledger.Spent(p.t.Context(), want.Extension, day); err != nil || got != spent {
				p.Fatalf("spent on %s: %s, %v; the model has %s", day, got, err, spent)
			}
		}
	}
}
