package rating

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawRate(t *rapid.T, id int64) Rate {
	r := rate(id, rapid.SampledFrom([]string{"", "9", "98", "981", "+9", "8"}).Draw(t, "prefix"), rapid.SampledFrom([]int{0, 3, 4}).Draw(t, "length"))
	r.Extensions = rapid.SampledFrom([][]string{{"*"}, {"101"}, {"102", "101"}, {}}).Draw(t, "extensions")
	r.Active = rapid.IntRange(0, 4).Draw(t, "active") > 0
	return r
}

// An index that was changed rate by rate answers like one built anew, and the older one still answers as before.
func TestChangedIndexEqualsOneBuiltAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := make(map[int64]Rate)
		x := NewRateIndex(nil)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			before, beforeHeld := x, maps.Clone(held)
			changed := make(map[int64]*Rate)
			for _, id := range rapid.SliceOfN(rapid.Int64Range(1, 12), 1, 4).Draw(t, "ids") {
				r := drawRate(t, id)
				changed[id] = &r
				if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
					changed[id] = nil
				}
			}
			overlayValues(held, changed)
			x = x.With(changed)
			sameAnswers(t, x, held)
			sameAnswers(t, before, beforeHeld)
		}
	})
}

func overlayValues(held map[int64]Rate, changed map[int64]*Rate) {
	for id, r := range changed {
		if r == nil {
			delete(held, id)
		} else {
			held[id] = *r
		}
	}
}

func sameAnswers(t *rapid.T, x *RateIndex, held map[int64]Rate) {
	anew := NewRateIndex(slices.Collect(maps.Values(held)))
	if !slices.EqualFunc(x.Rates(), anew.Rates(), func(a, b Rate) bool { return reflect.DeepEqual(a, b) }) {
		t.Fatalf("rates are %v, want %v", x.Rates(), anew.Rates())
	}
	for _, number := range []string{"9", "98", "981", "9811", "+981", "811", "7"} {
		for _, extension := range []string{"101", "102", "103"} {
			q := RateQuery{extension, number, noon}
			got, _ := x.Match(q)
			want, _ := anew.Match(q)
			if (got == nil) != (want == nil) || got != nil && got.ID != want.ID {
				t.Fatalf("%+v: matched %v, want %v", q, got, want)
			}
		}
	}
}

func TestSnapshotWithAChangeLeavesTheOldOneAlone(t *testing.T) {
	settings := DefaultSettings()
	old := NewSnapshot(Documents{Version: 1, Settings: settings, Extensions: []Extension{NewExtension("101"), NewExtension("102")}})
	e := NewExtension("101")
	e.Status = Locked
	settings.Timezone = "Asia/Shanghai"
	r := rate(1, "9", 0)
	next := old.With(Change{Version: 2, Settings: &settings, Extensions: map[string]*Extension{"101": &e, "102": nil}, Rates: map[int64]*Rate{1: &r},
		Plan: NewDialPlan(nil, []Trunk{{Name: "a"}}), Billing: &Billing{Active: true}})
	if e, _ := old.Extension("101"); e.Status != Unlocked || old.Extensions() != 2 || old.Version != 1 || old.Location().String() != "UTC" ||
		len(old.Rates.Rates()) != 0 || len(old.Plan.Trunks()) != 0 || old.Billing.Active {
		t.Errorf("the old snapshot changed: %+v", old)
	}
	if e, _ := next.Extension("101"); e.Status != Locked || next.Extensions() != 1 || next.Version != 2 || next.Location().String() != "Asia/Shanghai" ||
		len(next.Rates.Rates()) != 1 || len(next.Plan.Trunks()) != 1 || !next.Billing.Active {
		t.Errorf("the new snapshot lacks something: %+v", next)
	}
	if again := NewSnapshot(next.Documents()); again.Extensions() != 1 || again.Version != 2 || len(again.Rates.Rates()) != 1 || len(again.Plan.Trunks()) != 1 {
		t.Errorf("Documents lost something: %+v", again)
	}
}

// Whether strangers are challenged is known without looking at every extension, however the snapshot came about.
func TestSIPPasswordsAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSnapshot(Documents{Settings: DefaultSettings()})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			changed := map[string]*Extension{}
			for _, number := range rapid.SliceOfN(rapid.SampledFrom([]string{"101", "102", "103"}), 1, 3).Draw(t, "numbers") {
				e := NewExtension(number)
				switch rapid.IntRange(0, 2).Draw(t, "kind") {
				case 0:
					e.Digest = Digest{SHA256: "a", MD5: "b"}
					changed[number] = &e
				case 1:
					changed[number] = &e
				case 2:
					changed[number] = nil
				}
			}
			s = s.With(Change{Extensions: changed})
			any := false
			s.Each(func(e *Extension) bool { any = any || e.Digest.Set(); return true })
			if again := NewSnapshot(s.Documents()); s.AnyDigest() != any || again.AnyDigest() != any {
				t.Fatalf("AnyDigest %v, built anew %v, want %v", s.AnyDigest(), again.AnyDigest(), any)
			}
		}
	})
}
