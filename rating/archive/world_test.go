package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive/postgrestest"
)

// world is a ledger that files random records, all of which hold together as those of a real one do.
type world struct {
	random   *rand.Rand
	accounts map[string]*account
	shards   int
	now      time.Time
	calls    int
	filed    []rating.Filed // everything, in the order in which it was filed
}

type account struct {
	username string
	rating.Account
}

func newWorld(seed uint64, extensions, shards int) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 7)), accounts: make(map[string]*account), shards: shards, now: time.Date(2019, 5, 31, 12, 0, 0, 0, time.UTC)}
	for i := range extensions {
		number := fmt.Sprint(100 + i)
		w.accounts[number] = &account{fmt.Sprintf("Extension%d", i+1), rating.Account{Extension: number}}
	}
	return w
}

// shardOf is where the records of an extension go.
func (w *world) shardOf(extension string) int { return int(extension[len(extension)-1]) % w.shards }

// pick returns one of the accounts.
func (w *world) pick() *account {
	return w.accounts[fmt.Sprint(100+w.random.IntN(len(w.accounts)))]
}

// step files one random record, at a random time up to a few days after the one before.
func (w *world) step() rating.Filed {
	w.now = w.now.Add(time.Duration(w.random.Int64N(int64(9 * time.Hour)))).Truncate(time.Microsecond)
	a := w.pick()
	switch w.random.IntN(20) {
	case 0, 1:
		return w.file(a, w.entry(a, rating.RechargeEntry, rating.Money(1+w.random.Int64N(50_000_000))), nil)
	case 2:
		return w.file(a, w.entry(a, rating.AdjustmentEntry, -rating.Money(w.random.Int64N(1000))), nil)
	case 3:
		return w.file(a, w.entry(a, rating.PaymentTypeEntry, 0), nil)
	case 4:
		a.username += "x"
		return w.file(a, w.entry(a, rating.ClosingEntry, -a.Balance), nil)
	case 5, 6, 7:
		return w.file(a, nil, w.cdr(a, rating.Rejected, 0))
	}
	disposition := dispositions[w.random.IntN(len(dispositions)-1)]
	if w.random.IntN(2) == 0 {
		disposition = rating.Answered
	}
	cost := rating.Money(0)
	if disposition == rating.Answered {
		cost = rating.Money(w.random.Int64N(900_000))
	}
	c := w.cdr(a, disposition, cost)
	e := w.entry(a, rating.ChargeEntry, -cost)
	e.Ref, e.By = string(c.ID), ""
	return w.file(a, e, c)
}

func (w *world) entry(a *account, kind rating.Kind, amount rating.Money) *rating.Entry {
	e := &rating.Entry{Extension: a.Extension, Username: a.username, Seq: a.Seq + 1, Kind: kind, Amount: amount, Before: a.Balance,
		After: a.Balance + amount, At: w.now, Ref: fmt.Sprintf("key-%s-%d", a.Extension, a.Seq), By: "bill-k3f", Note: "n"}
	a.Seq, a.Balance = e.Seq, e.After
	switch kind {
	case rating.RechargeEntry:
		a.TotalRecharges += amount
	case rating.PaymentTypeEntry, rating.ClosingEntry:
		a.TotalRecharges = 0
	}
	return e
}

func (w *world) cdr(a *account, disposition rating.Disposition, cost rating.Money) *rating.CDR {
	w.calls++
	ended := w.now.Add(time.Duration(w.random.IntN(500)) * time.Second)
	c := &rating.CDR{ID: rating.CallID(fmt.Sprintf("call%d", w.calls)), Extension: a.Extension, Username: a.username, Dialled: "988360046",
		StartedAt: w.now, EndedAt: &ended, Cost: cost, Currency: "USD", Disposition: disposition, SIPCode: 486, EndedBy: rating.ByCaller,
		Count: 1, Node: "gw1", CallIDA: fmt.Sprintf("%d@phone", w.calls)}
	if disposition == rating.Rejected {
		c.Reason = rating.ReasonNoCredit
		return c
	}
	c.Sent, c.Trunk, c.Attempts, c.CallIDB = "88360046", "FXO-1", []rating.Attempt{{Trunk: "FXO-1", Code: 486}}, "b"
	if disposition == rating.Answered {
		answered := w.now.Add(3 * time.Second)
		c.AnsweredAt, c.SIPCode, c.Duration, c.Units = &answered, 200, 1+w.random.Int64N(600), 4
		rate := rating.NewRate()
		rate.ID, rate.Prefix, rate.InitialCost = 1+w.random.Int64N(3), "9", rating.Unit/10
		c.RateID, c.Rate = rate.ID, &rate
		if cost == 0 {
			free := rating.FreeRate
			c.Unbilled = &free
		}
	}
	return c
}

func (w *world) file(a *account, e *rating.Entry, c *rating.CDR) rating.Filed {
	f := rating.Filed{Shard: w.shardOf(a.Extension), Position: fmt.Sprintf("%d-%d", 1+len(w.filed)/3, len(w.filed)%3), Entry: e, CDR: c}
	w.filed = append(w.filed, f)
	return f
}

// cdrs are all CDRs filed.
func (w *world) cdrs() (list []rating.CDR) {
	for _, f := range w.filed {
		if f.CDR != nil {
			list = append(list, *f.CDR)
		}
	}
	return list
}

// outbox is an Outbox in memory, safe for concurrent use, that forgets only what is trimmed.
type outbox struct {
	mu      sync.Mutex
	streams [][]rating.Filed
	trimmed map[int]string
	reads   int
	fail    error
}

func newOutbox(shards int) *outbox {
	return &outbox{streams: make([][]rating.Filed, shards), trimmed: make(map[int]string)}
}

func (o *outbox) add(records ...rating.Filed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range records {
		o.streams[r.Shard] = append(o.streams[r.Shard], r)
	}
}

func (o *outbox) Shards() int { return len(o.streams) }

func (o *outbox) Read(_ context.Context, shard int, after string, most int) ([]rating.Filed, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads++
	if o.fail != nil {
		return nil, o.fail
	}
	stream := o.streams[shard]
	begin := 0
	for begin < len(stream) && after != "" && !follows(stream[begin].Position, after) {
		begin++
	}
	stream = stream[begin:]
	return slices.Clone(stream[:min(len(stream), most)]), nil
}

func (o *outbox) Trim(_ context.Context, shard int, upTo string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return o.fail
	}
	o.trimmed[shard] = upTo
	o.streams[shard] = slices.DeleteFunc(o.streams[shard], func(f rating.Filed) bool { return !follows(f.Position, upTo) })
	return nil
}

func (o *outbox) left() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		n += len(s)
	}
	return n
}

func (o *outbox) attempts() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reads
}

func (o *outbox) breakDown(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

// follows compares positions as Redis does: number by number, not letter by letter.
func follows(a, b string) bool {
	var a1, a2, b1, b2 int
	if _, err := fmt.Sscanf(a, "%d-%d", &a1, &a2); err != nil {
		panic(err)
	}
	if _, err := fmt.Sscanf(b, "%d-%d", &b1, &b2); err != nil {
		panic(err)
	}
	return a1 > b1 || a1 == b1 && a2 > b2
}

func file(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "archive.db")
}

// onBoth runs a test on SQLite and on PostgreSQL; dsn and open follow its name.
func onBoth(t *testing.T, test func(t *testing.T)) {
	for _, d := range []dialect{sqliteDialect, postgresDialect} {
		t.Run(d.name, test)
	}
}

// dsn names a new, empty database of the kind that the test is for.
func dsn(t testing.TB) string {
	t.Helper()
	if parts := strings.Split(t.Name(), "/"); !slices.Contains(parts, postgresDialect.name) || parts[len(parts)-1] == sqliteDialect.name {
		return file(t)
	}
	server, err := sharedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	name, err := server.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// either executes a statement of SQLite, or of PostgreSQL.
func either(t testing.TB, a *Archive, sqlite, postgres string) {
	t.Helper()
	text := sqlite
	if a.dialect.name == postgresDialect.name {
		text = postgres
	}
	if _, err := a.pools.write.Exec(text); err != nil {
		t.Fatal(err)
	}
}

// sharedPostgres is one server for all tests that do not kill it.
var (
	postgresStarted atomic.Bool
	sharedPostgres  = sync.OnceValues(func() (*postgrestest.Server, error) {
		postgresStarted.Store(true)
		return postgrestest.New(postgrestest.Fast...)
	})
)

func open(t testing.TB, o Options) *Archive {
	t.Helper()
	if o.DSN == "" {
		o.DSN = dsn(t)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// filled is an archive of n random records, and the world they come from.
func filled(t testing.TB, seed uint64, n int, o Options) (*Archive, *world) {
	t.Helper()
	w, box := newWorld(seed, 12, 4), newOutbox(4)
	for range n {
		box.add(w.step())
	}
	a := open(t, o)
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, w
}

// rows counts the rows of a table, or of a query that gives one number.
func rows(t testing.TB, a *Archive, table string) (n int64) {
	t.Helper()
	if err := a.pools.read.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("this test needs the time zone database: %v", err)
	}
	return l
}

var errBroken = errors.New("broken on purpose")

func TestMain(m *testing.M) {
	if os.Getenv(victimFile) != "" {
		beVictim()
	}
	if os.Getenv(soleFile) != "" {
		beHolder()
	}
	code := m.Run()
	if postgresStarted.Load() {
		if server, err := sharedPostgres(); err == nil {
			server.Close()
		}
	}
	os.Exit(code)
}
