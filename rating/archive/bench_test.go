package archive

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"tollgate/rating"
)

// How many calls the pages are measured with: 200 000, or TOLLGATE_BENCH, such as 10000000; and on which database:
// TOLLGATE_BENCH_ARCHIVE, sqlite or postgres, both where it is not set.
const (
	benchCalls      = 200_000
	benchExtensions = 5000
	benchDays       = 365
	benchAudits     = 200_000
)

// BenchmarkDrain files settled calls, each a journal line and a CDR, of 5000 extensions over a year: the worst case for
// the daily sums, since hardly two calls of a transaction share a row.
func BenchmarkDrain(b *testing.B) {
	for _, d := range benchDialects() {
		b.Run(d, func(b *testing.B) {
			a := open(b, Options{})
			records := yearOfCharges(b.N)
			b.ResetTimer()
			after := ""
			for portion := range slices.Chunk(records, maxPerRound) {
				if _, err := a.put(b.Context(), []batch{{0, after, portion}}, func(string) error { return nil }); err != nil {
					b.Fatal(err)
				}
				after = portion[len(portion)-1].Position
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func yearOfCharges(n int) []rating.Filed {
	w := newWorld(1, benchExtensions, 1)
	records := make([]rating.Filed, n)
	for i := range records {
		acct := w.pick()
		w.now = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i%(benchDays*86_400)) * time.Second)
		c := w.cdr(acct, rating.Answered, 180_000)
		e := w.entry(acct, rating.ChargeEntry, -180_000)
		e.Ref = string(c.ID)
		records[i] = rating.Filed{Position: fmt.Sprintf("%d-0", i+1), Entry: e, CDR: c}
	}
	return records
}

// BenchmarkOneCall files one call at a time, each synced to the disk.
func BenchmarkOneCall(b *testing.B) {
	a := open(b, Options{})
	w := newWorld(1, 100, 1)
	after := ""
	for b.Loop() {
		acct := w.pick()
		f := w.file(acct, nil, w.cdr(acct, rating.Answered, 180_000))
		if _, err := a.put(b.Context(), []batch{{0, after, []rating.Filed{f}}}, func(string) error { return nil }); err != nil {
			b.Fatal(err)
		}
		after = f.Position
	}
}

// BenchmarkPages measures the usual and the slowest of several searches of a kind, as an operator would meet it, on both
// databases.
func BenchmarkPages(b *testing.B) {
	for _, d := range benchDialects() {
		b.Run(d, func(b *testing.B) {
			a, calls := large(b, d)
			for _, q := range questions(a, calls) {
				b.Run(q.name, func(b *testing.B) {
					var found int64
					var took []time.Duration
					for b.Loop() {
						began := time.Now()
						var err error
						if found, err = q.ask(b.Context()); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(began))
					}
					b.ReportMetric(float64(found), "found")
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
					b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
					b.ReportMetric(0, "ns/op") // they say more
				})
			}
		})
	}
}

// question is a page, and how many rows all pages have.
type question struct {
	name string
	ask  func(context.Context) (int64, error)
}

func questions(a *Archive, calls int) []question {
	first := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return first.AddDate(0, 0, n) }
	between := func(from, before time.Time) rating.Period { return rating.Period{From: from, Before: before} }
	call := func(q rating.CallQuery) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) { _, total, err := a.Calls(ctx, q); return total, err }
	}
	stat := func(q rating.StatisticsQuery) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) { _, total, err := a.Statistics(ctx, q); return total, err }
	}
	history := func(q rating.EntryQuery) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) { _, total, err := a.Recharges(ctx, q); return total, err }
	}
	audits := func(q rating.AuditQuery) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) { _, total, err := a.AuditLog(ctx, q, nil); return total, err }
	}
	deep := rating.Paging{Page: calls / 400, PerPage: 200}
	page := func(n int) rating.Paging { return rating.Paging{Page: max(1, n), PerPage: 200} }
	answered := rating.Answered
	return []question{
		{"calls, newest", call(rating.CallQuery{Disposition: answered})},
		{"calls, any disposition", call(rating.CallQuery{})},
		{"calls, any disposition, in the middle", call(rating.CallQuery{Paging: deep})},
		{"calls, the last page", call(rating.CallQuery{Paging: page(calls / 200)})},
		{"calls, cancelled, in the middle", call(rating.CallQuery{Disposition: rating.Cancelled, Paging: page(calls / 20_000)})},
		{"calls, rejected", call(rating.CallQuery{Disposition: rating.Rejected})},
		{"calls, oldest first, in the middle", call(rating.CallQuery{Sort: "started_at", Paging: deep})},
		{"calls, one day", call(rating.CallQuery{Period: between(day(200), day(201))})},
		{"calls, one day by cost", call(rating.CallQuery{Period: between(day(200), day(201)), Sort: "-cost"})},
		{"calls, 30 days but for some hours", call(rating.CallQuery{Period: between(day(200).Add(7*time.Hour), day(230).Add(5*time.Hour)), Paging: page(20)})},
		{"calls, one extension", call(rating.CallQuery{Q: "Extension4711"})},
		{"calls, part of a number, 10 extensions", call(rating.CallQuery{Q: "n471", Disposition: answered})},
		{"calls, keyword of 1000 extensions", call(rating.CallQuery{Q: "Extension4", Disposition: answered})},
		{"calls, keyword of 1000 extensions, in the middle", call(rating.CallQuery{Q: "Extension4", Disposition: answered, Paging: page(calls / 2000)})},
		{"calls, keyword of 1000 extensions, 30 days but for some hours", call(rating.CallQuery{Q: "Extension4", Period: between(day(200).Add(7*time.Hour), day(230).Add(5*time.Hour))})},
		{"calls, keyword of most extensions", call(rating.CallQuery{Q: "1"})},
		{"calls, keyword of most extensions, in the middle", call(rating.CallQuery{Q: "1", Paging: page(calls / 1000)})},
		{"calls, keyword of all extensions", call(rating.CallQuery{Q: "extension"})},
		{"calls, keyword of nothing", call(rating.CallQuery{Q: "nobody"})},
		{"recharges, newest", history(rating.EntryQuery{})},
		{"recharges, in the middle", history(rating.EntryQuery{Paging: page(calls / 40_000)})},
		{"recharges, keyword of 10 extensions", history(rating.EntryQuery{Q: "n471"})},
		{"recharges, keyword of most extensions", history(rating.EntryQuery{Q: "1"})},
		{"statistics by day", stat(rating.StatisticsQuery{})},
		{"statistics by month", stat(rating.StatisticsQuery{By: rating.ByMonth})},
		{"statistics by year", stat(rating.StatisticsQuery{By: rating.ByYear})},
		{"statistics of one extension by day", stat(rating.StatisticsQuery{Extension: "4810"})},
		{"statistics of one extension by month", stat(rating.StatisticsQuery{Extension: "4810", By: rating.ByMonth})},
		{"unrated, all time", func(ctx context.Context) (int64, error) {
			_, total, err := a.Unrated(ctx, rating.UnratedQuery{})
			return total, err
		}},
		{"dashboard, one day", func(ctx context.Context) (int64, error) {
			s, err := a.Summary(ctx, "2019-07-01", "2019-07-01")
			return s.Calls, err
		}},
		{"audit log, newest", audits(rating.AuditQuery{})},
		{"audit log, keyword", audits(rating.AuditQuery{Q: "extension 47"})},
	}
}

// BenchmarkEvidence adds up everybody's books.
func BenchmarkEvidence(b *testing.B) {
	a, _ := large(b, benchDialects()[0])
	for b.Loop() {
		if _, err := a.Evidence(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSetLocation counts all calls anew.
func BenchmarkSetLocation(b *testing.B) {
	a, _ := large(b, benchDialects()[0])
	zones := []*time.Location{zone(b, "Asia/Shanghai"), time.UTC}
	for i := 0; b.Loop(); i++ {
		if err := a.SetLocation(b.Context(), zones[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExport reads every call.
func BenchmarkExport(b *testing.B) {
	a, _ := large(b, benchDialects()[0])
	n := 0
	for b.Loop() {
		for _, err := range a.AllCalls(b.Context(), rating.CallQuery{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
