package ledger

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

// restored writes accounts with a balance of 10 and one line.
func restored(t *testing.T, l *Ledger, extensions ...string) {
	t.Helper()
	for _, e := range extensions {
		a := rating.Restored{Account: rating.Account{Extension: e, Balance: 10_000_000, Seq: 1, TotalRecharges: 10_000_000, Terms: rating.NewExtension(e).Terms}, Username: "U" + e}
		if err := l.Restore(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func balances(t *testing.T, l *Ledger, extensions ...string) (all []rating.Money) {
	t.Helper()
	for _, e := range extensions {
		a, err := l.Account(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.Balance)
	}
	return all
}

func TestARestoredAccountIsWhatTheJournalSays(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Postpaid, Status: rating.Locked, Credit: 5_000_000}
	want := rating.Account{Extension: "101", Balance: -1_000_001, Seq: 42, TotalRecharges: 7, Terms: terms, TermsVersion: 3}
	err := l.Restore(t.Context(), rating.Restored{Account: want, Username: "Alice", Opened: "import-1",
		Spent: []rating.Spent{{Day: "2019-05-30", Amount: 2}, {Day: "2019-05-31", Amount: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.Account(t.Context(), "101"); err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	for day, want := range map[string]rating.Money{"2019-05-29": 0, "2019-05-30": 2, "2019-05-31": 3} {
		if got, err := l.Spent(t.Context(), "101", day); err != nil || got != want {
			t.Errorf("spent on %s: %v %v", day, got, err)
		}
	}
	if err := l.Restore(t.Context(), rating.Restored{Account: want}); !errors.Is(err, rating.ErrAccountExists) {
		t.Errorf("restoring it again: %v", err)
	}
}

func TestABatchThatABackupCutInTwoIsFinished(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	extensions := []string{"101", "102", "103"}
	restored(t, l, extensions...)
	r := rating.Recharge{Key: "christmas", Amount: 1_000_000, At: time.Now()}
	for _, e := range extensions {
		r.Payees = append(r.Payees, rating.Payee{Extension: e})
	}
	paid := rating.Applied{Recharge: r, Receipts: []rating.Receipt{{Extension: "102", Before: 9_000_000, After: 10_000_000}}} // in its balance already
	if err := l.Remember(t.Context(), paid); err != nil {
		t.Fatal(err)
	}
	if n, err := l.FinishIntents(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d finished, %v", n, err)
	}
	for range 2 { // and the same request again pays nothing more
		if got := balances(t, l, extensions...); got[0] != 11_000_000 || got[1] != 10_000_000 || got[2] != 11_000_000 {
			t.Fatalf("balances %v", got)
		}
		receipts, err := l.Recharge(t.Context(), r)
		if err != nil || len(receipts) != 3 || receipts[1].Before != 9_000_000 {
			t.Fatalf("%+v %v", receipts, err)
		}
	}
	done := rating.Recharge{Key: "single", Amount: 5, At: time.Now(), Payees: []rating.Payee{{Extension: "101"}}}
	if err := l.Remember(t.Context(), rating.Applied{Recharge: done, Receipts: []rating.Receipt{{Extension: "101", After: 5}}}); err != nil {
		t.Fatal(err)
	}
	if receipts, err := l.Recharge(t.Context(), done); err != nil || receipts[0].After != 5 || balances(t, l, "101")[0] != 11_000_000 {
		t.Errorf("a recharge that the journal has: %+v %v", receipts, err)
	}
	done.Amount = 6
	if _, err := l.Recharge(t.Context(), done); !errors.Is(err, rating.ErrKeyReused) {
		t.Errorf("its key with another body: %v", err)
	}
}

func TestTheOutboxGoesOnBehindTheArchive(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	shard := rating.ShardOf("101")
	later := time.Now().Add(time.Hour).UnixMilli() // the clock of this store is an hour behind
	position := fmt.Sprintf("%d-7", later)
	if err := l.Continue(t.Context(), shard, position); err != nil {
		t.Fatal(err)
	}
	restored(t, l, "101")
	if _, err := l.Recharge(t.Context(), rating.Recharge{Key: "k", Amount: 1, At: time.Now(), Payees: []rating.Payee{{Extension: "101"}}}); err != nil {
		t.Fatal(err)
	}
	filed, err := l.Read(t.Context(), shard, position, 10)
	if err != nil || len(filed) != 1 || filed[0].Entry == nil {
		t.Errorf("behind %s: %+v %v", position, filed, err)
	}
}

func TestABackupKeepsTheOutbox(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	restored(t, l, "101")
	if _, err := l.Recharge(t.Context(), rating.Recharge{Key: "k", Amount: 1, At: time.Now(), Payees: []rating.Payee{{Extension: "101"}}}); err != nil {
		t.Fatal(err)
	}
	shard := rating.ShardOf("101")
	filed, err := l.Read(t.Context(), shard, "", 10)
	if err != nil || len(filed) != 1 {
		t.Fatal(filed, err)
	}
	for _, step := range []struct {
		keep time.Duration
		want int64
	}{{time.Minute, 1}, {0, 0}} {
		if err := errors.Join(l.KeepOutbox(t.Context(), step.keep), l.Trim(t.Context(), shard, filed[0].Position)); err != nil {
			t.Fatal(err)
		}
		if n, err := l.OutboxLength(t.Context()); err != nil || n != step.want {
			t.Errorf("kept for %v: %d records, want %d (%v)", step.keep, n, step.want, err)
		}
	}
}
