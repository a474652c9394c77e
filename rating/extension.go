package rating

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// PaymentType says how an account is meant to be paid; the money rule is the same for both.
type PaymentType string

// Status grants or bans outbound calls.
type Status string

// The words of an account's terms.
const (
	Prepaid  PaymentType = "prepaid"
	Postpaid PaymentType = "postpaid"
	Unlocked Status      = "unlocked"
	Locked   Status      = "locked"
)

// Terms are what an operator grants an account. The catalog keeps them; the ledger applies them to the account.
type Terms struct {
	BillingEnabled bool        `json:"billing_enabled"`
	PaymentType    PaymentType `json:"payment_type"`
	Status         Status      `json:"status"`
	Credit         Money       `json:"credit"` // how far below zero the balance may run; >= 0
}

// Extension is who pays for a call, as operators edit it. Its money is in Account.
type Extension struct {
	Number   string `json:"number"`
	Username string `json:"username"`
	Terms
	CallerID string `json:"caller_id"` // From user towards the trunks; "" = the trunk's, the PBX's or the number itself
	Limits   Limits `json:"limits"`
	Digest   Digest `json:"digest"`
	Version  int64  `json:"version"`
}

// Digest holds the hashes H(number:realm:password) of RFC 7616 §3.4.2 in lower-case hex, never the password itself.
type Digest struct {
	SHA256 string `json:"sha256,omitempty"`
	MD5    string `json:"md5,omitempty"`
	Realm  string `json:"realm,omitempty"` // that they were made with; "": not known
}

// Set reports whether the extension has a SIP password.
func (d Digest) Set() bool { return d != Digest{} }

// NewExtension returns an extension as it appears when first heard of: unbilled, prepaid, unlocked, no credit.
func NewExtension(number string) Extension {
	return Extension{Number: number, Terms: Terms{PaymentType: Prepaid, Status: Unlocked}}
}

// Validate reports every field that is out of bounds, as Invalid.
func (e Extension) Validate() error {
	var bad Invalid
	bad.add(ValidExtension(e.Number), "number", "must be 1 to 32 of: "+extensionRule)
	bad.add(!dots(e.Number), "number", "must not be . or .. alone: no address can hold it") // there may be some: their money goes on
	bad.add(utf8.ValidString(e.Username) && len(e.Username) <= MaxUsername && printable(e.Username), "username",
		fmt.Sprintf("must be printable text of at most %d bytes", MaxUsername))
	bad.add(e.CallerID == "" || ValidNumber(e.CallerID), "caller_id", "must be empty or a number: an optional leading +, then digits, * and #, at most 40")
	e.Terms.check(&bad)
	bad.within("limits", e.Limits.Validate())
	return bad.err()
}

func (t Terms) check(bad *Invalid) {
	bad.add(t.PaymentType == Prepaid || t.PaymentType == Postpaid, "payment_type", "must be prepaid or postpaid")
	bad.add(t.Status == Unlocked || t.Status == Locked, "status", "must be unlocked or locked")
	bad.add(t.Credit >= 0 && t.Credit <= MaxMoney, "credit", "must be 0.0000 to "+MaxMoney.String())
}

// checkRemark adds a fault unless s may stand as a remark or a note: printable but for line breaks and tabs. A zero byte, for
// one, is text that not every database keeps, and a journal line with it would never be archived.
func (bad *Invalid) checkRemark(s, field string) {
	good := utf8.ValidString(s) && len(s) <= MaxRemark && printable(strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(s))
	bad.add(good, field, fmt.Sprintf("must be printable text of at most %d bytes", MaxRemark))
}

// printable reports whether s has no control characters, so that it can stand in a header, a log line or a cell; and none that make
// a text look like another: line separators, marks without width, and those that turn text around (Unicode TR36 §2.5).
// Joiners may be there, since scripts and emoji need them.
func printable(s string) bool {
	for _, r := range s {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError:
			return false
		case r == 0x200b, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
			return false
		}
	}
	return true
}
