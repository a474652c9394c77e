package rating

import (
	"fmt"
	"time"
)

// Evidence is everything known about the money of one account, taken at its journal line Account.Seq.
type Evidence struct {
	Account Account
	Terms   *Terms // what the operator set; nil where that is not known
	Holds   []Hold // of its running calls
	Journal JournalSum
	Calls   CallSum
}

// JournalSum adds up the journal of an account, archive and outbox together, up to Account.Seq.
type JournalSum struct {
	Entries   int64 // lines
	LastSeq   int64 // number of the last one
	Amount    Money // Σ of all amounts: what the balance must be
	After     Money // balance that the last line says
	Breaks    int64 // lines that do not begin where the one before ended, or whose sum is wrong
	Recharged Money // Σ of recharges since the last payment_type or closing line
	Charged   Money // Σ of charges, as a positive amount
}

// CallSum adds up the CDRs of an account that have a journal line, archive and outbox together.
type CallSum struct {
	Calls      int64
	Cost       Money
	Unmatched  []CallID // charges without CDR, CDRs without charge, either twice, or of different amounts
	RolledUp   Money    // what the daily sums say that the archived calls cost
	ArchivedIn Money    // what the archived calls cost
}

// Difference is a promise that does not hold.
type Difference struct {
	Extension string `json:"extension"`
	Law       string `json:"law"` // which promise: balance, held, journal, calls, total_recharges, terms, statistics, range
	Detail    string `json:"detail"`
	Want      string `json:"want"`
	Have      string `json:"have"`
}

// HoldGrace is how long after its lease a hold may stay before it is a difference.
const HoldGrace = 60 * time.Second

// Reconcile proves the money of one account, or says what does not add up. now is the moment of the evidence.
func Reconcile(e Evidence, now time.Time) []Difference {
	r := &reconciliation{account: e.Account}
	r.money("balance", "opening + recharges ± adjustments − charges is not the balance", e.Journal.Amount, e.Account.Balance)
	r.money("balance", "the last journal line names another balance", e.Journal.After, e.Account.Balance)
	r.count("journal", "lines are missing or there twice", e.Account.Seq, e.Journal.Entries)
	r.count("journal", "the last line has another number", e.Account.Seq, e.Journal.LastSeq)
	r.count("journal", "lines do not continue the ones before", 0, e.Journal.Breaks)
	r.money("calls", "the CDRs do not add up to the charges", e.Journal.Charged, e.Calls.Cost)
	for _, id := range e.Calls.Unmatched {
		r.differ("calls", "charge and CDR of a call are not one each with one amount", "one of each", string(id))
	}
	r.money("statistics", "the daily sums are not those of the archived calls", e.Calls.ArchivedIn, e.Calls.RolledUp)
	r.money("total_recharges", "the recharges do not add up", e.Journal.Recharged, e.Account.TotalRecharges)
	r.holds(e.Holds, now)
	r.terms(e.Terms)
	if !e.Account.Balance.InRange() || e.Account.Held < 0 || e.Account.Credit < 0 {
		r.differ("range", "an amount is out of range", "within ±"+MaxMoney.String(), e.Account.Balance.String())
	}
	return r.found
}

type reconciliation struct {
	account Account
	found   []Difference
}

func (r *reconciliation) differ(law, detail, want, have string) {
	r.found = append(r.found, Difference{r.account.Extension, law, detail, want, have})
}

func (r *reconciliation) money(law, detail string, want, have Money) {
	if want != have {
		r.differ(law, detail, want.String(), have.String())
	}
}

func (r *reconciliation) count(law, detail string, want, have int64) {
	if want != have {
		r.differ(law, detail, fmt.Sprint(want), fmt.Sprint(have))
	}
}

// holds checks that what is held is the sum of the holds of calls that somebody still looks after.
func (r *reconciliation) holds(holds []Hold, now time.Time) {
	var sum Money
	for _, h := range holds {
		sum += h.Amount
		if late := now.Sub(h.Lease); late > HoldGrace {
			r.differ("held", "call "+string(h.Call)+" holds money and nobody looks after it", "a live call", "lease lapsed "+late.Round(time.Second).String()+" ago")
		}
		if h.Unbilled == Billed && h.Amount != h.Tariff.CostOfUnits(h.Units) {
			r.differ("held", "call "+string(h.Call)+" does not hold what its units cost", h.Tariff.CostOfUnits(h.Units).String(), h.Amount.String())
		}
	}
	r.money("held", "the holds of the running calls do not add up", sum, r.account.Held)
	r.count("held", "the running calls are not as many", int64(len(holds)), r.account.ActiveCalls)
}

// terms checks that the ledger acts on the terms that the operator set.
func (r *reconciliation) terms(set *Terms) {
	if set == nil || r.account.Closed {
		return
	}
	r.money("terms", "the ledger applies another credit than was set", set.Credit, r.account.Credit)
	if set.Status != r.account.Status || set.PaymentType != r.account.PaymentType || set.BillingEnabled != r.account.BillingEnabled {
		r.differ("terms", "the ledger applies other terms than were set", fmt.Sprintf("%+v", *set), fmt.Sprintf("%+v", r.account.Terms))
	}
}
