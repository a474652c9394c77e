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
	for c, err := range a.AllCalls(t.Context(), rating.CallQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	want := selected(w.cdrs(), rating.CallQuery{})
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
	for _, by := range []rating.Span{rating.ByDay, rating.ByMonth, rating.ByYear} {
		for _, extension := range []string{"", "100", "103", "999"} {
			f := rating.StatisticsQuery{By: by, Extension: extension}
			sameStatistics(t, allStatistics(t, a, f), summedUp(w.cdrs(), f, location))
		}
	}
}

// selected is Calls by the plainest means: all calls, filtered and sorted.
func selected(all []rating.CDR, f rating.CallQuery) []rating.CDR {
	var list []rating.CDR
	for _, c := range all {
		if (f.From.IsZero() || !c.StartedAt.Before(f.From)) && (f.Before.IsZero() || c.StartedAt.Before(f.Before)) &&
			(f.Disposition == "" || c.Disposition == f.Disposition) && mentions(c.Extension, c.Username, f.Q) {
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
func summedUp(all []rating.CDR, f rating.StatisticsQuery, location *time.Location) []rating.StatisticsRow {
	layout := map[rating.Span]string{rating.ByDay: "2006-01-02", rating.ByMonth: "2006-01", rating.ByYear: "2006", "": "2006-01-02"}[f.By]
	sums := make(map[string]*rating.StatisticsRow)
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
			sums[key] = &rating.StatisticsRow{Date: key}
		}
		sums[key].Calls++
		sums[key].TotalSeconds += c.Duration
		sums[key].TotalCost += c.Cost
	}
	var list []rating.StatisticsRow
	for _, s := range sums {
		s.Extension, s.Username = cmp.Or(f.Extension, "All"), name
		if f.Extension == "" {
			s.Username = ""
		}
		s.AverageSeconds = rating.AverageSeconds(s.TotalSeconds, s.Calls)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b rating.StatisticsRow) int { return cmp.Compare(b.Date, a.Date) })
	return list
}

func allStatistics(t testing.TB, a *Archive, f rating.StatisticsQuery) (list []rating.StatisticsRow) {
	t.Helper()
	for s, err := range a.AllStatistics(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func sameStatistics(t testing.TB, got, want []rating.StatisticsRow) {
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
