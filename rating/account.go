package rating

// Account is the money of one extension, as the ledger keeps it. The law: no charge, hold or adjustment takes
// Available below zero; only lowering the credit may, and then nothing new is granted.
type Account struct {
	Extension      string `json:"extension"`
	Balance        Money  `json:"balance"`
	Held           Money  `json:"held"` // Σ of the holds of running calls
	TotalRecharges Money  `json:"total_recharges"`
	ActiveCalls    int64  `json:"active_calls"`
	Seq            int64  `json:"seq"` // number of the last journal line; 0 = none yet
	Terms
	TermsVersion int64 `json:"terms_version"` // version of the Extension whose terms are applied
	Closed       bool  `json:"closed"`        // deleted; the number may be opened again and goes on counting Seq
}

// Available is what a new charge may use: balance + credit - held.
func (a Account) Available() Money { return a.Balance + a.Credit - a.Held }
