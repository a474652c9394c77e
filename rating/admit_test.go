package rating

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func world(change func(*Documents)) *Snapshot {
	billed, locked, open := NewExtension("101"), NewExtension("102"), NewExtension("103")
	billed.BillingEnabled, locked.Status = true, Locked
	d := Documents{Settings: DefaultSettings(), Billing: Billing{Active: true}, Extensions: []Extension{billed, locked, open},
		Rates: []Rate{rate(1, "9", 0), {ID: 2, Active: true, Prefix: "90", EndTime: LastSecond, Extensions: []string{"*"}}}, Trunks: []Trunk{trunk("a"), trunk("b"), trunk("c")},
		DialRules: []DialRule{rule(1, 0, "9", 0, 1, "", "a"), rule(2, 0, "8", 0, 0, "", "a"), rule(3, 0, "0", 0, 0, "77", "b")}}
	if change != nil {
		change(&d)
	}
	return NewSnapshot(d)
}

func TestAdmit(t *testing.T) {
	deny := func(d *Documents) { d.Settings.DefaultLimits.DenyPrefixes = []string{"98"} }
	none := []string{}
	for _, c := range []struct {
		name, extension, number string
		change                  func(*Documents)
		err                     error
		unbilled                Unbilled
		rate                    int64
	}{
		{"billed", "101", "981", nil, nil, Billed, 1},
		{"an unknown extension", "999", "981", nil, ErrUnknownExtension, "", 0},
		{"a locked one", "102", "981", nil, ErrLocked, "", 0},
		{"locked beats billing off", "102", "981", func(d *Documents) { d.Billing.Active = false }, ErrLocked, "", 0},
		{"billing not enabled", "103", "981", nil, nil, BillingDisabled, 0},
		{"billing deactivated as a whole", "101", "981", func(d *Documents) { d.Billing.Active = false }, nil, BillingDeactivated, 0},
		{"no dial rule", "101", "1", nil, ErrNoRoute, "", 0},
		{"no rate", "101", "81", nil, ErrNoRate, "", 0},
		{"no rate, allowed", "101", "81", func(d *Documents) { d.Settings.UnratedCalls = Allow }, nil, Unrated, 0},
		{"a free rate", "101", "901", nil, nil, FreeRate, 2},
		{"a denied prefix", "101", "981", deny, ErrLimit, "", 0},
		{"a denied prefix with billing off", "103", "981", deny, ErrLimit, "", 0},
		{"the extension lifts it", "101", "981", func(d *Documents) { deny(d); d.Extensions[0].Limits.DenyPrefixes = none }, nil, Billed, 1},
		{"not on the allow list", "101", "981", func(d *Documents) { d.Extensions[0].Limits.AllowPrefixes = []string{"91"} }, ErrLimit, "", 0},
		{"emergency beats lock", "102", "112", nil, nil, EmergencyCall, 0},
		{"emergency beats an unknown extension", "999", "9112", nil, nil, EmergencyCall, 0},
		{"emergency beats a deny list", "101", "9112", func(d *Documents) { d.Settings.DefaultLimits.DenyPrefixes = []string{"9"} }, nil, EmergencyCall, 0},
		{"longer than an emergency number is none", "101", "91123", nil, nil, Billed, 1},
	} {
		a, err := world(c.change).Admit(c.extension, c.number, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
		id := int64(0)
		if a.Rate != nil {
			id = a.Rate.ID
		}
		if !errors.Is(err, c.err) || (err == nil && (a.Unbilled != c.unbilled || id != c.rate)) || (a.Unbilled != Billed && a.Tariff != Tariff{}) {
			t.Errorf("%s: unbilled %q, rate %d, %v", c.name, a.Unbilled, id, err)
		}
	}
}

func TestEmergencyRoute(t *testing.T) {
	s := world(func(d *Documents) {
		d.Settings.EmergencyNumbers = append(d.Settings.EmergencyNumbers, "0112")
		d.Settings.EmergencyTrunks = []string{"c"}
	})
	for number, want := range map[string][]string{
		"9112": {"112", "a", "c", "b"},    // cut by the rule for 9
		"911":  {"911", "a", "c", "b"},    // the rule for 9 would cut into it: its trunks only
		"112":  {"112", "c", "a", "b"},    // no rule
		"0112": {"770112", "b", "c", "a"}, // a rule that puts digits in front
	} {
		route, ok := s.Emergency(number)
		if got := append([]string{route.Sent}, names(route.Trunks)...); !ok || !slices.Equal(got, want) {
			t.Errorf("%s goes %v, want %v", number, got, want)
		}
	}
}

func TestTimeBlocksFollowTheTimeZoneOfTheInstallation(t *testing.T) {
	s := world(func(d *Documents) {
		d.Settings.Timezone = "Asia/Shanghai" // 8 hours ahead
		d.Rates = d.Rates[:1]
		d.Rates[0].StartTime, d.Rates[0].EndTime = 8*3600, 9*3600
	})
	at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	if _, err := s.Admit("101", "981", at); err != nil {
		t.Errorf("08:30 in Shanghai: %v", err)
	}
	if _, err := s.Admit("101", "981", at.Add(time.Hour)); !errors.Is(err, ErrNoRate) {
		t.Errorf("09:30 in Shanghai: %v, want no rate", err)
	}
	if day := s.Day(time.Date(2026, 1, 1, 16, 0, 0, 0, time.UTC)); day != "2026-01-02" {
		t.Errorf("midnight in Shanghai is on %s", day)
	}
}

func TestSettingsValidationNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*Settings)
	}{
		{"currency", func(s *Settings) { s.Currency = "DEM" }}, {"timezone", func(s *Settings) { s.Timezone = "Mars/Olympus" }}, {"timezone", func(s *Settings) { s.Timezone = "Local" }},
		{"unrated_calls", func(s *Settings) { s.UnratedCalls = Create }}, {"unknown_extension", func(s *Settings) { s.UnknownExtension = Allow }},
		{"insufficient_funds_code", func(s *Settings) { s.InsufficientFundsCode = 404 }}, {"limit_code", func(s *Settings) { s.LimitCode = 402 }},
		{"emergency_numbers", func(s *Settings) { s.EmergencyNumbers = []string{"help"} }}, {"keepalive_interval", func(s *Settings) { s.KeepaliveInterval = 1 }},
		{"ring_timeout", func(s *Settings) { s.RingTimeout = 0 }}, {"default_limits.call_seconds", func(s *Settings) { s.DefaultLimits.CallSeconds = -1 }},
		{"webhooks[0].url", func(s *Settings) { s.Webhooks = []Webhook{{"ftp://x", "12345678", []string{"recharge"}}} }},
		{"webhooks[0].events", func(s *Settings) { s.Webhooks = []Webhook{{"https://x", "12345678", []string{"all"}}} }},
	} {
		s := DefaultSettings()
		c.change(&s)
		var bad Invalid
		if err := s.Validate(); !errors.As(err, &bad) || bad[0].Field != c.field {
			t.Errorf("%v, want a fault of %s", err, c.field)
		}
	}
	if err := DefaultSettings().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestExtensionValidationNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*Extension)
	}{
		{"number", func(e *Extension) { e.Number = "" }}, {"number", func(e *Extension) { e.Number = "*" }}, {"username", func(e *Extension) { e.Username = "a\nb" }},
		{"caller_id", func(e *Extension) { e.CallerID = "alice" }}, {"credit", func(e *Extension) { e.Credit = -1 }}, {"status", func(e *Extension) { e.Status = "open" }},
		{"payment_type", func(e *Extension) { e.PaymentType = "" }}, {"limits.concurrent_calls", func(e *Extension) { n := int64(-1); e.Limits.ConcurrentCalls = &n }},
	} {
		e := NewExtension("101")
		c.change(&e)
		var bad Invalid
		if err := e.Validate(); !errors.As(err, &bad) || bad[0].Field != c.field {
			t.Errorf("%+v: %v, want a fault of %s", e, err, c.field)
		}
	}
}

func TestRechargeValidation(t *testing.T) {
	good := Recharge{Key: "k", Amount: Unit, Payees: []Payee{{"101", ""}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for field, r := range map[string]Recharge{
		"Idempotency-Key": {Amount: 1, Payees: good.Payees}, "amount": {Key: "k", Payees: good.Payees}, "note": {Key: "k", Amount: -1, Payees: good.Payees},
		"extensions": {Key: "k", Amount: 1}, "extensions[1]": {Key: "k", Amount: 1, Payees: []Payee{{"101", ""}, {"101", "x"}}},
	} {
		var bad Invalid
		if err := r.Validate(); !errors.As(err, &bad) || bad[0].Field != field {
			t.Errorf("%+v: %v, want a fault of %s", r, err, field)
		}
	}
}

// A journal line with a zero byte cannot be archived in every database: its recharge would be money without a record.
func TestANoteIsTextThatEveryDatabaseKeeps(t *testing.T) {
	for note, fits := range map[string]bool{"paid in cash\nat the desk\t12": true, "Gutschrift für März": true, "a\x00b": false, "a\x1bb": false, "\xff": false, strings.Repeat("x", MaxRemark+1): false} {
		r, rate := Recharge{Key: "k", Amount: Unit, Payees: []Payee{{"101", ""}}, Note: note}, NewRate()
		rate.Remark = note
		for field, err := range map[string]error{"note": r.Validate(), "remark": rate.Validate()} {
			var bad Invalid
			if fits == (errors.As(err, &bad) && bad[0].Field == field) {
				t.Errorf("%s %q: %v", field, note, err)
			}
		}
	}
	var bad Invalid
	if err := (Recharge{Key: "k", Payees: []Payee{{"101", ""}}}).Validate(); !errors.As(err, &bad) || len(bad) != 1 || bad[0].Field != "amount" {
		t.Errorf("nothing at all is no adjustment that needs a note: %v", err)
	}
}
