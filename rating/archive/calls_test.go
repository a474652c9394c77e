package archive

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tollgate/rating"
)

// Every page of a random search is what filtering and sorting all calls by hand gives.
func TestCallsAreThoseOfAPlainSearch(t *testing.T) { onBoth(t, testCallsAreThoseOfAPlainSearch) }

func testCallsAreThoseOfAPlainSearch(t *testing.T) {
	for _, name := range []string{"UTC", "America/Sao_Paulo"} {
		location := zone(t, name)
		a, w := filled(t, 21, 400, Options{Location: location})
		if name != "UTC" {
			a.sparse = 5 // so that these few calls are searched as many would be
		}
		all := w.cdrs()
		r := rand.New(rand.NewPCG(2, 2))
		for range 30 {
			f := randomFilter(r, w, location)
			want := selected(all, f)
			sameCalls(t, collect(t, a, f), want)
			f.PerPage = 1 + r.IntN(40)
			f.Page = 1 + r.IntN(2+len(want)/f.PerPage)
			page, total, err := a.Calls(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if total != int64(len(want)) {
				t.Fatalf("%+v finds %d, want %d", f, total, len(want))
			}
			begin := min((f.Page-1)*f.PerPage, len(want))
			sameCalls(t, page, want[begin:min(begin+f.PerPage, len(want))])
		}
	}
}

func randomFilter(r *rand.Rand, w *world, location *time.Location) rating.CallQuery {
	var f rating.CallQuery
	first := w.cdrs()[0].StartedAt
	length := int64(w.now.Sub(first))
	moment := func() time.Time { // whole days, as dates give, or any instant, or just off a call
		at := first.Add(time.Duration(r.Int64N(length)))
		switch r.IntN(3) {
		case 0:
			return at
		case 1:
			return w.cdrs()[r.IntN(w.calls)].StartedAt.Add(time.Duration(r.IntN(3) - 1))
		}
		y, m, d := at.In(location).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, location)
	}
	if r.IntN(2) == 0 {
		f.From = moment()
	}
	if r.IntN(2) == 0 {
		f.Before = moment()
		if !f.From.IsZero() && r.IntN(3) == 0 {
			f.Before = f.From.Add(time.Duration(r.IntN(30)) * time.Hour)
		}
	}
	f.Q = []string{"", "", "10", "103", "N11", " extension1 ", "x", "EXTENSION", "nobody", "%", "_", "on1x"}[r.IntN(12)]
	f.Disposition = []rating.Disposition{"", "", "answered", "busy", "no_answer", "rejected", "failed", "cancelled"}[r.IntN(8)]
	f.Sort = []string{"", "-started_at", "started_at"}[r.IntN(3)]
	return f
}

func collect(t testing.TB, a *Archive, f rating.CallQuery) (list []rating.CDR) {
	t.Helper()
	for c, err := range a.AllCalls(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func TestCallsSortedByWhatTheyCostOrLast(t *testing.T) {
	onBoth(t, testCallsSortedByWhatTheyCostOrLast)
}

func testCallsSortedByWhatTheyCostOrLast(t *testing.T) {
	a, w := filled(t, 22, 300, Options{})
	for sort, value := range map[string]func(rating.CDR) int64{
		"-cost":    func(c rating.CDR) int64 { return -int64(c.Cost) },
		"duration": func(c rating.CDR) int64 { return c.Duration },
	} {
		f := rating.CallQuery{Sort: sort, Q: "1"}
		want := selected(w.cdrs(), f)
		var paged []rating.CDR
		for f.PerPage, f.Page = 200, 1; ; f.Page++ {
			page, _, err := a.Calls(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		sameCalls(t, collect(t, a, f), paged)
		seen := make(map[rating.CallID]bool)
		for i, c := range paged {
			seen[c.ID] = true
			if value(c) != value(want[i]) {
				t.Fatalf("sorted by %s, call %d is %+v", sort, i, c)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("sorted by %s, %d calls are found, want %d", sort, len(seen), len(want))
		}
	}
}

// A bulk recharge, or a burst of calls, has one and the same time, and more lines than an export reads at once.
func TestExportOfManyRowsOfOneInstant(t *testing.T) { onBoth(t, testExportOfManyRowsOfOneInstant) }

func testExportOfManyRowsOfOneInstant(t *testing.T) {
	w, box, a := newWorld(26, 5, 1), newOutbox(1), open(t, Options{})
	const each = portionSize/2 + 50
	for range 2 {
		w.now = w.now.Add(time.Hour)
		for range each {
			acct := w.pick()
			box.add(w.file(acct, w.entry(acct, rating.RechargeEntry, 1), nil), w.file(acct, nil, w.cdr(acct, rating.Busy, 0)))
		}
	}
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sort := range []string{"started_at", "-started_at", "cost"} {
		seen := make(map[rating.CallID]bool)
		all := collect(t, a, rating.CallQuery{Sort: sort})
		for _, c := range all {
			seen[c.ID] = true
		}
		if n := len(all); n != 2*each || len(seen) != 2*each {
			t.Errorf("sorted by %s, %d calls of %d ids are given, want %d", sort, n, len(seen), 2*each)
		}
	}
	for _, sort := range []string{"at", "-at"} {
		seen, n := make(map[string]bool), 0
		for r, err := range a.AllRecharges(t.Context(), rating.EntryQuery{Sort: sort}) {
			if err != nil {
				t.Fatal(err)
			}
			seen[r.Ref] = true
			n++
		}
		if n != 2*each || len(seen) != 2*each {
			t.Errorf("sorted by %s, %d recharges of %d ids are given, want %d", sort, n, len(seen), 2*each)
		}
	}
}

func TestCallByID(t *testing.T) { onBoth(t, testCallByID) }

func testCallByID(t *testing.T) {
	a, w := filled(t, 23, 60, Options{})
	for _, want := range w.cdrs() {
		got, err := a.Call(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		sameCalls(t, []rating.CDR{got}, []rating.CDR{want})
	}
	if _, err := a.Call(t.Context(), "nobody"); !errors.Is(err, rating.ErrNotFound) {
		t.Errorf("an unknown call is %v, want rating.ErrNotFound", err)
	}
}

// A rate or a list of attempts that was damaged by hand does not hide the call.
func TestDamagedTextLeavesTheRestOfACall(t *testing.T) {
	onBoth(t, testDamagedTextLeavesTheRestOfACall)
}

func testDamagedTextLeavesTheRestOfACall(t *testing.T) {
	a, w := filled(t, 24, 60, Options{})
	for _, text := range []string{`UPDATE rates SET body = '{'`, `UPDATE cdrs SET attempts = 'x'`} {
		if _, err := a.pools.write.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	f := rating.CallQuery{}
	want := selected(w.cdrs(), f)
	for i := range want {
		want[i].Rate, want[i].Attempts = nil, nil
	}
	sameCalls(t, collect(t, a, f), want)
}

func TestImpossibleFiltersNameTheField(t *testing.T) { onBoth(t, testImpossibleFiltersNameTheField) }

func testImpossibleFiltersNameTheField(t *testing.T) {
	a := open(t, Options{})
	long := string(make([]byte, maxKeyword+1))
	for field, call := range map[string]func() error{
		"page": func() error {
			_, _, err := a.Calls(t.Context(), rating.CallQuery{Paging: rating.Paging{Page: -1}})
			return err
		},
		"per_page": func() error {
			_, _, err := a.Recharges(t.Context(), rating.EntryQuery{Paging: rating.Paging{PerPage: 201}})
			return err
		},
		"sort": func() error {
			_, _, err := a.Calls(t.Context(), rating.CallQuery{Sort: "-n; DROP TABLE cdrs"})
			return err
		},
		"q":           func() error { _, _, err := a.Calls(t.Context(), rating.CallQuery{Q: long}); return err },
		"disposition": func() error { _, _, err := a.Calls(t.Context(), rating.CallQuery{Disposition: "abducted"}); return err },
		"by":          func() error { _, _, err := a.Statistics(t.Context(), rating.StatisticsQuery{By: "week"}); return err },
		"from": func() error {
			_, _, err := a.Statistics(t.Context(), rating.StatisticsQuery{From: "2019-02-30"})
			return err
		},
	} {
		var bad rating.Invalid
		if err := call(); !errors.As(err, &bad) || bad[0].Field != field {
			t.Errorf("want a fault of %s, got %v", field, err)
		}
	}
	for _, err := range a.AllCalls(t.Context(), rating.CallQuery{Sort: "x"}) {
		if err == nil {
			t.Error("an export with an impossible filter gives rows")
		}
	}
}

func TestNothingFoundIsAnEmptyList(t *testing.T) { onBoth(t, testNothingFoundIsAnEmptyList) }

func testNothingFoundIsAnEmptyList(t *testing.T) {
	a := open(t, Options{})
	calls, n1, err1 := a.Calls(t.Context(), rating.CallQuery{Period: rating.Period{From: time.Now(), Before: time.Now().Add(-time.Hour)}})
	recharges, n2, err2 := a.Recharges(t.Context(), rating.EntryQuery{})
	statistics, n3, err3 := a.Statistics(t.Context(), rating.StatisticsQuery{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if len(calls)+len(recharges)+len(statistics) != 0 || n1+n2+n3 != 0 {
		t.Errorf("an empty archive gives %+v %+v %+v", calls, recharges, statistics)
	}
}

func TestRechargeHistory(t *testing.T) { onBoth(t, testRechargeHistory) }

func testRechargeHistory(t *testing.T) {
	a, w := filled(t, 25, 400, Options{})
	r := rand.New(rand.NewPCG(3, 3))
	for range 40 {
		c := randomFilter(r, w, time.UTC)
		f := rating.EntryQuery{Period: c.Period, Q: c.Q, Sort: []string{"", "at", "-at"}[r.IntN(3)]}
		var want []rating.Entry
		for _, filed := range w.filed {
			if e := filed.Entry; e != nil && e.Kind != rating.ChargeEntry && (f.From.IsZero() || !e.At.Before(f.From)) && (f.Before.IsZero() || e.At.Before(f.Before)) &&
				mentions(e.Extension, e.Username, f.Q) {
				want = append(want, *e)
			}
		}
		if f.Sort != "at" {
			slices.Reverse(want)
		}
		var got []rating.Entry
		for line, err := range a.AllRecharges(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v gives\n%+v, want\n%+v", f, got, want)
		}
		f.Page, f.PerPage = 1+r.IntN(3), 7
		page, total, err := a.Recharges(t.Context(), f)
		if err != nil || total != int64(len(want)) {
			t.Fatalf("%+v finds %d, err %v; want %d", f, total, err, len(want))
		}
		begin := min((f.Page-1)*7, len(want))
		for i, line := range page {
			if line != want[begin+i] {
				t.Fatalf("line %d of page %d is %+v, want %+v", i, f.Page, line, want[begin+i])
			}
		}
	}
}
