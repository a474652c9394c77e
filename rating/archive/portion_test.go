package archive

import (
	"testing"

	"tollgate/rating"
)

// What is filed while an export is read does not get into it, on whatever side it would stand.
func TestAnExportIsOfOneMoment(t *testing.T) { onBoth(t, testAnExportIsOfOneMoment) }

func testAnExportIsOfOneMoment(t *testing.T) {
	for _, sort := range []string{"started_at", "-started_at"} {
		a, box, w := open(t, Options{}), newOutbox(4), newWorld(71, 12, 4)
		drain := &Drain{Outbox: box, Archive: a}
		more := func(n int) {
			t.Helper()
			for range n {
				box.add(w.step())
			}
			if err := drain.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		more(3 * portionSize)
		calls := rows(t, a, "cdrs")
		var got int64
		for _, err := range a.AllCalls(t.Context(), rating.CallQuery{Sort: sort}) {
			if err != nil {
				t.Fatal(err)
			}
			if got++; got%portionSize == 1 {
				more(20)
			}
		}
		if got != calls {
			t.Errorf("%s: the export has %d calls, want the %d of its beginning", sort, got, calls)
		}
		lines := rows(t, a, "entries WHERE kind <> 'charge'")
		got = 0
		at := map[string]string{"started_at": "at", "-started_at": "-at"}[sort]
		for _, err := range a.AllRecharges(t.Context(), rating.EntryQuery{Sort: at}) {
			if err != nil {
				t.Fatal(err)
			}
			if got++; got == 1 {
				more(20)
			}
		}
		if got != lines {
			t.Errorf("%s: the export has %d lines, want the %d of its beginning", at, got, lines)
		}
	}
}
