package rating

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The guide's rate: 0.1 for the first minute, then 0.02 for every 55 seconds begun.
var guide = Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}

func TestCostOfTheWorkedExamples(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0.0000", 1: "0.1000", 60: "0.1000", 61: "0.1200", 115: "0.1200", 116: "0.1400", 238: "0.1800"} {
		if got := guide.Cost(seconds).String(); got != want {
			t.Errorf("%d s cost %s, want %s", seconds, got, want)
		}
	}
}

func TestTalkTimeOfTheWorkedExamples(t *testing.T) {
	for funds, want := range map[Money]int64{150_000: 170, 240_000: 445, 1_000_000: 2535, 99_999: 0, 100_000: 60} {
		if got, bounded := guide.TalkTime(funds); got != want || !bounded {
			t.Errorf("%s lasts %d s (bounded %v), want %d s", funds, got, bounded, want)
		}
	}
}

func TestFirstCharge(t *testing.T) {
	for _, c := range []struct {
		name   string
		tariff Tariff
		units  int64
		charge Money
	}{
		{"initial cost and time", guide, 0, 100_000},
		{"no initial time: the first unit begins at the answer", Tariff{PerUnit: 10, BillingUnit: 60}, 1, 10},
		{"set-up fee without time adds the first unit", Tariff{InitialCost: 5, PerUnit: 10, BillingUnit: 60}, 1, 15},
		{"free initial time: the first unit that costs must be affordable", Tariff{InitialTime: 60, PerUnit: 10, BillingUnit: 6}, 1, 10},
		{"flat fee", Tariff{InitialCost: 7, InitialTime: 60}, 0, 7},
		{"wholly free", Tariff{InitialTime: 60, BillingUnit: 60}, 0, 0},
	} {
		if units, charge := c.tariff.FirstUnits(), c.tariff.FirstCharge(); units != c.units || charge != c.charge {
			t.Errorf("%s: %d units, %d; want %d units, %d", c.name, units, charge, c.units, c.charge)
		}
	}
}

func TestBilledSecondsCountsEveryBegunSecond(t *testing.T) {
	for talked, want := range map[time.Duration]int64{-time.Second: 1, 0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 59*time.Second + 1: 60, time.Minute: 60} {
		if got := BilledSeconds(talked); got != want {
			t.Errorf("BilledSeconds(%v) = %d, want %d", talked, got, want)
		}
	}
}

func TestAverageIsRoundedHalfUp(t *testing.T) {
	for _, c := range [][3]int64{{742, 5, 148}, {277, 2, 139}, {0, 3, 0}, {5, 0, 0}, {1, 2, 1}, {1, 3, 0}} {
		if got := AverageSeconds(c[0], c[1]); got != c[2] {
			t.Errorf("%d s in %d calls average %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

// anyTariff draws a valid tariff, with the edges often.
func anyTariff(t *rapid.T) Tariff {
	seconds := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, 6, 30, 60, MaxTariffSeconds}), rapid.Int64Range(0, MaxTariffSeconds))
	price := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, int64(MaxPrice)}), rapid.Int64Range(0, int64(MaxPrice)))
	return Tariff{Money(price.Draw(t, "initial cost")), seconds.Draw(t, "initial time"), Money(price.Draw(t, "rate")), max(1, seconds.Draw(t, "unit"))}
}

func TestTalkTimeInvertsCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff := anyTariff(t)
		funds := Money(rapid.OneOf(rapid.Int64Range(0, int64(MaxPrice)*4), rapid.Int64Range(0, 1000)).Draw(t, "funds"))
		talk, bounded := tariff.TalkTime(funds)
		if !bounded {
			if tariff.Cost(1<<40) > funds {
				t.Fatalf("%+v: %s is said to last for ever", tariff, funds)
			}
			return
		}
		if tariff.Cost(talk) > funds || tariff.Cost(talk+1) <= funds {
			t.Fatalf("%+v: %s lasts %d s, which cost %s, and one more %s", tariff, funds, talk, tariff.Cost(talk), tariff.Cost(talk+1))
		}
	})
}

func TestCostNeverDecreases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, d := anyTariff(t), rapid.Int64Range(0, 1_000_000).Draw(t, "seconds")
		if tariff.Cost(d+1) < tariff.Cost(d) {
			t.Fatalf("%+v: %d s cost %s, one more %s", tariff, d, tariff.Cost(d), tariff.Cost(d+1))
		}
	})
}

// A unit is paid before it begins: what units pay for ends exactly where the next unit would begin.
func TestUnitsArePaidBeforeTheyBegin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, units := anyTariff(t), rapid.Int64Range(0, 10_000).Draw(t, "units")
		paid, bounded := tariff.PaidFor(units)
		if !bounded {
			return
		}
		if tariff.Units(paid) > units || tariff.Units(paid+1) != units+1 {
			t.Fatalf("%+v: %d units pay for %d s; then %d units have begun, a second later %d", tariff, units, paid, tariff.Units(paid), tariff.Units(paid+1))
		}
	})
}

func TestCostAndMatchDoNotAllocate(t *testing.T) {
	index := NewRateIndex(manyRates(1000))
	if n := testing.AllocsPerRun(100, func() {
		_ = guide.Cost(238)
		_, _ = guide.TalkTime(150_000)
		_, _ = index.Match(RateQuery{"101", "98836004612", 12 * 3600})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The tariff and the result leave the loop, so that the compiler cannot leave the work out.
func BenchmarkCost(b *testing.B) {
	tariff, seconds := guide, int64(0)
	for b.Loop() {
		seconds = (seconds + 61) & 4095
		if tariff.Cost(seconds) < 0 {
			b.Fatal("a call costs less than nothing")
		}
	}
}
