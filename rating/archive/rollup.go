package archive

import (
	"cmp"
	"maps"
	"slices"

	"tollgate/rating"
)

// sums add up the calls of one day. Unanswered calls have neither seconds nor cost.
type sums struct {
	calls   [6]int64 // by disposition, in the order of dispositions
	seconds int64
	cost    rating.Money
}

func (s *sums) add(disposition rating.Disposition, seconds int64, cost rating.Money) {
	if i := slices.Index(dispositions, disposition); i >= 0 {
		s.calls[i]++
	}
	if disposition == rating.Answered {
		s.seconds += seconds
	}
	s.cost += cost
}

// period is a party's day, or month.
type period struct {
	party int64
	is    int // 20190531, or 201905
}

// tally gathers what a batch adds to the sums of one generation.
type tally struct {
	era          era
	days         map[int]*sums
	party        map[period]*sums
	months       map[period]*sums
	destinations map[destination]*traffic
}

func newTally(e era) *tally {
	return &tally{e, make(map[int]*sums), make(map[period]*sums), make(map[period]*sums), make(map[destination]*traffic)}
}

// addend is what the sums count of a CDR.
type addend struct {
	party, startedAt int64
	disposition      rating.Disposition
	seconds          int64
	cost             rating.Money
	dialled, why     string // why: see whyOf
	attempts         int64
}

// add counts a call for the day on which it started, as the call log lists it.
func (t *tally) add(c addend) {
	day := t.era.calendar.day(c.startedAt)
	for _, s := range []*sums{of(t.days, day), of(t.party, period{c.party, day}), of(t.months, period{c.party, day / 100})} {
		s.add(c.disposition, c.seconds, c.cost)
	}
	of(t.destinations, destination{c.why, day, rating.DestinationPrefix(c.dialled)}).add(c)
}

func of[K comparable, S any](m map[K]*S, key K) *S {
	if m[key] == nil {
		m[key] = new(S)
	}
	return m[key]
}

// sumColumns are the columns of sums, in the order of their values; months have the calls alone.
var (
	callColumns = []string{"answered", "busy", "no_answer", "failed", "cancelled", "rejected"}
	sumColumns  = append(slices.Clone(callColumns), "seconds", "cost")
)

func (s *sums) values() []any {
	v := make([]any, 0, len(sumColumns))
	for _, n := range s.calls {
		v = append(v, n)
	}
	return append(v, s.seconds, int64(s.cost))
}

var (
	dayTable   = sumTable("roll_day", []string{"generation", "day"}, sumColumns)
	partyTable = sumTable("roll_ext", []string{"generation", "party", "day"}, sumColumns)
	monthTable = sumTable("roll_month", []string{"generation", "party", "month"}, callColumns)
)

// write adds the tally to the tables, in the order of their keys, which spares the disk.
func (t *tally) write(s *session) error {
	for _, sums := range []struct {
		table table
		rows  [][]any
	}{
		{dayTable, t.dayRows()},
		{partyTable, t.periodRows(t.party, len(sumColumns))},
		{monthTable, t.periodRows(t.months, len(callColumns))},
		{destinationTable, t.destinationRows()},
	} {
		if _, err := s.insert(sums.table, sums.rows); err != nil {
			return err
		}
	}
	return nil
}

func (t *tally) dayRows() (rows [][]any) {
	for _, day := range slices.Sorted(maps.Keys(t.days)) {
		rows = append(rows, append([]any{t.era.generation, day}, t.days[day].values()...))
	}
	return rows
}

// periodRows has the first so many values of each period's sums.
func (t *tally) periodRows(periods map[period]*sums, values int) (rows [][]any) {
	keys := slices.SortedFunc(maps.Keys(periods), func(a, b period) int {
		return cmp.Or(cmp.Compare(a.is, b.is), cmp.Compare(a.party, b.party))
	})
	for _, k := range keys {
		rows = append(rows, append([]any{t.era.generation, k.party, k.is}, periods[k].values()[:values]...))
	}
	return rows
}
