package archive

import (
	"errors"
	"path/filepath"
	"testing"

	"tollgate/rating"
)

func TestAnEmptyArchiveTakesAnotherID(t *testing.T) { onBoth(t, testAnEmptyArchiveTakesAnotherID) }

func testAnEmptyArchiveTakesAnotherID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, err := Open(t.Context(), Options{DSN: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.TakeID(t.Context(), "OTHER"); err != nil || a.ID() != "OTHER" {
		t.Fatalf("id %s, %v", a.ID(), err)
	}
	a.Close()
	if a, err = Open(t.Context(), Options{DSN: path}); err != nil || a.ID() != "OTHER" {
		t.Fatalf("after opening it again: id %v, %v", a.ID(), err)
	}
	defer a.Close()
	w, box := newWorld(1, 3, 1), newOutbox(1)
	box.add(w.step())
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.TakeID(t.Context(), "THIRD"); !errors.Is(err, rating.ErrConflict) || a.ID() != "OTHER" {
		t.Errorf("an archive with a record: id %s, %v; want a conflict", a.ID(), err)
	}
}
