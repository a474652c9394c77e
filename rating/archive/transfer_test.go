package archive

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// From each database to each: everything is there once, with its id and its sums, and filing goes on in the copy.
func TestCopyToAnyDatabase(t *testing.T) { onBoth(t, testCopyToAnyDatabase) }

func testCopyToAnyDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		w, box := newWorld(81, 12, 4), newOutbox(4)
		for range 700 {
			box.add(w.step())
		}
		a := from(t)
		if err := a.SetLocation(t.Context(), zone(t, "Asia/Tokyo")); err != nil {
			t.Fatal(err)
		}
		drain := &Drain{Outbox: box, Archive: a}
		if err := drain.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := open(t, Options{})
		if err := a.CopyTo(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		everythingOnce(t, b, w, zone(t, "Asia/Tokyo"))
		if a.ID() != b.ID() {
			t.Errorf("the copy of %s has id %s", a.ID(), b.ID())
		}
		for range 100 {
			box.add(w.step())
		}
		if err := (&Drain{Outbox: box, Archive: b}).Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		everythingOnce(t, b, w, zone(t, "Asia/Tokyo"))
		if found := differences(t, b, w); len(found) > 0 {
			t.Errorf("the books of the copy: %+v", found)
		}
		if err := a.CopyTo(t.Context(), b); !errors.Is(err, rating.ErrConflict) {
			t.Errorf("a copy over what is there: %v", err)
		}
	})
}

// from is an archive in the database that the outer test is for.
func from(t *testing.T) *Archive {
	t.Helper()
	if strings.HasPrefix(t.Name(), "TestCopyToAnyDatabase/"+sqliteDialect.name) {
		return open(t, Options{DSN: file(t)})
	}
	server, err := sharedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	name, err := server.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, Options{DSN: name})
}

// A copy is of one moment, whatever is filed while it is made.
func TestACopyIsOfOneMoment(t *testing.T) { onBoth(t, testACopyIsOfOneMoment) }

func testACopyIsOfOneMoment(t *testing.T) {
	w, box, a := newWorld(82, 12, 4), newOutbox(4), open(t, Options{})
	drain := &Drain{Outbox: box, Archive: a}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				box.add(w.step(), w.step(), w.step())
				drain.round(t.Context())
			}
		}
	}()
	for range 3 {
		b := open(t, Options{DSN: file(t)})
		if err := a.CopyTo(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		ev, err := b.Evidence(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for extension, books := range ev.Books {
			account := rating.Account{Extension: extension, Balance: books.Journal.Amount, TotalRecharges: books.Journal.Recharged, Seq: books.Journal.LastSeq}
			if found := rating.Reconcile(ev.Of(account), time.Now()); extension != rating.AllExtensions && len(found) > 0 {
				t.Fatalf("found %+v", found)
			}
		}
	}
	close(stop)
	<-done
}
