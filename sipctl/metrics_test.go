package sipctl_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// What the metrics say is what the records say, to the last attempt and second.

// shown are the values of all series: `name{label="value"}`, labels in the order of their names; of a histogram _sum and _count.
func (w *world) shown() map[string]float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			labels := labelsOf(m)
			switch {
			case m.Histogram != nil:
				all[f.GetName()+"_sum"+labels], all[f.GetName()+"_count"+labels] = m.Histogram.GetSampleSum(), float64(m.Histogram.GetSampleCount())
			case m.Counter != nil:
				all[f.GetName()+labels] = m.Counter.GetValue()
			default:
				all[f.GetName()+labels] = m.Gauge.GetValue()
			}
		}
	}
	return all
}

func labelsOf(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// counted are the same series, reckoned from records.
func counted(cdrs []rating.CDR) map[string]float64 {
	want := map[string]float64{}
	for _, c := range cdrs {
		want[fmt.Sprintf("tollgate_calls_total{disposition=%q,trunk=%q}", c.Disposition, c.Trunk)] += float64(c.Count)
		for i, a := range c.Attempts {
			want[fmt.Sprintf("tollgate_trunk_attempts_total{outcome=%q,trunk=%q}", c.Outcome(i), a.Trunk)]++
		}
		of := fmt.Sprintf("{trunk=%q}", c.Trunk)
		if c.AnsweredAt != nil {
			want["tollgate_call_duration_seconds_sum"+of] += float64(c.Duration)
			want["tollgate_call_duration_seconds_count"+of]++
		}
		if c.PostDial > 0 {
			want["tollgate_post_dial_delay_seconds_sum"+of] += float64(c.PostDial) / 1000
			want["tollgate_post_dial_delay_seconds_count"+of]++
		}
	}
	return want
}

// agree compares every series of those names.
func (w *world) agree(cdrs []rating.CDR) {
	w.t.Helper()
	want, have := counted(cdrs), w.shown()
	maps.DeleteFunc(have, func(series string, v float64) bool {
		name, _, _ := strings.Cut(series, "{")
		switch name {
		case "tollgate_calls_total", "tollgate_trunk_attempts_total", "tollgate_call_duration_seconds_sum", "tollgate_call_duration_seconds_count",
			"tollgate_post_dial_delay_seconds_sum", "tollgate_post_dial_delay_seconds_count":
			return v == 0 && want[series] == 0
		}
		return true
	})
	near := func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 } // sums of thousandths
	if !maps.EqualFunc(want, have, near) {
		w.t.Errorf("the records say\n%v\nthe metrics say\n%v", want, have)
	}
}

func TestMetricsSayWhatTheRecordsSay(t *testing.T) {
	w := newWorld(t, rating.Unit, secondTrunk)
	w.extension("102", 0, nil)
	w.extension("103", 20_000, nil)
	for number, b := range map[string]siptest.Behaviour{"2": siptest.Busy(), "3": siptest.RingForever(), "4": siptest.TryingForever(), "5": siptest.Reject(404, "Not Found"),
		"6": siptest.Overloaded("0"), "7": siptest.Silent(), "8": siptest.RejectAfter(10*time.Millisecond, 480, "Not There"), "201": siptest.AnswerDespiteCancel(300 * time.Millisecond)} {
		w.carrier.On(number, b)
	}
	ctx := t.Context()
	for _, number := range []string{"91", "96", "97"} { // at once, by failover, after silence
		call := w.phone.Call(number)
		must(call.Answered(ctx))
		must(call.Bye(ctx))
	}
	for _, number := range []string{"92", "95", "98", "1"} { // the last one has no route
		must(w.phone.Call(number).Final(ctx))
	}
	for _, number := range []string{"93", "94", "9201"} {
		call := w.phone.Call(number)
		if number == "94" {
			must(call.WaitFor(ctx, 100))
			must(w.carrier.Await(ctx, "4"))
			time.Sleep(50 * time.Millisecond) // the trunk's 100 is not passed on
		} else {
			must(call.Ringing(ctx))
		}
		must(call.Cancel(ctx))
	}
	must(w.newPhone(siptest.PhoneConfig{User: "102"}).Call("91").Final(ctx))
	cut := w.newPhone(siptest.PhoneConfig{User: "103"}).Call("91")
	must(cut.Answered(ctx))
	must(cut.Ended(ctx))
	cdrs := w.cdrs(12)
	w.agree(cdrs)
	have := w.shown()
	for series, want := range map[string]float64{
		`tollgate_invites_total{result="answered"}`: 4, `tollgate_invites_total{result="no_credit"}`: 1, `tollgate_invites_total{result="no_route"}`: 1,
		`tollgate_trunk_attempts_total{outcome="answered",trunk="T1"}`: 2, `tollgate_trunk_attempts_total{outcome="failed",trunk="T1"}`: 3,
		`tollgate_trunk_attempts_total{outcome="cancelled",trunk="T1"}`: 2, `tollgate_trunk_attempts_total{outcome="abandoned",trunk="T1"}`: 1,
		`tollgate_trunk_attempts_total{outcome="answered",trunk="T2"}`: 2, `tollgate_cutoffs_total{reason="credit"}`: 1,
		`tollgate_cutoff_lateness_seconds_count`: 1, `tollgate_trunk_calls_active{trunk="T1"}`: 0, `tollgate_calls_active`: 0,
	} {
		if have[series] != want {
			t.Errorf("%s is %v, want %v", series, have[series], want)
		}
	}
	for _, series := range []string{`tollgate_sip_responses_total{code="402"}`, `tollgate_sip_responses_total{code="404"}`, `tollgate_sip_responses_total{code="503"}`,
		`tollgate_sip_requests_total{method="INVITE"}`, `tollgate_sip_requests_total{method="CANCEL"}`, `tollgate_sip_requests_total{method="ACK"}`,
		`tollgate_authorize_seconds_count`} {
		if have[series] == 0 {
			t.Errorf("%s has not moved", series)
		}
	}
}

func TestADeletedTrunkIsShownNoMore(t *testing.T) {
	w := newWorld(t, rating.Unit, secondTrunk)
	call := w.phone.Call("91")
	must(call.Answered(t.Context()))
	must(call.Bye(t.Context()))
	w.cdrs(1)
	w.catalog.edit(func(d *rating.Documents) { d.Trunks, d.DialRules = d.Trunks[1:], nil })
	for deadline := time.Now().Add(5 * second); ; time.Sleep(10 * time.Millisecond) {
		left := ""
		for series := range w.shown() {
			if strings.Contains(series, `trunk="T1"`) {
				left = series
			}
		}
		if left == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still shown", left)
		}
	}
	if _, there := w.shown()[`tollgate_trunk_calls_active{trunk="T2"}`]; !there {
		t.Error("the other trunk is gone too")
	}
}

// secondTrunk adds T2, to another carrier, behind T1.
func secondTrunk(w *world) {
	other := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond, Patience: 20 * second, Ladder: w.ladder}, Default: siptest.Answer(20 * time.Millisecond)}))
	w.t.Cleanup(other.Close)
	w.catalog.edit(func(d *rating.Documents) {
		d.Trunks = append(d.Trunks, w.trunkTo("T2", other))
		d.DialRules[0].Trunks = []string{"T1", "T2"}
	})
}
