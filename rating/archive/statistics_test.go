package archive

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/rating"
)

func TestStatisticsAreThoseOfAPlainSum(t *testing.T) { onBoth(t, testStatisticsAreThoseOfAPlainSum) }

func testStatisticsAreThoseOfAPlainSum(t *testing.T) {
	for _, name := range []string{"Asia/Kathmandu", "Europe/Berlin"} {
		location := zone(t, name)
		a, w := filled(t, 31, 300, Options{Location: location})
		r := rand.New(rand.NewPCG(4, 4))
		for range 20 {
			f := rating.StatisticsQuery{By: []rating.Span{"", rating.ByDay, rating.ByMonth, rating.ByYear}[r.IntN(4)], Extension: []string{"", "100", "107", "10", "none"}[r.IntN(5)]}
			if r.IntN(2) == 0 {
				f.From = dateOf(w.filed[r.IntN(len(w.filed))], location)
			}
			if r.IntN(2) == 0 {
				f.To = dateOf(w.filed[r.IntN(len(w.filed))], location)
			}
			want := summedUp(w.cdrs(), f, location)
			sameStatistics(t, allStatistics(t, a, f), want)
			f.Page, f.PerPage = 1+r.IntN(4), 5
			page, total, err := a.Statistics(t.Context(), f)
			if err != nil || total != int64(len(want)) {
				t.Fatalf("%+v: %d rows, err %v; want %d", f, total, err, len(want))
			}
			begin := min((f.Page-1)*5, len(want))
			sameStatistics(t, page, want[begin:min(begin+5, len(want))])
		}
	}
}

// The two calls of extension 102 in the guide: 0:04:37 in all, 0:02:19 on average, 0.24.
func TestStatisticsOfTheGuide(t *testing.T) { onBoth(t, testStatisticsOfTheGuide) }

func testStatisticsOfTheGuide(t *testing.T) {
	a, box := open(t, Options{}), newOutbox(1)
	w := newWorld(1, 1, 1)
	for i, call := range []struct {
		extension string
		seconds   int64
		cost      rating.Money
	}{{"102", 238, 140_000}, {"102", 39, 100_000}, {"101", 200, 80_000}, {"101", 200, 80_000}, {"101", 65, 70_000}} {
		at := time.Date(2019, 5, 31, 15, i, 0, 0, time.UTC)
		f := w.file(&account{"Extension2", rating.Account{Extension: call.extension}}, nil, &rating.CDR{ID: rating.CallID(rune('a' + i)),
			Extension: call.extension, Username: "Extension2", StartedAt: at, AnsweredAt: &at, EndedAt: &at, Duration: call.seconds, Cost: call.cost, Disposition: rating.Answered, Count: 1})
		f.Shard = 0
		box.add(f)
	}
	unanswered := w.file(&account{"", rating.Account{Extension: "102"}}, nil, &rating.CDR{ID: "u", Extension: "102", Username: "Extension2", StartedAt: w.now, Disposition: rating.Busy, Duration: 9})
	unanswered.Shard = 0
	box.add(unanswered)
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		filter rating.StatisticsQuery
		want   string
	}{
		{rating.StatisticsQuery{From: "2019-05-31", To: "2019-05-31"}, `[{"date":"2019-05-31","extension":"All","username":"","calls":5,"total_seconds":742,"average_seconds":148,"total_cost":"0.4700"}]`},
		{rating.StatisticsQuery{From: "2019-05-31", To: "2019-05-31", Extension: "102"}, `[{"date":"2019-05-31","extension":"102","username":"Extension2","calls":2,"total_seconds":277,"average_seconds":139,"total_cost":"0.2400"}]`},
		{rating.StatisticsQuery{Extension: "102", By: rating.ByMonth}, `[{"date":"2019-05","extension":"102","username":"Extension2","calls":2,"total_seconds":277,"average_seconds":139,"total_cost":"0.2400"}]`},
		{rating.StatisticsQuery{From: "2019-06-01"}, `[]`},
	} {
		list, _, err := a.Statistics(t.Context(), tc.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(append([]rating.StatisticsRow{}, list...)); string(got) != tc.want {
			t.Errorf("%+v gives\n%s, want\n%s", tc.filter, got, tc.want)
		}
	}
}

// dateOf is the day of a record in a zone.
func dateOf(f rating.Filed, location *time.Location) string {
	if f.CDR != nil {
		return f.CDR.StartedAt.In(location).Format(time.DateOnly)
	}
	return f.Entry.At.In(location).Format(time.DateOnly)
}
