package rating

import "time"

// Kind of a journal line.
type Kind string

// The kinds of journal lines.
const (
	ChargeEntry      Kind = "charge"       // a settled call; Ref is its CallID
	RechargeEntry    Kind = "recharge"     // paid in; counts into total_recharges
	AdjustmentEntry  Kind = "adjustment"   // a correction, with a note; leaves total_recharges alone
	OpeningEntry     Kind = "opening"      // balance that an import brought along
	ClosingEntry     Kind = "closing"      // the extension was deleted: minus its balance
	PaymentTypeEntry Kind = "payment_type" // the payment type changed: total_recharges begins again at 0; amount 0
)

// Entry is one line of an account's journal. balance = Σ Amount over all entries of the account.
type Entry struct {
	Extension string    `json:"extension"`
	Username  string    `json:"username"` // at that time
	Seq       int64     `json:"seq"`      // 1, 2, 3 … per account, without gaps
	Kind      Kind      `json:"kind"`
	Amount    Money     `json:"amount"` // what the balance changed by; a charge is negative or 0
	Before    Money     `json:"pre_balance"`
	After     Money     `json:"post_balance"`
	At        time.Time `json:"at"`
	Ref       string    `json:"ref"` // CallID, or the idempotency key of the recharge
	By        string    `json:"by"`  // who did it; "" for charges
	Note      string    `json:"note"`
}

// Valid reports whether kind is one of ours.
func (k Kind) Valid() bool {
	switch k {
	case ChargeEntry, RechargeEntry, AdjustmentEntry, OpeningEntry, ClosingEntry, PaymentTypeEntry:
		return true
	}
	return false
}
