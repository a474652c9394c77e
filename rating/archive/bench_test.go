package archive

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"tollgate/rating"
)

// How many calls the pages are measured with: 200 000, or TOLLGATE_BENCH, such as 10000000.
const (
	benchCalls      = 200_000
	benchExtensions = 5000
	benchDays       = 365
)

// BenchmarkDrain files settled calls, each a journal line and a CDR, of 5000 extensions over a year: the worst case for
// the daily sums, since hardly two calls of a transaction share a row.
func BenchmarkDrain(b *testing.B) {
	a := open(b, Options{})
	w := newWorld(1, benchExtensions, 1)
	records := make([]rating.Filed, b.N)
	for i := range records {
		acct := w.pick()
		w.now = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i%(benchDays*86_400)) * time.Second)
		c := w.cdr(acct, rating.Answered, 180_000)
		e := w.entry(acct, rating.ChargeEntry, -180_000)
		e.Ref = string(c.ID)
		records[i] = rating.Filed{Position: fmt.Sprintf("%d-0", i+1), Entry: e, CDR: c}
	}
	b.ResetTimer()
	after := ""
	for portion := range slices.Chunk(records, maxPerRound) {
		if _, err := a.put(b.Context(), []batch{{0, after, portion}}, func(string) error { return nil }); err != nil {
			b.Fatal(err)
		}
		after = portion[len(portion)-1].Position
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
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

// BenchmarkPages measures the slowest of several searches of a kind, as an operator would meet it.
func BenchmarkPages(b *testing.B) {
	a, calls := large(b)
	first := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return first.AddDate(0, 0, n) }
	call := func(f rating.CallQuery) func() (int64, error) {
		return func() (int64, error) {
			_, total, err := a.Calls(b.Context(), f)
			return total, err
		}
	}
	stat := func(f rating.StatisticsQuery) func() (int64, error) {
		return func() (int64, error) {
			_, total, err := a.Statistics(b.Context(), f)
			return total, err
		}
	}
	deep := rating.Paging{Page: calls / 400, PerPage: 200}
	for _, q := range []struct {
		name string
		ask  func() (int64, error)
	}{
		{"calls, newest", call(rating.CallQuery{Disposition: rating.Answered})},
		{"calls, any disposition", call(rating.CallQuery{Disposition: rating.Answered})},
		{"calls, any disposition, in the middle", call(rating.CallQuery{Paging: deep})},
		{"calls, a rare disposition, in the middle", call(rating.CallQuery{Disposition: "cancelled", Paging: rating.Paging{Page: calls / 20_000, PerPage: 200}})},
		{"calls, oldest first, in the middle", call(rating.CallQuery{Sort: "started_at", Paging: deep})},
		{"calls, one day", call(rating.CallQuery{Period: rating.Period{From: day(200), Before: day(201)}})},
		{"calls, 30 days but for some hours", call(rating.CallQuery{Period: rating.Period{From: day(200).Add(7 * time.Hour), Before: day(230).Add(5 * time.Hour)}, Paging: rating.Paging{Page: 20, PerPage: 200}})},
		{"calls, one extension", call(rating.CallQuery{Q: "Extension4711"})},
		{"calls, keyword of 10 extensions", call(rating.CallQuery{Q: "n471"})},
		{"calls, keyword of 1000 extensions", call(rating.CallQuery{Q: "Extension4"})},
		{"calls, keyword of 1000 extensions, in the middle", call(rating.CallQuery{Q: "Extension4", Paging: rating.Paging{Page: calls / 2000, PerPage: 200}})},
		{"calls, keyword of nearly all extensions, in the middle", call(rating.CallQuery{Q: "1", Paging: rating.Paging{Page: calls / 1000, PerPage: 200}})},
		{"calls, keyword of all extensions", call(rating.CallQuery{Q: "extension"})},
		{"calls, keyword of nothing", call(rating.CallQuery{Q: "nobody"})},
		{"statistics by day", stat(rating.StatisticsQuery{})},
		{"statistics by year", stat(rating.StatisticsQuery{By: rating.ByYear})},
		{"statistics of one extension by day", stat(rating.StatisticsQuery{Extension: "4810"})},
		{"statistics of one extension by month", stat(rating.StatisticsQuery{Extension: "4810", By: rating.ByMonth})},
		{"recharges", func() (int64, error) {
			_, total, err := a.Recharges(b.Context(), rating.EntryQuery{Q: "n471"})
			return total, err
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			var found int64
			for b.Loop() {
				var err error
				if found, err = q.ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(found), "found")
		})
	}
}

// BenchmarkEvidence adds up everybody's books.
func BenchmarkEvidence(b *testing.B) {
	a, _ := large(b)
	for b.Loop() {
		if _, err := a.Evidence(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSetLocation counts all calls anew.
func BenchmarkSetLocation(b *testing.B) {
	a, _ := large(b)
	zones := []*time.Location{zone(b, "Asia/Shanghai"), time.UTC}
	for i := 0; b.Loop(); i++ {
		if err := a.SetLocation(b.Context(), zones[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExport reads every call.
func BenchmarkExport(b *testing.B) {
	a, _ := large(b)
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

// large is an archive with a year of calls, made by the database itself and kept in the temporary folder for the next
// benchmark.
func large(b *testing.B) (*Archive, int) {
	b.Helper()
	calls := benchCalls
	if n, err := strconv.Atoi(os.Getenv("TOLLGATE_BENCH")); err == nil && n > 1 {
		calls = n
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("tollgate-archive-%d.db", calls))
	a, err := Open(context.Background(), Options{DSN: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	if rows(b, a, "cdrs") < int64(calls) {
		fill(b, a, calls)
	}
	return a, calls
}

// Calls come evenly over the year and at random over extensions and dispositions; one in a hundred records is a recharge.
const (
	fillParties = `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)
 INSERT OR IGNORE INTO parties SELECT n, CAST(99 + n AS TEXT), 'Extension' || n, (99 + n) || char(10) || 'extension' || n FROM i`
	fillRates = `INSERT OR IGNORE INTO rates VALUES (1, 'd', '{"id":1,"active":true,"remark":"city","prefix":"9","number_length":9,"initial_cost":"0.1000","initial_time":60,"rate":"0.0200","billing_unit":55,"start_time":"00:00:00","end_time":"23:59:59","extensions":["*"],"version":1}')`
	fillCalls = `WITH RECURSIVE i(n, r) AS (SELECT ?1, abs(random()) UNION ALL SELECT n + 1, abs(random()) FROM i WHERE n < ?2)
 INSERT INTO cdrs SELECT n, 'c' || n || 'x' || (r % 1000000007), 1 + r % ?3, '988360046', '88360046', 'FXO-1', 1, 1, 4, ?4 + n * ?5, ?4 + n * ?5 + 3000000, ?4 + n * ?5 + 200000000,
 CASE WHEN r / 7 % 100 < 70 THEN 197 ELSE 0 END, CASE WHEN r / 7 % 100 < 70 THEN 180000 ELSE 0 END, 'USD',
 CASE WHEN r / 7 % 100 < 70 THEN 'answered' WHEN r / 7 % 100 < 80 THEN 'no_answer' WHEN r / 7 % 100 < 90 THEN 'busy' WHEN r / 7 % 100 < 97 THEN 'failed' ELSE 'cancelled' END,
 '', NULL, 200, 'caller', '[{"trunk":"FXO-1","code":200}]', 1, 'gw1', n || '@phone', n || '@gw1', 800, 1 FROM i`
	fillEntries = `INSERT INTO entries SELECT c.n, p.extension, c.n, c.party, 'charge', -c.cost, 0, -c.cost, c.ended_at, c.id, '', '' FROM cdrs c JOIN parties p ON p.id = c.party WHERE c.n BETWEEN ?1 AND ?2`
	fillHistory = `UPDATE entries SET kind = 'recharge' WHERE n % 100 = 0`
)

func fill(b *testing.B, a *Archive, calls int) {
	b.Helper()
	begin := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	do := func(text string, args ...any) {
		b.Helper()
		if _, err := a.pools.write.Exec(text, args...); err != nil {
			b.Fatal(err)
		}
	}
	do(fillParties, benchExtensions)
	do(fillRates)
	const portion = 250_000
	for from := 1; from <= calls; from += portion {
		to := min(from+portion-1, calls)
		do(fillCalls, from, to, benchExtensions, begin, int64(benchDays)*86_400_000_000/int64(calls))
		do(fillEntries, from, to)
	}
	do(fillHistory)
	for _, name := range []string{"Asia/Shanghai", "UTC"} {
		if err := a.SetLocation(context.Background(), zone(b, name)); err != nil {
			b.Fatal(err)
		}
	}
}
