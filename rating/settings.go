package rating

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

// Policy is what happens to something that matches nothing.
type Policy string

// The policies of unrated_calls and unknown_extension.
const (
	Reject Policy = "reject"
	Allow  Policy = "allow"  // unrated_calls: passes, cost 0
	Create Policy = "create" // unknown_extension: is added to the list, billing off
)

// Settings of the installation, the same on every node.
type Settings struct {
	Currency              string     `json:"currency"`
	Timezone              string     `json:"timezone"` // IANA name; days, months and time blocks follow it
	UnratedCalls          Policy     `json:"unrated_calls"`
	UnknownExtension      Policy     `json:"unknown_extension"`
	InsufficientFundsCode int        `json:"insufficient_funds_code"`
	LimitCode             int        `json:"limit_code"`
	EmergencyNumbers      []string   `json:"emergency_numbers"`
	EmergencyTrunks       []string   `json:"emergency_trunks"`
	KeepaliveInterval     int64      `json:"keepalive_interval"` // seconds; 0 = off
	MaxCallSeconds        int64      `json:"max_call_seconds"`
	RingTimeout           int64      `json:"ring_timeout"` // seconds
	DefaultLimits         CallLimits `json:"default_limits"`
	LowBalanceThreshold   Money      `json:"low_balance_threshold"`
	Webhooks              []Webhook  `json:"webhooks"`
	WebhookAllowPrivate   bool       `json:"webhook_allow_private"`
	Version               int64      `json:"version"`
}

// Webhook is told of events by POST.
type Webhook struct {
	URL    string   `json:"url"`
	Secret string   `json:"secret"`
	Events []string `json:"events"`
}

// Currencies that an installation may use; XXX is "Other (¤)" (ISO 4217: no currency).
var currencies = []string{"USD", "CNY", "EUR", "GBP", "XXX"}

// DefaultSettings returns the settings of a new installation.
func DefaultSettings() Settings {
	return Settings{
		Currency: "USD", Timezone: "UTC", UnratedCalls: Reject, UnknownExtension: Reject,
		InsufficientFundsCode: 402, LimitCode: 403,
		EmergencyNumbers: []string{"112", "911", "999", "110", "119", "120"}, EmergencyTrunks: []string{},
		KeepaliveInterval: 60, MaxCallSeconds: 6 * 3600, RingTimeout: 180,
		DefaultLimits:       CallLimits{DenyPrefixes: []string{}, AllowPrefixes: []string{}},
		LowBalanceThreshold: Unit, Webhooks: []Webhook{}, Version: 1,
	}
}

// Validate reports every field that is out of bounds, as Invalid.
func (s Settings) Validate() error {
	var bad Invalid
	bad.add(slices.Contains(currencies, s.Currency), "currency", "must be USD, CNY, EUR, GBP or XXX (other)")
	_, err := time.LoadLocation(s.Timezone)
	bad.add(err == nil && s.Timezone != "" && s.Timezone != "Local", "timezone", "must be an IANA name such as UTC or Asia/Shanghai")
	bad.add(s.UnratedCalls == Reject || s.UnratedCalls == Allow, "unrated_calls", "must be reject or allow")
	bad.add(s.UnknownExtension == Reject || s.UnknownExtension == Create, "unknown_extension", "must be reject or create")
	bad.add(slices.Contains([]int{402, 403, 480, 603}, s.InsufficientFundsCode), "insufficient_funds_code", "must be 402, 403, 480 or 603")
	bad.add(s.LimitCode == 403 || s.LimitCode == 486, "limit_code", "must be 403 or 486")
	s.checkEmergency(&bad)
	bad.add(s.KeepaliveInterval == 0 || s.KeepaliveInterval >= 5 && s.KeepaliveInterval <= 3600, "keepalive_interval", "must be 0 (off) or 5 to 3600 seconds")
	bad.add(s.MaxCallSeconds >= 1 && s.MaxCallSeconds <= maxCallSeconds, "max_call_seconds", fmt.Sprintf("must be 1 to %d", maxCallSeconds))
	bad.add(s.RingTimeout >= 5 && s.RingTimeout <= 600, "ring_timeout", "must be 5 to 600 seconds")
	bad.within("default_limits", s.DefaultLimits.Validate())
	bad.add(s.LowBalanceThreshold.InRange(), "low_balance_threshold", "is out of range")
	bad.add(len(s.Webhooks) <= 20, "webhooks", "may list at most 20")
	for i, w := range s.Webhooks[:min(len(s.Webhooks), 20)] {
		w.check(fmt.Sprintf("webhooks[%d].", i), &bad)
	}
	return bad.err()
}

func (s Settings) checkEmergency(bad *Invalid) {
	bad.add(len(s.EmergencyNumbers) <= 100, "emergency_numbers", "may list at most 100")
	for _, n := range s.EmergencyNumbers[:min(len(s.EmergencyNumbers), 100)] {
		bad.add(ValidNumber(n), "emergency_numbers", fmt.Sprintf("%q is no number", shorten(n)))
	}
	bad.add(len(s.EmergencyTrunks) <= 20, "emergency_trunks", "may list at most 20")
	for _, n := range s.EmergencyTrunks[:min(len(s.EmergencyTrunks), 20)] {
		bad.add(validName(n), "emergency_trunks", fmt.Sprintf("%q is no trunk name", shorten(n)))
	}
}

// Wants reports whether the webhook is to be told of an event.
func (w Webhook) Wants(name EventName) bool { return slices.Contains(w.Events, string(name)) }

func (w Webhook) check(path string, bad *Invalid) {
	u, err := url.Parse(w.URL)
	bad.add(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(w.URL) <= 2000, path+"url", "must be an http or https URL without user name and password")
	bad.add(len(w.Secret) >= 8 && len(w.Secret) <= 200, path+"secret", "must be 8 to 200 bytes")
	bad.add(len(w.Events) > 0, path+"events", "must name at least one event")
	for _, e := range w.Events[:min(len(w.Events), 50)] {
		bad.add(slices.Contains(EventNames(), EventName(e)), path+"events", fmt.Sprintf("%q is no event", shorten(e)))
	}
}

// Location is the installation's time zone; UTC where the name is not known to this system.
func (s Settings) Location() *time.Location {
	location, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return time.UTC
	}
	return location
}

// Billing says whether calls are billed at all, and since when they first were.
type Billing struct {
	Active           bool       `json:"active"`
	FirstActivatedAt *time.Time `json:"first_activated_at"`
	Version          int64      `json:"version"`
}
