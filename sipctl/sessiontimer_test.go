package sipctl_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

func sessionExpires(value string) siptest.Header {
	return siptest.Header{Name: "Session-Expires", Value: value}
}

// timed answers at once and agrees on a session timer.
func timed(value string) siptest.Behaviour {
	b := siptest.Answer(0)
	b.Headers = []siptest.Header{sessionExpires(value), {Name: "Require", Value: "timer"}}
	return b
}

func TestASessionThatNobodyRefreshesEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		seconds     int64 // billed
	}{
		{"the caller was to refresh it: he is charged to our BYE", "1;refresher=uac", 1},
		{"the trunk was: it is charged to its last sign of life", "2;refresher=uas", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit)
			w.carrier.On("1", timed(c.value))
			call := w.phone.Place(siptest.Plan{Number: "91", Headers: []siptest.Header{sessionExpires("90"), {Name: "Supported", Value: "timer"}}})
			m, err := call.Answered(t.Context())
			if err != nil || m.Code != 200 || m.Get("Session-Expires") != c.value || m.Get("Require") != "timer" {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			end, err := call.Ended(t.Context())
			if err != nil || end.By != siptest.Remote {
				t.Fatalf("%+v %v", end, err)
			}
			cdr := w.cdrs(1)[0]
			if cdr.EndedBy != rating.ByTimeout || cdr.Duration > c.seconds+1 || cdr.Duration < c.seconds {
				t.Errorf("billed %d s, ended by %s", cdr.Duration, cdr.EndedBy)
			}
			rows, _ := w.carrier.Record()
			if rows[0].EndedBy != siptest.Remote {
				t.Errorf("%+v", rows[0])
			}
		})
	}
}

func TestARefreshedSessionGoesOn(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"INVITE", "UPDATE"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit)
			b := timed("2;refresher=uac")
			b.Replies = siptest.Replies{method: {Headers: b.Headers}}
			w.carrier.On("1", b)
			call := w.phone.Call("91")
			if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			for range 3 {
				time.Sleep(1200 * time.Millisecond)
				var m *siptest.Message
				var err error
				if method == "INVITE" {
					m, err = call.Reinvite(t.Context(), siptest.Body{}, sessionExpires("2;refresher=uac"))
				} else {
					m, err = call.Request(t.Context(), method, siptest.Body{}, sessionExpires("2;refresher=uac"))
				}
				if err != nil || m.Code != 200 || m.Get("Session-Expires") == "" {
					t.Fatalf("%s: %v %v", method, m, err)
				}
			}
			if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("BYE: %v %v", m, err)
			}
			cdr := w.cdrs(1)[0]
			if cdr.EndedBy != rating.ByCaller || cdr.Duration < 3 {
				t.Errorf("billed %d s, ended by %s", cdr.Duration, cdr.EndedBy)
			}
		})
	}
}

func TestATooShortSessionIsRefusedByTheTrunkAndTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	b := timed("1800;refresher=uas")
	b.Demand = &siptest.Challenge{Code: 422, Header: siptest.Header{Name: "Min-SE", Value: "1800"},
		Accept: func(m *siptest.Message) bool { return m.Get("Min-SE") == "1800" }}
	w.carrier.On("1", b)
	plan := siptest.Plan{Number: "91", Headers: []siptest.Header{sessionExpires("90"), {Name: "Supported", Value: "timer"}}}
	m, err := w.phone.Place(plan).Final(t.Context())
	if err != nil || m.Code != 422 || m.Get("Min-SE") != "1800" {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	plan.Headers = append(plan.Headers, siptest.Header{Name: "Min-SE", Value: "1800"})
	call := w.phone.Place(plan)
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE again: %v %v", m, err)
	}
	call.Bye(t.Context())
	w.cdrs(2)
}

func TestALegWithASessionTimerIsNotAsked(t *testing.T) {
	t.Parallel()
	for _, timer := range []bool{true, false} {
		w := newWorld(t, rating.Unit, func(w *world) {
			w.catalog.edit(func(d *rating.Documents) { d.Settings.KeepaliveInterval = 1 })
		})
		if timer {
			w.carrier.On("1", timed("90;refresher=uas"))
		}
		call := w.phone.Call("91")
		if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
		time.Sleep(2500 * time.Millisecond)
		asked := 0
		for _, m := range call.Requests() {
			if m.Method == "OPTIONS" {
				asked++
			}
		}
		if timer != (asked == 0) {
			t.Errorf("with a timer %v: asked %d times", timer, asked)
		}
		call.Bye(t.Context())
		w.cdrs(1)
	}
}

func TestASessionTimerSurvivesTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", timed("90;refresher=uac"))
	call := w.phone.Call("91")
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	holds, err := w.ledger.CallsOf(t.Context(), "gw1")
	if err != nil || len(holds) != 1 {
		t.Fatalf("%d calls: %v", len(holds), err)
	}
	if text := string(holds[0].Dialog); !containsAll(text, `"interval":90`, `"refresher":"caller"`) {
		t.Errorf("stored: %s", text)
	}
	call.Bye(t.Context())
	w.cdrs(1)
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
