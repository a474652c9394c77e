package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/rating"
)

func TestDrainFilesEveryRecordOnceWhateverStopsIt(t *testing.T) {
	onBoth(t, testDrainFilesEveryRecordOnceWhateverStopsIt)
}

func testDrainFilesEveryRecordOnceWhateverStopsIt(t *testing.T) {
	for _, step := range []string{stepInserted, stepPositions, stepCommitted} {
		t.Run(step, func(t *testing.T) {
			w, box, a := newWorld(1, 6, 3), newOutbox(3), open(t, Options{})
			for range 25 {
				box.add(w.step())
				d := &Drain{Outbox: box, Archive: a, stop: func(at string) error {
					if at == step {
						return errBroken
					}
					return nil
				}}
				before := rows(t, a, "cdrs") + rows(t, a, "entries") + rows(t, a, "roll_ext") + rows(t, a, "positions")
				if err := d.Flush(t.Context()); err == nil {
					t.Fatal("the round did not stop where it should")
				}
				after := rows(t, a, "cdrs") + rows(t, a, "entries") + rows(t, a, "roll_ext") + rows(t, a, "positions")
				if step != stepCommitted && after != before {
					t.Fatal("half of a transaction is left")
				}
			}
			if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			everythingOnce(t, a, w, time.UTC)
			if left := box.left(); left != 0 {
				t.Errorf("%d records are left in the outbox", left)
			}
		})
	}
}

// One drain after another is stopped at a random step, or loses outbox or archive; records come in all the while.
func TestDrainSurvivesRandomFailures(t *testing.T) { onBoth(t, testDrainSurvivesRandomFailures) }

func testDrainSurvivesRandomFailures(t *testing.T) {
	seeds := uint64(1)
	if os.Getenv("TOLLGATE_SLOW") != "" {
		seeds = 12
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 1))
		path := dsn(t)
		w, box := newWorld(seed, 12, 4), newOutbox(4)
		for range 15 {
			for range r.IntN(40) {
				box.add(w.step())
			}
			a, err := Open(t.Context(), Options{DSN: path, Location: zone(t, "Europe/Berlin"), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			countdown := r.IntN(12)
			d := &Drain{Outbox: box, Archive: a, stop: func(string) error {
				if countdown--; countdown < 0 {
					return errBroken
				}
				return nil
			}}
			d.limit = 1 + r.IntN(40)
			box.breakDown(nil)
			if r.IntN(5) == 0 {
				box.breakDown(errBroken)
			}
			d.Flush(t.Context()) // fails or not
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		box.breakDown(nil)
		a := open(t, Options{DSN: path})
		if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		everythingOnce(t, a, w, zone(t, "Europe/Berlin"))
		if list, n, _ := a.Quarantine(t.Context()); n != 0 {
			t.Errorf("quarantined without need: %+v", list)
		}
	}
}

// Two drains on one archive are against the rules; even so nothing is filed twice.
func TestTwoDrainsFileNothingTwice(t *testing.T) { onBoth(t, testTwoDrainsFileNothingTwice) }

func testTwoDrainsFileNothingTwice(t *testing.T) {
	w, box, a := newWorld(3, 6, 2), newOutbox(2), open(t, Options{})
	one, two := &Drain{Outbox: box, Archive: a}, &Drain{Outbox: box, Archive: a}
	for range 30 {
		box.add(w.step(), w.step())
		for _, d := range []*Drain{one, two} {
			if err := d.resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		batches, _, err := one.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two.Flush(t.Context()) // files them first, unless it finds out that the other one did
		if _, err := one.put(t.Context(), batches); err != nil {
			one.positions = nil
		}
	}
	for _, d := range []*Drain{one, two} {
		d.positions = nil
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	everythingOnce(t, a, w, time.UTC)
}

func TestBatchMustBeginWhereTheArchiveStands(t *testing.T) {
	onBoth(t, testBatchMustBeginWhereTheArchiveStands)
}

func testBatchMustBeginWhereTheArchiveStands(t *testing.T) {
	w, a := newWorld(4, 4, 1), open(t, Options{})
	put := func(after string, f rating.Filed) error {
		_, err := a.put(t.Context(), []batch{{0, after, []rating.Filed{f}}}, func(string) error { return nil })
		return err
	}
	one, two, three := w.step(), w.step(), w.step()
	if err := put("", one); err != nil {
		t.Fatal(err)
	}
	for _, after := range []string{"", "0-0", two.Position} {
		if err := put(after, three); !errors.Is(err, errMoved) {
			t.Errorf("a batch after %q is filed though the archive stands at %s: %v", after, one.Position, err)
		}
	}
	if err := put(one.Position, two); err != nil {
		t.Error(err)
	}
}

func TestQuarantine(t *testing.T) { onBoth(t, testQuarantine) }

func testQuarantine(t *testing.T) {
	w := newWorld(5, 3, 1)
	var good rating.Filed
	for good.Entry == nil || good.CDR == nil {
		good = w.step()
	}
	edit := func(change func(*rating.Entry, *rating.CDR)) rating.Filed {
		e, c := *good.Entry, *good.CDR
		e.Seq, c.ID, e.Ref = 77, "other", "other"
		change(&e, &c)
		return rating.Filed{Entry: &e, CDR: &c}
	}
	for _, tc := range []struct {
		name   string
		record rating.Filed
		fault  string
	}{
		{"what the outbox could not read", rating.Filed{Bad: "not JSON", Raw: "{\xff\x00"}, "not JSON"},
		{"nothing", rating.Filed{}, "neither"},
		{"the same call with another cost", edit(func(e *rating.Entry, c *rating.CDR) { c.ID = good.CDR.ID; c.Cost++ }), "contradicts"},
		{"the same call with another journal line", edit(func(e *rating.Entry, c *rating.CDR) { *c = *good.CDR }), "contradicts"},
		{"the same journal line with another amount", edit(func(e *rating.Entry, c *rating.CDR) { e.Seq = good.Entry.Seq; e.Amount-- }), "contradicts"},
		{"the same journal line of another call", edit(func(e *rating.Entry, c *rating.CDR) { *e = *good.Entry }), "contradicts"},
		{"the CDR of a charged call without its line", rating.Filed{CDR: good.CDR}, "contradicts"},
		{"no extension", edit(func(e *rating.Entry, c *rating.CDR) { e.Extension = "" }), "no extension"},
		{"no line number", edit(func(e *rating.Entry, c *rating.CDR) { e.Seq = 0 }), "seq 0"},
		{"a kind that is not ours", edit(func(e *rating.Entry, c *rating.CDR) { e.Kind = "gift" }), `kind "gift"`},
		{"an amount beyond all bounds", edit(func(e *rating.Entry, c *rating.CDR) { e.Amount = rating.MaxMoney + 1 }), "out of range"},
		{"no time", edit(func(e *rating.Entry, c *rating.CDR) { e.At = time.Time{} }), "time"},
		{"no call id", edit(func(e *rating.Entry, c *rating.CDR) { c.ID = "" }), "call id"},
		{"no extension of the call", edit(func(e *rating.Entry, c *rating.CDR) { c.Extension = "" }), "no extension"},
		{"a disposition that is not ours", edit(func(e *rating.Entry, c *rating.CDR) { c.Disposition = "abducted" }), `"abducted"`},
		{"a negative cost", edit(func(e *rating.Entry, c *rating.CDR) { c.Cost = -1 }), "cost"},
		{"a duration that would upset the sums", edit(func(e *rating.Entry, c *rating.CDR) { c.Duration = 1 << 60 }), "duration"},
		{"a call from the year 12000", edit(func(e *rating.Entry, c *rating.CDR) { c.StartedAt = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }), "time"},
		{"a zero byte", edit(func(e *rating.Entry, c *rating.CDR) { c.CallIDA = "a\x00" }), "zero byte"},
		{"a zero byte in a note", edit(func(e *rating.Entry, c *rating.CDR) { e.Note = "a\x00" }), "zero byte"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log bytes.Buffer
			box, a := newOutbox(1), open(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			first, last := good, edit(func(*rating.Entry, *rating.CDR) {})
			first.Position, tc.record.Position, last.Position = "1-0", "2-0", "3-0"
			last.Entry.Seq, last.CDR.ID = 78, "last"
			box.add(first, tc.record, last)
			d := &Drain{Outbox: box, Archive: a}
			if err := d.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			list, n, err := a.Quarantine(t.Context())
			if err != nil || n != 1 || len(list) != 1 {
				t.Fatalf("quarantine holds %d records, err %v; want one", n, err)
			}
			if q := list[0]; q.Position != "2-0" || !strings.Contains(q.Fault, tc.fault) || q.Raw == "" {
				t.Errorf("quarantined as %+v, want a fault that says %q", q, tc.fault)
			}
			if n := rows(t, a, "cdrs"); n != 2 || rows(t, a, "entries") != 2 {
				t.Errorf("%d CDRs are filed, want the good ones before and after it", n)
			}
			if n := strings.Count(log.String(), "quarantined"); n != 1 {
				t.Errorf("the log names it %d times, want once:\n%s", n, log.String())
			}
			if s := d.Stats(); s.Quarantined != 1 || s.Filed != 2 {
				t.Errorf("counted %+v", s)
			}
			if box.left() != 0 {
				t.Error("the outbox was not trimmed")
			}
		})
	}
}

// A store that was restored from a copy may file the same records again, at new positions.
func TestRepeatedRecordIsPassedOver(t *testing.T) { onBoth(t, testRepeatedRecordIsPassedOver) }

func testRepeatedRecordIsPassedOver(t *testing.T) {
	w, box, a := newWorld(6, 4, 1), newOutbox(1), open(t, Options{})
	for range 50 {
		box.add(w.step())
	}
	d := &Drain{Outbox: box, Archive: a}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, f := range w.filed {
		f.Position = "1000-" + string(rune('0'+i%10)) + string(rune('0'+i/10))
		box.add(f)
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	everythingOnce(t, a, w, time.UTC)
	if s := d.Stats(); s.Duplicates != 50 || s.Filed != 50 || s.Quarantined != 0 {
		t.Errorf("counted %+v, want 50 records and 50 duplicates", s)
	}
}

// New records that come twice in one batch are filed once.
func TestRecordTwiceInABatchIsFiledOnce(t *testing.T) { onBoth(t, testRecordTwiceInABatchIsFiledOnce) }

func testRecordTwiceInABatchIsFiledOnce(t *testing.T) {
	w, box, a := newWorld(11, 4, 1), newOutbox(1), open(t, Options{})
	for range 50 {
		f := w.step()
		box.add(f, f)
	}
	d := &Drain{Outbox: box, Archive: a}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	everythingOnce(t, a, w, time.UTC)
	if s := d.Stats(); s.Filed != 50 || s.Duplicates != 50 || s.Quarantined != 0 {
		t.Errorf("counted %+v, want 50 records and 50 duplicates", s)
	}
}

// A database that does not get done with a transaction in time gets smaller ones, down to a record of each shard.
func TestBatchesShrinkForASlowDatabase(t *testing.T) {
	w, box, a := newWorld(12, 4, 1), newOutbox(1), open(t, Options{})
	for range 100 {
		box.add(w.step())
	}
	slow := true
	d := &Drain{Outbox: box, Archive: a, stop: func(step string) error {
		if slow && step == stepInserted {
			return fmt.Errorf("write rows: %w", context.DeadlineExceeded)
		}
		return nil
	}}
	for _, want := range []int{125, 15, 1, 1} {
		if err := d.Flush(t.Context()); !errors.Is(err, context.DeadlineExceeded) || d.limit != want {
			t.Fatalf("after a transaction that took too long: %v, and %d records are tried next, want %d", err, d.limit, want)
		}
	}
	slow = false
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	everythingOnce(t, a, w, time.UTC)
}

// A value that only the database refuses must not hold up the rest for ever.
func TestRecordRefusedByTheDatabaseStandsAlone(t *testing.T) {
	onBoth(t, testRecordRefusedByTheDatabaseStandsAlone)
}

func testRecordRefusedByTheDatabaseStandsAlone(t *testing.T) {
	w, box, a := newWorld(8, 4, 2), newOutbox(2), open(t, Options{})
	either(t, a, `CREATE TRIGGER refuse BEFORE INSERT ON cdrs WHEN NEW.id = 'call20' BEGIN SELECT RAISE(ABORT, 'not this one'); END`,
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$;
 CREATE TRIGGER refuse BEFORE INSERT ON cdrs FOR EACH ROW WHEN (NEW.id = 'call20') EXECUTE FUNCTION refuse()`)
	for range 100 {
		box.add(w.step())
	}
	d := &Drain{Outbox: box, Archive: a}
	for range 30 {
		if err := d.Flush(t.Context()); err == nil {
			break
		}
	}
	list, n, err := a.Quarantine(t.Context())
	if err != nil || n != 1 || !strings.Contains(list[0].Fault, "not this one") || !strings.Contains(list[0].Raw, "call20") {
		t.Fatalf("quarantine holds %+v, err %v; want call20", list, err)
	}
	if have, want := rows(t, a, "cdrs"), int64(len(w.cdrs())-1); have != want || box.left() != 0 {
		t.Errorf("%d CDRs are filed, want %d; %d records are left", have, want, box.left())
	}
}

func TestFullDiskHoldsUpAndLosesNothing(t *testing.T) { onBoth(t, testFullDiskHoldsUpAndLosesNothing) }

func testFullDiskHoldsUpAndLosesNothing(t *testing.T) {
	w, box, a := newWorld(10, 4, 2), newOutbox(2), open(t, Options{})
	either(t, a, "PRAGMA max_page_count = 1", // which means: no more than there are
		`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
 CREATE TRIGGER full_disk BEFORE INSERT ON cdrs FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	for range 400 {
		box.add(w.step())
	}
	d := &Drain{Outbox: box, Archive: a}
	for range 3 {
		if err := d.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "full") {
			t.Fatalf("the disk is full, and the drain says %v", err)
		}
	}
	if box.left() != 400 {
		t.Errorf("%d records are left in the outbox, want all 400", box.left())
	}
	either(t, a, "PRAGMA max_page_count = 1073741824", "DROP TRIGGER full_disk ON cdrs")
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	everythingOnce(t, a, w, time.UTC)
	if _, n, err := a.Quarantine(t.Context()); n != 0 || err != nil {
		t.Errorf("%d records are in quarantine (%v): a full disk is no fault of theirs", n, err)
	}
}

func TestDrainIsPromptWhenIdleAndPatientWhenBroken(t *testing.T) { // in the time of a bubble, in which no server lives
	synctest.Test(t, func(t *testing.T) {
		w, box, a := newWorld(9, 4, 2), newOutbox(2), open(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var follows atomic.Bool
		d := &Drain{Outbox: box, Archive: a, Leader: func() bool { return !follows.Load() }}
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx) }()
		defer func() { cancel(); <-done; a.Close() }()

		for range 5 { // a call now and then
			time.Sleep(7 * time.Second)
			box.add(w.step())
			time.Sleep(time.Second / 2)
			if left := box.left(); left != 0 {
				t.Fatal("a record was not archived within half a second")
			}
		}
		reads := box.attempts()
		time.Sleep(time.Minute)
		if n := (box.attempts() - reads) / 2; n > 151 {
			t.Errorf("an idle minute took %d rounds, want no more than 151", n)
		}

		box.breakDown(errBroken)
		reads = box.attempts()
		time.Sleep(time.Minute)
		if n := box.attempts() - reads; n > 20 {
			t.Errorf("a minute without store took %d attempts, want back-off to %v", n, maxBackOff)
		}
		if lag := d.Stats().Lag; lag < 59*time.Second || lag > 62*time.Second {
			t.Errorf("after a minute without store the lag is %v", lag)
		}
		box.breakDown(nil)
		box.add(w.step())
		time.Sleep(maxBackOff)
		if box.left() != 0 || d.Stats().Lag > time.Second {
			t.Errorf("the store is back, and %d records are left, lag %v", box.left(), d.Stats().Lag)
		}

		follows.Store(true)
		time.Sleep(time.Second)
		box.add(w.step())
		time.Sleep(10 * time.Second)
		if box.left() != 1 || d.Stats().Lag != 0 {
			t.Errorf("a node that does not lead drained (%d left), or reports a lag of %v", box.left(), d.Stats().Lag)
		}
	})
}
