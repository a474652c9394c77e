package archive

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"tollgate/rating"
)

// strayed makes some calls of a world such as reports look for, and files the world.
func strayed(t *testing.T, location *time.Location) (*Archive, *world) {
	t.Helper()
	w, box, r := newWorld(41, 12, 4), newOutbox(4), rand.New(rand.NewPCG(5, 5))
	for range 500 {
		f := w.step()
		if c := f.CDR; c != nil {
			c.Dialled = []string{"988360046", "+8613912345678", "008613900000000", "9", "*43", "alice", "+86139", "110"}[r.IntN(8)]
			switch c.Disposition {
			case rating.Rejected:
				c.Reason = []rating.Reason{rating.ReasonNoRate, rating.ReasonNoRate, rating.ReasonNoCredit, rating.ReasonLimit, "abducted"}[r.IntN(5)]
				c.Count = 1 + r.Int64N(3)
			case rating.Answered:
				if c.Cost == 0 || r.IntN(3) == 0 {
					why := []rating.Unbilled{rating.Unrated, rating.BillingDisabled, rating.BillingDeactivated, rating.EmergencyCall, rating.FreeRate}[r.IntN(5)]
					c.Unbilled = &why
				}
			}
		}
		box.add(f)
	}
	a := open(t, Options{Location: location})
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, w
}

func TestReportsAreThoseOfAPlainSum(t *testing.T) { onBoth(t, testReportsAreThoseOfAPlainSum) }

func testReportsAreThoseOfAPlainSum(t *testing.T) {
	location := zone(t, "America/Sao_Paulo")
	a, w := strayed(t, location)
	check := func() {
		t.Helper()
		r := rand.New(rand.NewPCG(6, 6))
		for range 30 {
			var from, to string
			if r.IntN(2) == 0 {
				from = dateOf(w.filed[r.IntN(len(w.filed))], location)
			}
			if r.IntN(2) == 0 {
				to = dateOf(w.filed[r.IntN(len(w.filed))], location)
			}
			q := rating.UnratedQuery{From: from, To: to, Why: []string{"", "no_rate", "unrated"}[r.IntN(3)], Sort: []string{"", "calls", "-last_at", "prefix"}[r.IntN(4)],
				Paging: rating.Paging{Page: 1 + r.IntN(2), PerPage: 5}}
			want := unratedOf(w.cdrs(), q, location)
			page, total, err := a.Unrated(t.Context(), q)
			begin := min((q.Page-1)*5, len(want))
			if err != nil || total != int64(len(want)) || !slices.Equal(page, want[begin:min(begin+5, len(want))]) {
				t.Fatalf("%+v gives %d (%v)\n%+v, want\n%+v", q, total, err, page, want)
			}
			sum, err := a.Summary(t.Context(), from, to)
			if want := summaryOf(w.cdrs(), from, to, location); err != nil || !reflect.DeepEqual(sum, want) {
				t.Fatalf("from %q to %q: %v\n%+v, want\n%+v", from, to, err, sum, want)
			}
		}
	}
	check()
	// An archive that an older program made lacks these sums, until they are counted anew.
	for _, text := range []string{`DELETE FROM roll_dest`, `DELETE FROM meta WHERE key = 'sums'`} {
		if _, err := a.pools.write.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.SetLocation(t.Context(), location); err != nil {
		t.Fatal(err)
	}
	check()
}

func onDay(c rating.CDR, from, to string, location *time.Location) bool {
	day := c.StartedAt.In(location).Format(time.DateOnly)
	return (from == "" || day >= from) && (to == "" || day <= to)
}

func unratedOf(all []rating.CDR, q rating.UnratedQuery, location *time.Location) []rating.UnratedRow {
	groups := make(map[[2]string]*rating.UnratedRow)
	for _, c := range all {
		why := string(c.Reason)
		if c.Unbilled != nil {
			why = string(*c.Unbilled)
		}
		if !onDay(c, q.From, q.To, location) || !slices.Contains(rating.Gaps(), why) || q.Why != "" && q.Why != why {
			continue
		}
		key := [2]string{rating.DestinationPrefix(c.Dialled), why}
		if groups[key] == nil {
			groups[key] = &rating.UnratedRow{Prefix: key[0], Why: why}
		}
		g := groups[key]
		g.Calls += c.Count
		if c.Disposition == rating.Answered {
			g.Answered, g.Seconds = g.Answered+1, g.Seconds+c.Duration
		}
		if !c.StartedAt.Before(g.LastAt) {
			g.LastAt, g.Example = c.StartedAt, c.Dialled
		}
	}
	var list []rating.UnratedRow
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b rating.UnratedRow) int {
		by := map[string]int{"": cmp.Compare(b.Calls, a.Calls), "calls": cmp.Compare(a.Calls, b.Calls), "-last_at": b.LastAt.Compare(a.LastAt), "prefix": cmp.Compare(a.Prefix, b.Prefix)}[q.Sort]
		return cmp.Or(by, cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Why, b.Why))
	})
	return list
}

func summaryOf(all []rating.CDR, from, to string, location *time.Location) rating.Summary {
	s := rating.Summary{Dispositions: map[rating.Disposition]int64{}, Destinations: []rating.DestinationSum{}, Refusals: []rating.RefusalSum{}}
	for _, d := range dispositions {
		s.Dispositions[d] = 0
	}
	refused, sums := map[rating.Reason]int64{}, map[string]rating.DestinationSum{}
	for _, c := range all {
		if !onDay(c, from, to, location) {
			continue
		}
		s.Dispositions[c.Disposition]++
		s.Revenue += c.Cost
		if c.Disposition == rating.Rejected {
			reason := c.Reason
			if reason == "abducted" {
				reason = "other"
			}
			refused[reason] += c.Count
			continue
		}
		s.Calls++
		if c.Disposition == rating.Answered {
			s.Answered, s.Seconds = s.Answered+1, s.Seconds+c.Duration
			prefix := rating.DestinationPrefix(c.Dialled)
			d := sums[prefix]
			sums[prefix] = rating.DestinationSum{Prefix: prefix, Calls: d.Calls + 1, Seconds: d.Seconds + c.Duration, Cost: d.Cost + c.Cost}
		}
	}
	s.Destinations = append(s.Destinations, slices.SortedFunc(maps.Values(sums), func(a, b rating.DestinationSum) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Prefix, b.Prefix))
	})...)
	for reason, n := range refused {
		s.Refusals = append(s.Refusals, rating.RefusalSum{Reason: reason, Calls: n})
	}
	slices.SortFunc(s.Refusals, func(a, b rating.RefusalSum) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Reason, b.Reason))
	})
	return s
}
