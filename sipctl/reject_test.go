package sipctl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tollgate/rating"
)

// What a refused caller is told, word for word.
func TestRefusals(t *testing.T) {
	settings := rating.DefaultSettings()
	for _, c := range []struct {
		err    error
		answer string
		reason string
		cdr    rating.Reason
		again  bool // Retry-After
	}{
		{rating.ErrNoCredit, "402 Payment Required", `Q.850;cause=21;text="insufficient balance"`, rating.ReasonNoCredit, false},
		{rating.ErrLocked, "403 Forbidden", `Q.850;cause=21;text="extension locked"`, rating.ReasonLocked, false},
		{rating.ErrUnknownExtension, "403 Forbidden", `Q.850;cause=21;text="unknown extension"`, rating.ReasonUnknownExtension, false},
		{rating.ErrNoRate, "403 Forbidden", `Q.850;cause=21;text="no rate for destination"`, rating.ReasonNoRate, false},
		{rating.ErrLimit, "403 Forbidden", `Q.850;cause=21;text="limit reached"`, rating.ReasonLimit, false},
		{rating.ErrBadNumber, "484 Address Incomplete", `Q.850;cause=28`, rating.ReasonBadNumber, false},
		{rating.ErrNoRoute, "404 Not Found", `Q.850;cause=3`, rating.ReasonNoRoute, false},
		{rating.ErrTrunk, "503 Service Unavailable", `Q.850;cause=38`, rating.ReasonTrunk, false},
		{errTrunkFull, "503 Service Unavailable", `Q.850;cause=34`, rating.ReasonTrunk, false},
		{errTrunkGone, "503 Service Unavailable", `Q.850;cause=41`, rating.ReasonTrunk, false},
		{rating.ErrUnavailable, "503 Service Unavailable", `Q.850;cause=41`, rating.ReasonUnavailable, true},
		{errBusy, "503 Service Unavailable", `Q.850;cause=42`, rating.ReasonUnavailable, true},
		{rating.ErrRingTimeout, "480 Temporarily Unavailable", `Q.850;cause=19`, "", false},
		{rating.ErrOwnedElsewhere, "482 Loop Detected", `Q.850;cause=25`, "", false},
		{rating.ErrSettled, "482 Loop Detected", `Q.850;cause=25`, "", false},
		{errors.New("connection refused"), "503 Service Unavailable", `Q.850;cause=41`, rating.ReasonUnavailable, true},
	} {
		f := refusalOf(fmt.Errorf("authorize call 1: %w", c.err), settings)
		if got := fmt.Sprint(f.code, " ", f.phrase); got != c.answer || f.reason != c.cdr {
			t.Errorf("%v: answered %q, CDR %q", c.err, got, f.reason)
		}
		lines := strings.Split(string(f.headers), "\r\n")
		if lines[0] != "Reason: "+c.reason {
			t.Errorf("%v: %q", c.err, lines[0])
		}
		if !strings.HasPrefix(lines[1], `Warning: 399 tollgate "`) || len(lines[1]) < 30 || !strings.HasSuffix(lines[1], `"`) {
			t.Errorf("%v: %q", c.err, lines[1])
		}
		if again := strings.Contains(string(f.headers), "Retry-After: "); again != c.again {
			t.Errorf("%v: Retry-After %v", c.err, again)
		}
		if !strings.HasSuffix(string(f.headers), "\r\n") || f.trunk {
			t.Errorf("%v: %+v", c.err, f)
		}
	}
}

func TestRefusalCodesBySetting(t *testing.T) {
	settings := rating.DefaultSettings()
	for code, phrase := range map[int]string{402: "Payment Required", 403: "Forbidden", 480: "Temporarily Unavailable", 603: "Decline"} {
		settings.InsufficientFundsCode = code
		if f := refusalOf(rating.ErrNoCredit, settings); f.code != code || f.phrase != phrase {
			t.Errorf("no credit with %d: %d %s", code, f.code, f.phrase)
		}
	}
	for code, phrase := range map[int]string{403: "Forbidden", 486: "Busy Here"} {
		settings.LimitCode = code
		if f := refusalOf(rating.ErrLimit, settings); f.code != code || f.phrase != phrase {
			t.Errorf("limit with %d: %d %s", code, f.code, f.phrase)
		}
	}
	if f := refusalOf(rating.ErrLocked, settings); f.code != 403 {
		t.Errorf("a setting changes another refusal: %d", f.code)
	}
}

// Every code that a refusal can have has a phrase; an unlisted error is a fault that is logged.
func TestRefusalsAreComplete(t *testing.T) {
	for _, d := range denials {
		if phrases[d.code] == "" || d.text == "" {
			t.Errorf("%v: code %d, text %q", d.err, d.code, d.text)
		}
		if refusalOf(d.err, rating.Settings{}).unexpected {
			t.Errorf("%v is unexpected", d.err)
		}
	}
	if !refusalOf(errors.New("x"), rating.Settings{}).unexpected {
		t.Error("an unlisted error is expected")
	}
}
