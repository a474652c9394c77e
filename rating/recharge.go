package rating

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxBatch bounds how many extensions one recharge names.
const MaxBatch = 10_000

// Recharge pays the same amount into one or many accounts: all of them, or none. A negative amount is an adjustment.
type Recharge struct {
	Key    string    // idempotency key: the same key and body give the first answer again
	Payees []Payee   // no number twice
	Amount Money     // not 0
	Note   string    // required for an adjustment
	By     string    // who does it
	At     time.Time // when it was asked for
}

// Payee is an account of a recharge, with the name that the journal keeps.
type Payee struct{ Extension, Username string }

// Receipt is what a recharge did to one account.
type Receipt struct {
	Extension string    `json:"extension"`
	Username  string    `json:"username"`
	Before    Money     `json:"pre_balance"`
	Amount    Money     `json:"amount"`
	After     Money     `json:"post_balance"`
	At        time.Time `json:"at"`
}

// Kind is what the journal calls it.
func (r Recharge) Kind() Kind {
	if r.Amount < 0 {
		return AdjustmentEntry
	}
	return RechargeEntry
}

// Validate reports every field that is out of bounds, as Invalid.
func (r Recharge) Validate() error {
	var bad Invalid
	bad.add(r.Key != "" && len(r.Key) <= 200 && utf8.ValidString(r.Key) && printable(r.Key), "Idempotency-Key", "must be 1 to 200 printable characters, new for every recharge")
	bad.add(r.Amount != 0 && r.Amount.InRange(), "amount", "must not be 0.0000; at most "+MaxMoney.String())
	bad.add(r.Amount >= 0 || strings.TrimSpace(r.Note) != "", "note", "an adjustment (a negative amount) needs a note that says why")
	bad.checkRemark(r.Note, "note")
	bad.add(len(r.Payees) > 0 && len(r.Payees) <= MaxBatch, "extensions", fmt.Sprintf("must name 1 to %d extensions", MaxBatch))
	seen := make(map[string]bool, len(r.Payees))
	for i, p := range r.Payees[:min(len(r.Payees), MaxBatch)] {
		bad.add(!seen[p.Extension], fmt.Sprintf("extensions[%d]", i), "names "+shorten(p.Extension)+" twice")
		seen[p.Extension] = true
	}
	return bad[:min(len(bad), maxFaults)].err()
}

// Extensions returns the numbers in the order given.
func (r Recharge) Extensions() []string {
	numbers := make([]string, 0, len(r.Payees))
	for p := range slices.Values(r.Payees) {
		numbers = append(numbers, p.Extension)
	}
	return numbers
}
