package archive

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/rating/archive/postgrestest"
)

func benchDialects() []string {
	if d := os.Getenv("TOLLGATE_BENCH_ARCHIVE"); d != "" {
		return []string{d}
	}
	return []string{sqliteDialect.name, postgresDialect.name}
}

// benchPostgres are settings of a server with 10 million calls on a small machine.
var benchPostgres = append(postgrestest.Fast, "shared_buffers=512MB", "maintenance_work_mem=512MB", "max_wal_size=8GB", "wal_level=minimal", "max_wal_senders=0", "timezone=UTC")

// large is an archive with a year of calls, made by the database itself. It is kept in the folder that
// TOLLGATE_BENCH_KEEP names, for the next benchmark with as many calls; else it is removed.
func large(b *testing.B, database string) (*Archive, int) {
	b.Helper()
	calls := benchCalls
	if n, err := strconv.Atoi(os.Getenv("TOLLGATE_BENCH")); err == nil && n > 1 {
		calls = n
	}
	folder := os.Getenv("TOLLGATE_BENCH_KEEP")
	if folder == "" {
		folder = b.TempDir()
	}
	name := filepath.Join(folder, fmt.Sprintf("%s-%d", database, calls))
	if database == postgresDialect.name {
		server, err := postgrestest.Keep(name, benchPostgres...)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := server.Close(); err != nil {
				b.Error(err)
			}
		})
		name = server.DSN("")
	}
	a := openLarge(b, name)
	if rows(b, a, "audit_log") < benchAudits { // written last
		a.Close()
		began := time.Now()
		fill(b, name, calls)
		b.Logf("%d calls were made in %s", calls, time.Since(began).Round(time.Second))
		a = openLarge(b, name)
	}
	b.Cleanup(func() { a.Close() })
	return a, calls
}

func openLarge(b *testing.B, dsn string) *Archive {
	b.Helper()
	a, err := Open(context.Background(), Options{DSN: dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// unsynced is a connection that makes much in little time, and spoils the file if it is stopped.
func unsynced(b *testing.B, dsn string) (dialect, *sql.DB) {
	b.Helper()
	d, name, err := dialectOf(dsn)
	if err != nil {
		b.Fatal(err)
	}
	driver := "pgx"
	if d.name == sqliteDialect.name {
		driver, name = "sqlite", "file:"+name+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)&_pragma=temp_store(MEMORY)&_pragma=threads(2)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return d, db
}

// series are the words in which databases differ when they count, and make up.
type series struct{ numbers, number, random, date, padded, analyze string }

var benchSeries = map[string]series{
	"sqlite": {"WITH RECURSIVE i(n, r) AS (SELECT %d, abs(random()) UNION ALL SELECT n + 1, abs(random()) FROM i WHERE n < %d) ", "i", "r",
		"CAST(strftime('%Y%m%d', started_at / 1000000, 'unixepoch') AS INTEGER)", "printf('%010d', n)", "ANALYZE"},
	"postgres": {"WITH i(n, r) AS MATERIALIZED (SELECT n, (random() * 1000000000000)::bigint FROM generate_series(%d::bigint, %d::bigint) n) ", "i", "r",
		"to_char(to_timestamp(started_at / 1000000), 'YYYYMMDD')::int", "lpad(n::text, 10, '0')", "VACUUM ANALYZE"},
}

// Calls come evenly over the year and at random over extensions, dispositions and destinations; one in fifty finds no
// rate, and one in a hundred records is a recharge.
func fill(b *testing.B, dsn string, calls int) {
	b.Helper()
	d, db := unsynced(b, dsn)
	defer db.Close()
	words := benchSeries[d.name]
	do := func(text string) {
		b.Helper()
		began := time.Now()
		if _, err := db.Exec(text); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			b.Logf("%s: %.60s", took.Round(time.Second), text)
		}
	}
	with := func(first, last int, text string) {
		b.Helper()
		do(strings.NewReplacer("INSERT INTO cdrs SELECT", "INSERT INTO cdrs "+fmt.Sprintf(words.numbers, first, last)+"SELECT", "INSERT INTO entries SELECT", "INSERT INTO entries "+fmt.Sprintf(words.numbers, first, last)+"SELECT",
			"INSERT INTO parties SELECT", "INSERT INTO parties "+fmt.Sprintf(words.numbers, first, last)+"SELECT", "INSERT INTO audit_log SELECT", "INSERT INTO audit_log "+fmt.Sprintf(words.numbers, first, last)+"SELECT",
			"{padded}", words.padded, "{begin}", fmt.Sprint(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()), "{step}", fmt.Sprint(int64(benchDays)*86_400_000_000/int64(calls)),
			"{extensions}", fmt.Sprint(benchExtensions), "{newline}", map[string]string{"sqlite": "char(10)", "postgres": "chr(10)"}[d.name]).Replace(text))
	}
	for _, table := range []string{"cdrs", "entries", "parties", "rates", "audit_log", "roll_day", "roll_ext", "roll_month", "roll_dest"} {
		do("DELETE FROM " + table) // of a benchmark that was stopped
	}
	for _, index := range []string{"cdrs_log", "cdrs_party"} {
		do("DROP INDEX IF EXISTS " + index)
	}
	with(1, benchExtensions, `INSERT INTO parties SELECT n, CAST(99 + n AS TEXT), 'Extension' || n, (99 + n) || {newline} || 'extension' || n FROM i`)
	do(`INSERT INTO rates VALUES (1, 'd', '{"id":1,"active":true,"remark":"city","prefix":"9","number_length":9,"initial_cost":"0.1000","initial_time":60,"rate":"0.0200","billing_unit":55,"start_time":"00:00:00","end_time":"23:59:59","extensions":["*"],"version":1}')`)
	const portion = 500_000
	for from := 1; from <= calls; from += portion {
		to := min(from+portion-1, calls)
		with(from, to, `INSERT INTO cdrs SELECT n, 'c' || {padded}, 1 + r % {extensions}, '9' || (8000 + r / 11 % 300) || '0046', '80046', 'FXO-1', 1, 1, 4, {begin} + n * {step}, {begin} + n * {step} + 3000000, {begin} + n * {step} + 200000000,
 CASE WHEN r / 7 % 100 < 70 THEN 1 + r / 700 % 600 ELSE 0 END, CASE WHEN r / 7 % 100 < 70 THEN 100000 + r / 700 % 600 / 55 * 20000 ELSE 0 END, 'USD',
 CASE WHEN r / 7 % 100 < 70 THEN 'answered' WHEN r / 7 % 100 < 80 THEN 'no_answer' WHEN r / 7 % 100 < 90 THEN 'busy' WHEN r / 7 % 100 < 95 THEN 'failed' WHEN r / 7 % 100 < 98 THEN 'cancelled' ELSE 'rejected' END,
 CASE WHEN r / 7 % 100 >= 98 THEN 'no_rate' ELSE '' END, NULL, 200, 'caller', '[{"trunk":"FXO-1","code":200}]', 1, 'gw1', n || '@phone', n || '@gw1', 800, 1 FROM i`)
		with(from/100+1, to/100, `INSERT INTO entries SELECT n * 100, CAST(100 + r % {extensions} AS TEXT), n, 1 + r % {extensions}, 'recharge', 5000000, 0, 5000000, {begin} + n * 100 * {step}, 'key' || n, 'bill-k3f', '' FROM i`)
	}
	do(`CREATE INDEX cdrs_log ON cdrs (disposition, started_at, n, party)`)
	do(`CREATE INDEX cdrs_party ON cdrs (party, started_at, disposition)`)
	const sums = `SUM(CASE WHEN disposition = 'answered' THEN 1 ELSE 0 END), SUM(CASE WHEN disposition = 'busy' THEN 1 ELSE 0 END), SUM(CASE WHEN disposition = 'no_answer' THEN 1 ELSE 0 END),
 SUM(CASE WHEN disposition = 'failed' THEN 1 ELSE 0 END), SUM(CASE WHEN disposition = 'cancelled' THEN 1 ELSE 0 END), SUM(CASE WHEN disposition = 'rejected' THEN 1 ELSE 0 END)`
	do(`INSERT INTO roll_ext SELECT 1, party, ` + words.date + ` AS d, ` + sums + `, SUM(duration), SUM(cost) FROM cdrs GROUP BY d, party ORDER BY d, party`)
	do(`INSERT INTO roll_day SELECT 1, day, SUM(answered), SUM(busy), SUM(no_answer), SUM(failed), SUM(cancelled), SUM(rejected), SUM(seconds), SUM(cost) FROM roll_ext GROUP BY day`)
	do(`INSERT INTO roll_month SELECT 1, party, day / 100 AS m, SUM(answered), SUM(busy), SUM(no_answer), SUM(failed), SUM(cancelled), SUM(rejected) FROM roll_ext GROUP BY m, party ORDER BY m, party`)
	do(`INSERT INTO roll_dest SELECT 1, reason, ` + words.date + ` AS d, substr(dialled, 1, 4) AS p, COUNT(*), SUM(CASE WHEN disposition = 'answered' THEN 1 ELSE 0 END), SUM(duration), SUM(cost), MAX(started_at), MAX(dialled) FROM cdrs GROUP BY reason, d, p`)
	with(1, benchAudits, `INSERT INTO audit_log SELECT n, 'a' || n, {begin} + n * 1000000, 'admin', 'admin', '192.0.2.1', 'edit', 'extension ' || (100 + r % {extensions}), NULL, '{}', 'admin' || {newline} || 'edit' || {newline} || 'extension ' || (100 + r % {extensions}) FROM i`)
	do(words.analyze)
}
