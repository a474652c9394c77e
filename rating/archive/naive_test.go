package archive

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// everythingOnce fails unless the archive holds exactly the records of the world, and sums that are theirs in a zone.
func everythingOnce(t testing.TB, a *Archive, w *world, location *time.Location) {
	t.Helper()
	var got []rating.CDR
	for c, err := range a.AllCalls(t.Context(), CallFilter{Disposition: AnyDisposition}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	want := selected(w.cdrs(), CallFilter{Disposition: AnyDisposition})
	sameCalls(t, got, want)
	var entries int64
	for _, f := range w.filed {
		if f.Entry != nil {
			entries++
		}
	}
	if have := rows(t, a, "entries"); have != entries {
		t.Errorf("the archive has %d journal lines, want %d", have, entries)
	}
	for _, by := range []string{ByDay, ByMonth, ByYear} {
		for _, extension := range []string{"", "100", "103", "999"} {
			f := StatFilter{By: by, Extension: extension}
			sameStatistics(t, allStatistics(t, a, f), summedUp(w.cdrs(), f, location))
		}
	}
}

// selected is Calls by the plainest means: all calls, filtered and sorted.
func selected(all []rating.CDR, f CallFilter) []rating.CDR {
	var list []rating.CDR
	for _, c := range all {
		if (f.From.IsZero() || !c.StartedAt.Before(f.From)) && (f.To.IsZero() || c.StartedAt.Before(f.To)) &&
			(f.Disposition == AnyDisposition || string(c.Disposition) == cmp.Or(f.Disposition, "answered")) && mentions(c.Extension, c.Username, f.Q) {
			list = append(list, c)
		}
	}
	field, descending := strings.CutPrefix(cmp.Or(f.Sort, "-started_at"), "-")
	slices.SortStableFunc(list, func(x, y rating.CDR) int {
		by := map[string]int{"started_at": x.StartedAt.Compare(y.StartedAt), "duration": cmp.Compare(x.Duration, y.Duration), "cost": cmp.Compare(x.Cost, y.Cost)}[field]
		if descending {
			by = -by
		}
		return by
	})
	return list
}

func mentions(extension, username, q string) bool {
	q = strings.ToLower(strings.TrimSpace(q))
	return strings.Contains(strings.ToLower(extension), q) || strings.Contains(strings.ToLower(username), q)
}

// summedUp is Statistics by the plainest means.
func summedUp(all []rating.CDR, f StatFilter, location *time.Location) []Statistic {
	layout := map[string]string{ByDay: "2006-01-02", ByMonth: "2006-01", ByYear: "2006", "": "2006-01-02"}[f.By]
	sums := make(map[string]*Statistic)
	name := ""
	var latest time.Time
	for _, c := range all {
		local := c.StartedAt.In(location)
		day := local.Format(time.DateOnly)
		if f.Extension != "" && c.Extension != f.Extension {
			continue
		}
		if !c.StartedAt.Before(latest) {
			name, latest = c.Username, c.StartedAt
		}
		if c.Disposition != rating.Answered || f.From != "" && day < f.From || f.To != "" && day > f.To {
			continue
		}
		key := local.Format(layout)
		if sums[key] == nil {
			sums[key] = &Statistic{Date: key}
		}
		sums[key].Calls++
		sums[key].TotalSeconds += c.Duration
		sums[key].TotalCost += c.Cost
	}
	var list []Statistic
	for _, s := range sums {
		s.Extension, s.Username = cmp.Or(f.Extension, "All"), name
		if f.Extension == "" {
			s.Username = ""
		}
		s.AverageSeconds = rating.AverageSeconds(s.TotalSeconds, s.Calls)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Statistic) int { return cmp.Compare(b.Date, a.Date) })
	return list
}

func allStatistics(t testing.TB, a *Archive, f StatFilter) (list []Statistic) {
	t.Helper()
	for s, err := range a.AllStatistics(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func sameStatistics(t testing.TB, got, want []Statistic) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("statistics are\n%+v, want\n%+v", got, want)
	}
}

// sameCalls compares lists whose calls all started at different times, field by field.
func sameCalls(t testing.TB, got, want []rating.CDR) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d calls, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("call %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}
