package rating

import (
	"fmt"
	"strings"
)

// Limits of an extension. A nil field inherits the setting default_limits; 0 or an empty list is no limit.
type Limits struct {
	ConcurrentCalls *int64   `json:"concurrent_calls"`
	CallSeconds     *int64   `json:"call_seconds"`
	DailySpend      *Money   `json:"daily_spend"`
	DenyPrefixes    []string `json:"deny_prefixes"`
	AllowPrefixes   []string `json:"allow_prefixes"`
}

// CallLimits are the limits that hold for one call, everything inherited. The zero value limits nothing.
type CallLimits struct {
	ConcurrentCalls int64    `json:"concurrent_calls"` // running calls of the extension; 0 = any number
	CallSeconds     int64    `json:"call_seconds"`     // talk time of one call; 0 = max_call_seconds only
	DailySpend      Money    `json:"daily_spend"`      // per day in the installation's time zone, holds included; 0 = any
	DenyPrefixes    []string `json:"deny_prefixes"`    // of the dialled number; deny wins
	AllowPrefixes   []string `json:"allow_prefixes"`   // when not empty, one must match
}

const (
	maxConcurrentCalls = 1_000_000
	maxCallSeconds     = 7 * 86_400
)

// Over returns the limits with everything that l leaves open taken from the defaults.
func (l Limits) Over(defaults CallLimits) CallLimits {
	merged := defaults
	if l.ConcurrentCalls != nil {
		merged.ConcurrentCalls = *l.ConcurrentCalls
	}
	if l.CallSeconds != nil {
		merged.CallSeconds = *l.CallSeconds
	}
	if l.DailySpend != nil {
		merged.DailySpend = *l.DailySpend
	}
	if l.DenyPrefixes != nil {
		merged.DenyPrefixes = l.DenyPrefixes
	}
	if l.AllowPrefixes != nil {
		merged.AllowPrefixes = l.AllowPrefixes
	}
	return merged
}

// Validate reports every field that is out of bounds, as Invalid.
func (l Limits) Validate() error { return l.Over(CallLimits{}).Validate() }

// Validate reports every field that is out of bounds, as Invalid.
func (l CallLimits) Validate() error {
	var bad Invalid
	bad.add(l.ConcurrentCalls >= 0 && l.ConcurrentCalls <= maxConcurrentCalls, "concurrent_calls", fmt.Sprintf("must be 0 (no limit) to %d", maxConcurrentCalls))
	bad.add(l.CallSeconds >= 0 && l.CallSeconds <= maxCallSeconds, "call_seconds", fmt.Sprintf("must be 0 (no limit) to %d", maxCallSeconds))
	bad.add(l.DailySpend >= 0 && l.DailySpend <= MaxMoney, "daily_spend", "must be 0.0000 (no limit) to "+MaxMoney.String())
	checkPrefixes(l.DenyPrefixes, "deny_prefixes", &bad)
	checkPrefixes(l.AllowPrefixes, "allow_prefixes", &bad)
	return bad.err()
}

func checkPrefixes(list []string, field string, bad *Invalid) {
	bad.add(len(list) <= maxListInside, field, fmt.Sprintf("may list at most %d prefixes", maxListInside))
	for _, p := range list[:min(len(list), maxListInside)] {
		bad.add(validPrefix(p), field, fmt.Sprintf("%q is no prefix: it %s", shorten(p), prefixRule))
	}
}

// AllowsNumber reports whether the deny and allow lists let the dialled number pass.
func (l CallLimits) AllowsNumber(number string) bool {
	return !startsWithAny(number, l.DenyPrefixes) && (len(l.AllowPrefixes) == 0 || startsWithAny(number, l.AllowPrefixes))
}

func startsWithAny(number string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(number, p) {
			return true
		}
	}
	return false
}
