package rating

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	perMinuteAndUnits = Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	answered          = time.Date(2019, 5, 31, 15, 3, 31, 0, time.UTC)
)

func talking(id string, tariff Tariff, units int64, since time.Time) LiveCall {
	return LiveCall{ID: CallID(id), State: Talking, AnsweredAt: &since, Tariff: tariff, Units: units}
}

func TestReckonOneCall(t *testing.T) {
	for _, c := range []struct {
		name      string
		call      LiveCall
		available Money
		at        time.Duration // since the answer
		cost      Money
		deadline  time.Duration // since the answer; 0 = none
	}{
		{"a call that rings costs nothing and has no deadline", LiveCall{Tariff: perMinuteAndUnits}, 0, 0, 0, 0},
		{"nothing left: the deadline is the end of what is paid", talking("a", perMinuteAndUnits, 0, answered), 0, time.Second, 100_000, 60 * time.Second},
		{"0.05 left of 0.15 buys two units: 170 s", talking("a", perMinuteAndUnits, 0, answered), 50_000, time.Second, 100_000, 170 * time.Second},
		{"units held ahead count once", talking("a", perMinuteAndUnits, 1, answered), 30_000, 61 * time.Second, 120_000, 170 * time.Second},
		{"held ahead, but not begun yet: not charged so far", talking("a", perMinuteAndUnits, 2, answered), 0, 60 * time.Second, 100_000, 170 * time.Second},
		{"overdue: never more than what is paid for", talking("a", perMinuteAndUnits, 1, answered), 0, time.Hour, 120_000, 115 * time.Second},
		{"money for longer than any call lasts is no end in sight", talking("a", perMinuteAndUnits, 0, answered), MaxMoney, time.Second, 100_000, 0},
		{"negative available, after credit was lowered", talking("a", perMinuteAndUnits, 1, answered), -5 * Unit, 61 * time.Second, 120_000, 115 * time.Second},
		{"a call that costs only at the start has no end", talking("a", Tariff{InitialCost: Unit, InitialTime: 60}, 0, answered), 0, time.Hour, Unit, 0},
		{"an unbilled call has no end", talking("a", Tariff{}, 0, answered), 0, time.Hour, 0, 0},
	} {
		calls := []LiveCall{c.call}
		Reckon(calls, c.available, answered.Add(c.at))
		got := time.Duration(0)
		if calls[0].DeadlineAt != nil {
			got = calls[0].DeadlineAt.Sub(answered)
		}
		if calls[0].CostSoFar != c.cost || got != c.deadline {
			t.Errorf("%s: cost %s, deadline after %s; want %s, %s", c.name, calls[0].CostSoFar, got, c.cost, c.deadline)
		}
	}
}

// reckonStepwise buys one unit after the other in the order in which they begin: slow, and obviously right.
func reckonStepwise(calls []LiveCall, available Money) map[CallID]time.Time {
	deadlines := map[CallID]time.Time{}
	running := slices.Clone(calls)
	for len(running) > 0 {
		next := func(c LiveCall) time.Time {
			return c.AnsweredAt.Add(time.Duration(c.Tariff.InitialTime+c.Units*c.Tariff.BillingUnit) * time.Second)
		}
		slices.SortFunc(running, func(a, b LiveCall) int { return cmp.Or(next(a).Compare(next(b)), cmp.Compare(a.ID, b.ID)) })
		c := &running[0]
		switch {
		case next(*c).Sub(*c.AnsweredAt) >= maxCallSeconds*time.Second:
			running = running[1:]
		case c.Tariff.PerUnit > available:
			deadlines[c.ID] = next(*c)
			running = running[1:]
		default:
			available -= c.Tariff.PerUnit
			c.Units++
		}
	}
	return deadlines
}

func TestReckonManyCallsIsBuyingUnitByUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var calls []LiveCall
		for i := range rapid.IntRange(1, 5).Draw(t, "calls") {
			tariff := Tariff{InitialTime: rapid.Int64Range(0, 90).Draw(t, "initial"), PerUnit: Money(rapid.Int64Range(1, 9).Draw(t, "price")),
				BillingUnit: rapid.Int64Range(1, 60).Draw(t, "unit")}
			since := answered.Add(time.Duration(rapid.Int64Range(0, 40_000).Draw(t, "ms")) * time.Millisecond / 10 * 10)
			calls = append(calls, talking(fmt.Sprint("c", i), tariff, rapid.Int64Range(0, 3).Draw(t, "units"), since))
		}
		available := Money(rapid.Int64Range(-5, 200).Draw(t, "available"))
		want := reckonStepwise(calls, available)
		Reckon(calls, available, answered)
		spent := Money(0)
		for _, c := range calls {
			deadline, ok := want[c.ID]
			if (c.DeadlineAt != nil) != ok || (ok && !c.DeadlineAt.Equal(deadline)) {
				t.Fatalf("call %s: deadline %v, unit by unit %v (ok %v)", c.ID, c.DeadlineAt, deadline, ok)
			}
			if ok {
				spent += c.Tariff.CostOfUnits(c.Tariff.Units(int64(c.DeadlineAt.Sub(*c.AnsweredAt)/time.Second))) - c.Tariff.CostOfUnits(c.Units)
			}
		}
		if spent > max(available, 0) {
			t.Fatalf("until the deadlines the calls spend %d of %d", spent, available)
		}
	})
}

func TestNewLiveCallFromAHold(t *testing.T) {
	h := Hold{Call: "c1", Extension: "101", Node: "gw1", Amount: 100_000, Units: 2, Tariff: perMinuteAndUnits, Started: answered.Add(-9 * time.Second),
		Draft: CDR{Username: "Extension1", Dialled: "988360046", Trunk: "FXO-1"}}
	ringing := NewLiveCall(h)
	if ringing.State != Ringing || ringing.AnsweredAt != nil || ringing.Username != "Extension1" || ringing.Dialled != "988360046" || ringing.Trunk != "FXO-1" {
		t.Errorf("ringing: %+v", ringing)
	}
	h.Answered = answered
	if c := NewLiveCall(h); c.State != Talking || !c.AnsweredAt.Equal(answered) || c.Held != 100_000 || c.Tariff != perMinuteAndUnits {
		t.Errorf("talking: %+v", c)
	}
	h.Unbilled = FreeRate
	if c := NewLiveCall(h); c.Tariff != (Tariff{}) {
		t.Errorf("an unbilled call carries a tariff: %+v", c.Tariff)
	}
}

func BenchmarkReckon(b *testing.B) {
	calls := make([]LiveCall, 1000)
	for i := range calls {
		calls[i] = talking(fmt.Sprint(i), perMinuteAndUnits, 0, answered.Add(time.Duration(i)*time.Millisecond))
	}
	for b.Loop() {
		Reckon(calls, 1000*Unit, answered)
	}
}
