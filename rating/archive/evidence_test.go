package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// differences is what an audit finds in the archive for the accounts of a world.
func differences(t testing.TB, a *Archive, w *world) (found []rating.Difference) {
	t.Helper()
	ev, err := a.Evidence(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, acct := range w.accounts {
		found = append(found, rating.Reconcile(ev.Of(acct.Account), w.now)...)
	}
	for _, other := range ev.Others(func(extension string) bool { return w.accounts[extension] != nil }) {
		found = append(found, rating.Reconcile(other, w.now)...)
	}
	return found
}

func TestBooksOfAnHonestArchiveAddUp(t *testing.T) { onBoth(t, testBooksOfAnHonestArchiveAddUp) }

func testBooksOfAnHonestArchiveAddUp(t *testing.T) {
	a, w := filled(t, 51, 400, Options{})
	if found := differences(t, a, w); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
	if err := a.SetLocation(t.Context(), zone(t, "Asia/Shanghai")); err != nil {
		t.Fatal(err)
	}
	if found := differences(t, a, w); len(found) > 0 {
		t.Errorf("after a change of zone found %+v", found)
	}
	ev, err := a.Evidence(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if positions, err := a.Positions(t.Context()); err != nil || fmt.Sprint(positions) != fmt.Sprint(ev.Positions) || len(positions) != 4 {
		t.Errorf("the evidence is of %v, want %v (%v)", ev.Positions, positions, err)
	}
}

// Whatever is changed by hand, by as little as can be, shows.
func TestOneMicroUnitShows(t *testing.T) { onBoth(t, testOneMicroUnitShows) }

func testOneMicroUnitShows(t *testing.T) {
	honest, w := filled(t, 52, 120, Options{})
	for _, change := range []string{
		`UPDATE cdrs SET cost = cost + 1 WHERE disposition = 'answered'`,
		`UPDATE cdrs SET cost = cost + 1 WHERE disposition = 'busy'`,
		`UPDATE cdrs SET cost = cost + 1 WHERE disposition = 'rejected'`,
		`UPDATE entries SET amount = amount + 1 WHERE kind = 'charge'`,
		`UPDATE entries SET amount = amount + 1 WHERE kind = 'recharge'`,
		`UPDATE entries SET pre_balance = pre_balance + 1`,
		`UPDATE entries SET post_balance = post_balance + 1`,
		`UPDATE entries SET amount = amount + 1, post_balance = post_balance + 1`,
		`UPDATE entries SET kind = 'adjustment' WHERE kind = 'recharge'`,
		`UPDATE entries SET ref = 'another' WHERE kind = 'charge'`,
		`UPDATE cdrs SET id = 'another' WHERE charged = 1`,
		`UPDATE cdrs SET charged = 0 WHERE charged = 1`,
		`UPDATE roll_day SET cost = cost + 1`,
		`UPDATE roll_ext SET cost = cost + 1`,
		`DELETE FROM entries WHERE kind = 'recharge'`,
		`DELETE FROM entries WHERE kind = 'charge'`,
		`DELETE FROM cdrs WHERE charged = 1`,
		`DELETE FROM cdrs WHERE cost > 0`,
		`DELETE FROM roll_day WHERE cost > 0`,
		`DELETE FROM roll_ext WHERE cost > 0`,
	} {
		t.Run(change, func(t *testing.T) {
			a := copyOf(t, honest)
			changed, err := a.pools.write.Exec(oneRow(change))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := changed.RowsAffected(); err != nil || n != 1 {
				t.Fatalf("%d rows were changed (%v), want one", n, err)
			}
			if found := differences(t, a, w); len(found) == 0 {
				t.Error("nobody notices")
			}
		})
	}
}

// Of two changes that cancel each other out, too.
func TestCostMovedFromOneCallToAnotherShows(t *testing.T) {
	onBoth(t, testCostMovedFromOneCallToAnotherShows)
}

func testCostMovedFromOneCallToAnotherShows(t *testing.T) {
	honest, w := filled(t, 53, 300, Options{})
	a := copyOf(t, honest)
	const pair = `SELECT n FROM cdrs WHERE charged = 1 AND party = (SELECT party FROM cdrs WHERE charged = 1 GROUP BY party HAVING COUNT(*) > 1 LIMIT 1) ORDER BY n LIMIT 1`
	for _, text := range []string{`UPDATE cdrs SET cost = cost + 1 WHERE n = (` + pair + `)`, `UPDATE cdrs SET cost = cost - 1 WHERE n = (` + pair + ` OFFSET 1)`} {
		if _, err := a.pools.write.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	found := differences(t, a, w)
	if len(found) != 2 || found[0].Law != "calls" || found[1].Law != "calls" {
		t.Errorf("found %+v, want both calls named", found)
	}
}

// An auditor reads accounts and outbox first, the archive later: by then it may have more, and some of it twice.
func TestOutboxTailCompletesTheBooks(t *testing.T) { onBoth(t, testOutboxTailCompletesTheBooks) }

func testOutboxTailCompletesTheBooks(t *testing.T) {
	w, box, a := newWorld(54, 8, 2), newOutbox(2), open(t, Options{})
	drain := &Drain{Outbox: box, Archive: a}
	for range 25 {
		for range 6 {
			box.add(w.step())
		}
		accounts := make(map[string]rating.Account)
		upTo := make(map[string]int64)
		for _, acct := range w.accounts {
			accounts[acct.Extension], upTo[acct.Extension] = acct.Account, acct.Seq
		}
		tail := slices.Concat(box.streams...)
		drain.limit = 1 + w.random.IntN(9)
		if w.random.IntN(2) == 0 {
			if err := drain.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else if _, _, err := drain.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.random.IntN(2) == 0 { // life goes on, and the archive learns of it
			box.add(w.step(), w.step(), w.step())
			if err := drain.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ev, err := a.Evidence(t.Context(), upTo)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range tail {
			if f.Entry != nil {
				ev.Add(f, upTo[f.Entry.Extension])
			}
		}
		for _, acct := range accounts {
			if found := rating.Reconcile(ev.Of(acct), w.now); len(found) > 0 {
				t.Fatalf("found %+v", found)
			}
		}
	}
}

func TestAddTail(t *testing.T) { onBoth(t, testAddTail) }

func testAddTail(t *testing.T) {
	e := func(seq int64, kind rating.Kind, before, amount, after rating.Money) rating.Entry {
		return rating.Entry{Seq: seq, Kind: kind, Before: before, Amount: amount, After: after, At: time.Unix(0, 0)}
	}
	for _, tc := range []struct {
		name    string
		entries []rating.Entry
		want    rating.JournalSum
	}{
		{"nothing", nil, rating.JournalSum{}},
		{"a recharge and a charge", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 10), e(2, rating.ChargeEntry, 10, -3, 7)},
			rating.JournalSum{Entries: 2, LastSeq: 2, Amount: 7, After: 7, Recharged: 10, Charged: 3}},
		{"another payment type begins the recharges again", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 10), e(2, rating.PaymentTypeEntry, 10, 0, 10), e(3, rating.RechargeEntry, 10, 5, 15)},
			rating.JournalSum{Entries: 3, LastSeq: 3, Amount: 15, After: 15, Recharged: 5}},
		{"a number that is used again begins at nothing", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 10), e(2, rating.ClosingEntry, 10, -10, 0), e(3, rating.OpeningEntry, 0, 2, 2)},
			rating.JournalSum{Entries: 3, LastSeq: 3, Amount: 2, After: 2}},
		{"a line twice counts once", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 10), e(1, rating.RechargeEntry, 0, 10, 10)},
			rating.JournalSum{Entries: 1, LastSeq: 1, Amount: 10, After: 10, Recharged: 10}},
		{"a line that does not begin where the last one ended", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 10), e(2, rating.ChargeEntry, 9, -3, 6)},
			rating.JournalSum{Entries: 2, LastSeq: 2, Amount: 7, After: 6, Recharged: 10, Charged: 3, Breaks: 1}},
		{"a line whose sum is wrong", []rating.Entry{e(1, rating.RechargeEntry, 0, 10, 11)},
			rating.JournalSum{Entries: 1, LastSeq: 1, Amount: 10, After: 11, Recharged: 10, Breaks: 1}},
		{"a line is missing", []rating.Entry{e(2, rating.ChargeEntry, 10, -3, 7)},
			rating.JournalSum{Entries: 1, LastSeq: 2, Amount: -3, After: 7, Charged: 3, Breaks: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := AddTail(rating.JournalSum{}, tc.entries...); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// copyOf is an archive with the same contents.
func copyOf(t testing.TB, a *Archive) *Archive {
	t.Helper()
	to := dsn(t)
	if a.dialect.name == sqliteDialect.name {
		if _, err := a.pools.write.Exec(`VACUUM INTO ?1`, to); err != nil {
			t.Fatal(err)
		}
		return open(t, Options{DSN: to})
	}
	b := open(t, Options{DSN: to})
	if _, err := b.pools.write.Exec(`DELETE FROM meta; DELETE FROM migrations`); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"migrations", "meta", "positions", "parties", "rates", "cdrs", "entries", "roll_day", "roll_ext", "roll_month", "roll_dest", "quarantine", "audit_log"} {
		var from string
		if err := a.pools.read.QueryRow(`SELECT current_schema()`).Scan(&from); err != nil {
			t.Fatal(err)
		}
		if _, err := b.pools.write.Exec("INSERT INTO " + table + " SELECT * FROM " + from + "." + table); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// oneRow makes a statement change the first row that it would change.
func oneRow(text string) string {
	head, condition, filtered := strings.Cut(text, " WHERE ")
	if filtered {
		condition = " WHERE " + condition
	}
	table := strings.Fields(strings.TrimPrefix(head, "DELETE FROM "))[0]
	if table == "UPDATE" {
		table = strings.Fields(head)[1]
	}
	key := map[string]string{"roll_day": "generation, day", "roll_ext": "generation, party, day"}[table]
	if key == "" {
		key = "n"
	}
	return head + " WHERE (" + key + ") = (SELECT " + key + " FROM " + table + condition + " LIMIT 1)"
}
