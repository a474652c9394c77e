package admin

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"tollgate/rating"
)

// extension is the resource: the profile that operators edit, and the money that the ledger keeps.
type extension struct {
	Number         string       `json:"number" create:"required" doc:"Who pays: 1 to 32 letters, digits and . _ - * # +. It cannot be changed." example:"101"`
	Username       string       `json:"username" doc:"Shown beside the number." example:"Extension1"`
	BillingEnabled bool         `json:"billing_enabled" doc:"Whether calls are billed; without it they are routed and cost nothing."`
	PaymentType    string       `json:"payment_type" enum:"prepaid,postpaid" doc:"A change sets total_recharges to 0."`
	Status         string       `json:"status" enum:"unlocked,locked" doc:"A locked extension makes no new calls."`
	CallerID       string       `json:"caller_id" doc:"From user towards the trunks; empty: the trunk's, the PBX's, or the number itself."`
	Balance        rating.Money `json:"balance" readOnly:"true" doc:"What was paid in minus what was spent."`
	Credit         rating.Money `json:"credit" doc:"How far below zero the balance may run; never negative."`
	Held           rating.Money `json:"held" readOnly:"true" doc:"Set aside for running calls."`
	TotalRecharges rating.Money `json:"total_recharges" readOnly:"true" doc:"Sum of recharges since the payment type last changed."`
	ActiveCalls    int64        `json:"active_calls" readOnly:"true" doc:"Calls that ring or talk."`
	Limits         limits       `json:"limits" doc:"Fields left out stay as they are; null inherits the setting default_limits; 0 or [] is no limit."`
	HasSIPPassword bool         `json:"has_sip_password" readOnly:"true" doc:"Whether the extension may authenticate by digest."`
	SIPPassword    string       `json:"sip_password,omitempty" writeOnly:"true" maxLength:"128" doc:"For digest authentication; only hashes are kept. An empty one takes the password away."`
	EndActiveCalls bool         `json:"end_active_calls,omitempty" writeOnly:"true" doc:"With status locked: also hang up the calls that are up."`
	Version        int64        `json:"version" readOnly:"true" doc:"Grows with every edit."`
}

// limits of an extension; null inherits the setting default_limits, 0 or an empty list is no limit.
type limits struct {
	ConcurrentCalls *int64        `json:"concurrent_calls" required:"false" doc:"Running calls at once."`
	CallSeconds     *int64        `json:"call_seconds" required:"false" doc:"Longest talk of one call."`
	DailySpend      *rating.Money `json:"daily_spend" required:"false" nullable:"true" doc:"Per day in the installation's time zone."`
	DenyPrefixes    []string      `json:"deny_prefixes" required:"false" nullable:"true" doc:"Of the dialled number; deny wins."`
	AllowPrefixes   []string      `json:"allow_prefixes" required:"false" nullable:"true" doc:"When not empty, one must match."`
}

// newExtension is what a POST starts from.
func newExtension() extension { return extensionOf(rating.NewExtension(""), rating.Account{}) }

// extensionOf joins profile and money. A number without account yet has no money.
func extensionOf(e rating.Extension, a rating.Account) extension {
	x := extension{Number: e.Number, Username: e.Username, BillingEnabled: e.BillingEnabled, PaymentType: string(e.PaymentType), Status: string(e.Status),
		CallerID: e.CallerID, Credit: e.Credit, Limits: limits(e.Limits), HasSIPPassword: e.Digest.Set(), Version: e.Version}
	if !a.Closed {
		x.Balance, x.Held, x.TotalRecharges, x.ActiveCalls = a.Balance, a.Held, a.TotalRecharges, a.ActiveCalls
	}
	return x
}

// profile is what of the resource operators edit, over what else the catalog keeps of it.
func (x extension) profile(of rating.Extension) rating.Extension {
	of.Number, of.Username, of.CallerID, of.Limits = x.Number, x.Username, x.CallerID, rating.Limits(x.Limits)
	of.Terms = rating.Terms{BillingEnabled: x.BillingEnabled, PaymentType: rating.PaymentType(x.PaymentType), Status: rating.Status(x.Status), Credit: x.Credit}
	return of
}

// merge puts a body over a profile. realm is that of the SIP digests.
func (b body) merge(e rating.Extension, realm string) (rating.Extension, error) {
	x, err := over(b, extensionOf(e, rating.Account{}))
	if err != nil {
		return e, err
	}
	if e.Number != "" && x.Number != e.Number {
		return e, rating.Invalid{{Field: "number", Message: "cannot be changed; delete the extension and add another"}}
	}
	if x.EndActiveCalls && x.Status != string(rating.Locked) {
		return e, rating.Invalid{{Field: "end_active_calls", Message: `goes with "status": "locked" only`}}
	}
	merged := x.profile(e)
	if b.has("sip_password") {
		if merged.Digest, err = digestOf(x.Number, realm, x.SIPPassword); err != nil {
			return e, err
		}
	}
	return merged, merged.Validate()
}

// locks reports whether the body locks, and does nothing else but perhaps end the running calls.
func (b body) locks() bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b.raw, &fields) != nil || string(fields["status"]) != `"`+string(rating.Locked)+`"` {
		return false
	}
	delete(fields, "status")
	delete(fields, "end_active_calls")
	return len(fields) == 0
}

// endsCalls reports whether the body asks for the running calls to be ended.
func (b body) endsCalls() bool {
	x, err := over(b, newExtension())
	return err == nil && x.EndActiveCalls
}

// digestOf hashes a SIP password as RFC 7616 §3.4.2 wants it; an empty one is none.
func digestOf(number, realm, password string) (rating.Digest, error) {
	if password == "" {
		return rating.Digest{}, nil
	}
	if !utf8.ValidString(password) {
		return rating.Digest{}, rating.Invalid{{Field: "sip_password", Message: "must be text"}}
	}
	secret := []byte(number + ":" + realm + ":" + password)
	long, short := sha256.Sum256(secret), md5.Sum(secret)
	return rating.Digest{SHA256: hex.EncodeToString(long[:]), MD5: hex.EncodeToString(short[:]), Realm: realm}, nil
}
