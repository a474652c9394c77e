package rating

import (
	"errors"
	"net/netip"
	"testing"
)

func trunk(name string) Trunk {
	t := NewTrunk()
	t.Name, t.URI = name, "sip:127.0.0.1:5070"
	return t
}

func rule(id, position int64, prefix string, length, strip int, prepend string, trunks ...string) DialRule {
	return DialRule{ID: id, Position: position, Enabled: true, Prefix: prefix, NumberLength: length, Strip: strip, Prepend: prepend, Trunks: trunks}
}

func names(trunks []*Trunk) (list []string) {
	for _, t := range trunks {
		list = append(list, t.Name)
	}
	return list
}

func TestRoute(t *testing.T) {
	off := trunk("off")
	off.Enabled = false
	disabled := rule(8, 0, "7777", 0, 0, "", "a")
	disabled.Enabled = false
	plan := NewDialPlan([]DialRule{
		rule(1, 5, "9", 0, 1, "", "a", "off", "b"), rule(2, 1, "9", 0, 1, "0", "b"), rule(3, 9, "9", 4, 0, "", "a"), rule(4, 9, "98", 0, 2, "+49", "b", "a"),
		rule(5, 0, "5", 0, 1, "", "off"), rule(6, 0, "6", 0, 1, "", "a"), rule(7, 0, "777", 0, 0, "", "b"), disabled,
	}, []Trunk{trunk("a"), trunk("b"), off})
	for _, c := range []struct {
		name, number, sent string
		rule               int64
		trunks             string
		err                error
	}{
		{"the longest prefix", "9812", "+4912", 4, "b", nil},
		{"the exact length before any", "9112", "9112", 3, "a", nil},
		{"then the position", "91", "01", 2, "b", nil},
		{"no rule", "12", "", 0, "", ErrNoRoute},
		{"no fall-through to another rule when the trunks are disabled", "51", "1", 5, "", ErrTrunk},
		{"nothing left of the number", "6", "", 0, "", ErrNoRoute},
		{"a disabled rule is none", "77771", "77771", 7, "b", nil},
	} {
		got, err := plan.Route(c.number)
		if !errors.Is(err, c.err) || got.Sent != c.sent || got.RuleID != c.rule || (c.trunks != "" && names(got.Trunks)[0] != c.trunks) {
			t.Errorf("%s: %s → rule %d, %s, %v, %v", c.name, c.number, got.RuleID, got.Sent, names(got.Trunks), err)
		}
	}
}

func TestTrunkValidationNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*Trunk)
	}{
		{"name", func(t *Trunk) { t.Name = "a b" }}, {"uri", func(t *Trunk) { t.URI = "tel:1" }}, {"uri", func(t *Trunk) { t.URI = "sip:user@host" }},
		{"uri", func(t *Trunk) { t.URI = "sip:host:99999" }}, {"uri", func(t *Trunk) { t.URI = "sip:host;transport=ws" }}, {"uri", func(t *Trunk) { t.URI = "sip:" }},
		{"uri", func(t *Trunk) { t.URI = "sip:a\r\nb" }}, {"failover_codes", func(t *Trunk) { t.FailoverCodes = []int{486} }},
		{"failover_codes", func(t *Trunk) { t.FailoverCodes = []int{603} }}, {"response_timeout", func(t *Trunk) { t.ResponseTimeout = 0 }},
		{"identity_header", func(t *Trunk) { t.IdentityHeader = "rpid" }}, {"probe_interval", func(t *Trunk) { t.ProbeInterval = -1 }},
	} {
		trunk := trunk("a")
		c.change(&trunk)
		var bad Invalid
		if err := trunk.Validate(); !errors.As(err, &bad) || bad[0].Field != c.field {
			t.Errorf("%+v: %v, want a fault of %s", trunk, err, c.field)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for uri, want := range map[string]Target{
		"sip:127.0.0.1:5070;transport=udp": {"127.0.0.1", 5070, "udp"}, "sip:Carrier.example": {"carrier.example", 0, ""},
		"sip:[2001:db8::1]:5061;transport=TLS;lr": {"2001:db8::1", 5061, "tls"},
	} {
		if got, err := ParseTarget(uri); err != nil || got != want {
			t.Errorf("ParseTarget(%q) = %+v, %v; want %+v", uri, got, err, want)
		}
	}
}

func TestWhatAnAnswerOfATrunkMeans(t *testing.T) {
	trunk := trunk("a")
	for code, want := range map[int]bool{302: true, 401: true, 402: true, 407: true, 408: true, 500: true, 503: true, 580: true, 404: false, 480: false, 486: false, 501: false, 600: false, 603: false} {
		if trunk.FailsOver(code) != want {
			t.Errorf("%d: the next trunk is tried: %v, want %v", code, !want, want)
		}
	}
	for code, want := range map[int]bool{302: false, 401: false, 402: false, 407: false, 403: true, 404: true, 486: true, 503: true, 603: true} {
		if Passable(code) != want {
			t.Errorf("%d is passed on: %v, want %v", code, !want, want)
		}
	}
	for code, want := range map[int]Disposition{486: Busy, 600: Busy, 603: Busy, 480: NoAnswer, 408: NoAnswer, 404: Failed, 503: Failed, 200: Answered} {
		if got := DispositionOf(code); got != want {
			t.Errorf("%d is %s, want %s", code, got, want)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("sip:127.0.0.1:5070;transport=udp")
	f.Add("sip:[::1]")
	f.Add("sip:h:0;;")
	f.Fuzz(func(t *testing.T, uri string) {
		if target, err := ParseTarget(uri); err == nil {
			if _, bad := netip.ParseAddr(target.Host); bad != nil && target.Host == "" {
				t.Fatalf("%q has no host", uri)
			}
		}
	})
}
