package sipctl_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

const cut = `SIP;cause=402;text="credit exhausted"`

func TestCutWhenTheMoneyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20_000) // two seconds
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	atCarrier, err := leg.Ended(t.Context())
	if err != nil || atCarrier.Reason != cut {
		t.Errorf("the carrier heard %+v %v", atCarrier, err)
	}
	atPhone, err := call.Ended(t.Context())
	if err != nil || atPhone.Reason != cut {
		t.Errorf("the caller heard %+v %v", atPhone, err)
	}
	if talked := leg.Rows()[0].Talked; talked < 2*second || talked > 2250*time.Millisecond {
		t.Errorf("cut after %v, want 2 s to 2.25 s", talked)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Duration != 2 || cdr.Cost != 20_000 || cdr.EndedBy != rating.ByCredit {
		t.Errorf("the record says %+v", cdr)
	}
	if got := w.balance("101"); got != 0 {
		t.Errorf("balance %s", got)
	}
}

func TestRechargeInMidCallExtendsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10_000)
	call := w.phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if _, err := w.ledger.Recharge(t.Context(), rating.Recharge{Key: "k", Amount: 20_000, Payees: []rating.Payee{{Extension: "101"}}, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if _, err := leg.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	if talked := leg.Rows()[0].Talked; talked < 3*second || talked > 3250*time.Millisecond {
		t.Errorf("cut after %v, want 3 s", talked)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Duration != 3 || cdr.EndedBy != rating.ByCredit {
		t.Errorf("the record says %+v", cdr)
	}
}

func TestCallsShareOneBalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 60_000)
	calls := []*siptest.Call{w.phone.Call("91"), w.phone.Call("92"), w.phone.Call("93")}
	for _, call := range calls {
		if _, err := call.Ended(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var sum rating.Money
	for _, cdr := range w.cdrs(3) {
		sum += cdr.Cost
		if cdr.EndedBy != rating.ByCredit {
			t.Errorf("the record says %+v", cdr)
		}
		w.agreed(cdr)
	}
	if left := w.balance("101"); sum+left != 60_000 || left >= 10_000 {
		t.Errorf("charged %s, left %s", sum, left)
	}
}

func TestLimitsCutACall(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*rating.Documents){
		"call_seconds":     func(d *rating.Documents) { d.Settings.DefaultLimits.CallSeconds = 1 },
		"max_call_seconds": func(d *rating.Documents) { d.Settings.MaxCallSeconds = 1 },
		"daily_spend":      func(d *rating.Documents) { d.Settings.DefaultLimits.DailySpend = 10_000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 10*rating.Unit, func(w *world) { w.catalog.edit(edit) })
			call := w.phone.Call("91")
			if _, err := call.Ended(t.Context()); err != nil {
				t.Fatal(err)
			}
			cdr := w.cdrs(1)[0]
			if cdr.EndedBy != rating.ByLimit || cdr.Duration != 1 || cdr.Cost != 10_000 {
				t.Errorf("the record says %+v", cdr)
			}
			w.agreed(cdr)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.extension("102", 0, nil)
	w.extension("103", rating.Unit, func(e *rating.Extension) { e.Status = rating.Locked })
	w.extension("104", rating.Unit, func(e *rating.Extension) { e.Limits.DenyPrefixes = []string{"90"} })
	w.catalog.edit(func(d *rating.Documents) {
		d.Rates[0].Prefix = "9"
		rule := rating.NewDialRule()
		rule.ID, rule.Prefix, rule.Trunks = 2, "8", []string{"T1"}
		d.DialRules = append(d.DialRules, rule)
	})
	for i, c := range []struct {
		name, from, number string
		code               int
		reason             string
		why                rating.Reason
	}{
		{"no money", "102", "91", 402, `Q.850;cause=21;text="insufficient balance"`, rating.ReasonNoCredit},
		{"locked", "103", "91", 403, `Q.850;cause=21;text="extension locked"`, rating.ReasonLocked},
		{"unknown", "999", "91", 403, `Q.850;cause=21;text="unknown extension"`, rating.ReasonUnknownExtension},
		{"no rate", "101", "81", 403, `Q.850;cause=21;text="no rate for destination"`, rating.ReasonNoRate},
		{"denied", "104", "901", 403, `Q.850;cause=21;text="limit reached"`, rating.ReasonLimit},
		{"no number", "101", "abc", 484, `Q.850;cause=28`, rating.ReasonBadNumber},
		{"no route", "101", "71", 404, `Q.850;cause=3`, rating.ReasonNoRoute},
	} {
		m, err := w.phone.Place(siptest.Plan{Number: c.number, From: c.from}).Final(t.Context())
		if err != nil || m.Code != c.code || m.Get("Reason") != c.reason || m.Get("Warning") == "" {
			t.Errorf("%s: %v %v %q %q", c.name, m, err, m.Get("Reason"), m.Get("Warning"))
		}
		cdrs := w.cdrs(i + 1)
		found := false
		for _, cdr := range cdrs {
			if cdr.Reason == c.why && cdr.Extension == c.from {
				found = cdr.Disposition == rating.Rejected && cdr.Cost == 0 && cdr.SIPCode == c.code && cdr.Count == 1 && cdr.CallIDA != ""
			}
		}
		if !found {
			t.Errorf("%s: no good record in %+v", c.name, cdrs)
		}
	}
	if rows, _ := w.carrier.Record(); len(rows) != 0 {
		t.Errorf("the carrier was called: %+v", rows)
	}
}

func TestManyRefusalsAreOneRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.extension("102", 0, nil)
	const tries = 40
	for range tries {
		if m, err := w.phone.Place(siptest.Plan{Number: "91", From: "102"}).Final(t.Context()); err != nil || m.Code != 402 {
			t.Fatal(m, err)
		}
	}
	var total int64
	for deadline := time.Now().Add(5 * second); total < tries && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		total = 0
		for _, cdr := range w.filed() {
			total += cdr.Count
		}
	}
	if n := len(w.filed()); total != tries || n > 20 {
		t.Errorf("%d records for %d refusals, which add up to %d", n, tries, total)
	}
}

func TestUnknownExtensionIsCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Settings.UnknownExtension = rating.Create })
	})
	call := w.phone.Place(siptest.Plan{Number: "91", From: "777"})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = call.Bye(t.Context())
	cdr := w.cdrs(1)[0]
	if cdr.Extension != "777" || cdr.Cost != 0 || cdr.Unbilled == nil || *cdr.Unbilled != rating.BillingDisabled {
		t.Errorf("the record says %+v", cdr)
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		first    siptest.Behaviour
		attempts []rating.Attempt
		code     int // that the caller gets; 200: the second trunk answered
	}{
		{"503", siptest.Reject(503, "Service Unavailable"), []rating.Attempt{{Trunk: "T1", Code: 503}, {Trunk: "T2", Code: 200}}, 200},
		{"408 before any ringing", siptest.Reject(408, "Request Timeout"), []rating.Attempt{{Trunk: "T1", Code: 408}, {Trunk: "T2", Code: 200}}, 200},
		{"a redirect", siptest.Redirect("sip:premium@198.51.100.1"), []rating.Attempt{{Trunk: "T1", Code: 302}, {Trunk: "T2", Code: 200}}, 200},
		{"a challenge", siptest.Challenged("x", siptest.Answer(0)), []rating.Attempt{{Trunk: "T1", Code: 401}, {Trunk: "T2", Code: 200}}, 200},
		{"402", siptest.Reject(402, "Payment Required"), []rating.Attempt{{Trunk: "T1", Code: 402}, {Trunk: "T2", Code: 200}}, 200},
		{"no sign at all", siptest.Silent(), []rating.Attempt{{Trunk: "T1", Code: 0}, {Trunk: "T2", Code: 200}}, 200},
		{"busy", siptest.Busy(), []rating.Attempt{{Trunk: "T1", Code: 486}}, 486},
		{"not found", siptest.Reject(404, "Not Found"), []rating.Attempt{{Trunk: "T1", Code: 404}}, 404},
		{"declined everywhere", siptest.Reject(603, "Decline"), []rating.Attempt{{Trunk: "T1", Code: 603}}, 603},
		{"503 after ringing", siptest.RejectAfter(50*time.Millisecond, 503, "Gone"), []rating.Attempt{{Trunk: "T1", Code: 503}}, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			second := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond}, Default: siptest.Answer(0)}))
			t.Cleanup(second.Close)
			w := newWorld(t, rating.Unit, func(w *world) {
				w.catalog.edit(func(d *rating.Documents) {
					d.Trunks = append(d.Trunks, w.trunkTo("T2", second))
					d.DialRules[0].Trunks = []string{"T1", "T2"}
				})
			})
			w.carrier.On("1", c.first)
			call := w.phone.Call("91")
			m, err := call.Final(t.Context())
			if err != nil || m.Code != c.code {
				t.Fatalf("the caller got %v %v, want %d", m, err, c.code)
			}
			if m.Code == 200 {
				_, _ = call.Bye(t.Context())
			}
			cdr := w.cdrs(1)[0]
			if fmt.Sprint(cdr.Attempts) != fmt.Sprint(c.attempts) || cdr.SIPCode != c.code {
				t.Errorf("attempts %v, code %d, want %v and %d", cdr.Attempts, cdr.SIPCode, c.attempts, c.code)
			}
		})
	}
}

func TestAllTrunksFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		b      siptest.Behaviour
		code   int
		d      rating.Disposition
		reason rating.Reason
	}{
		{"a challenge is not passed on", siptest.Challenged("x", siptest.Answer(0)), 503, rating.Failed, rating.ReasonTrunk},
		{"nor a redirect", siptest.Redirect("sip:premium@198.51.100.1"), 503, rating.Failed, rating.ReasonTrunk},
		{"nor is silence", siptest.Silent(), 503, rating.Failed, rating.ReasonTrunk},
		{"500 is", siptest.Reject(500, "Oops"), 500, rating.Failed, rating.ReasonTrunk},
		{"480 is", siptest.Reject(480, "Away"), 480, rating.NoAnswer, ""},
		{"600 is", siptest.Reject(600, "Busy Everywhere"), 600, rating.Busy, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit)
			w.carrier.On("1", c.b)
			m, err := w.phone.Call("91").Final(t.Context())
			if err != nil || m.Code != c.code || m.Get("Contact") != "" || m.Get("WWW-Authenticate") != "" {
				t.Errorf("the caller got %v %v, want %d", m, err, c.code)
			}
			if cdr := w.free(c.d, rating.ByCallee, c.code); cdr.Reason != c.reason {
				t.Errorf("reason %q, want %q", cdr.Reason, c.reason)
			}
		})
	}
}

func TestRingTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Settings.RingTimeout = 1 })
	})
	w.carrier.On("1", siptest.EarlyMediaForever())
	m, err := w.phone.Call("91").Final(t.Context())
	if err != nil || m.Code != 480 || m.Get("Reason") == "" {
		t.Errorf("the caller got %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if err := leg.Cancelled(t.Context()); err != nil {
		t.Error(err)
	}
	w.free(rating.NoAnswer, rating.ByTimeout, 480)
}

func TestEmergencyCallsPassWithoutMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	w.extension("103", 0, func(e *rating.Extension) { e.Status = rating.Locked })
	for i, c := range []struct{ from, number, sent string }{{"101", "112", "112"}, {"103", "9911", "911"}, {"nobody", "110", "110"}} {
		call := w.phone.Place(siptest.Plan{Number: c.number, From: c.from})
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.number, err)
		}
		_, _ = call.Bye(t.Context())
		cdrs := w.cdrs(i + 1)
		found := false
		for _, cdr := range cdrs {
			found = found || cdr.Dialled == c.number && cdr.Sent == c.sent && cdr.Cost == 0 && cdr.Unbilled != nil && *cdr.Unbilled == rating.EmergencyCall
		}
		if !found {
			t.Errorf("%s: no good record in %+v", c.number, cdrs)
		}
	}
}
