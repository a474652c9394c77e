package archive

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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

// dayOf is a party's day.
type dayOf struct {
	party int64
	day   int
}

// tally gathers what a batch adds to the daily sums of one generation.
type tally struct {
	era   era
	days  map[int]*sums
	party map[dayOf]*sums
}

func newTally(e era) *tally {
	return &tally{e, make(map[int]*sums), make(map[dayOf]*sums)}
}

// add counts a call for the day on which it started, as the call log lists it.
func (t *tally) add(party, startedAt int64, disposition rating.Disposition, seconds int64, cost rating.Money) {
	day := t.era.calendar.day(startedAt)
	of(t.days, day).add(disposition, seconds, cost)
	of(t.party, dayOf{party, day}).add(disposition, seconds, cost)
}

func of[K comparable](m map[K]*sums, key K) *sums {
	if m[key] == nil {
		m[key] = &sums{}
	}
	return m[key]
}

// sumColumns are the columns of sums, in the order of their values.
var sumColumns = []string{"answered", "busy", "no_answer", "failed", "cancelled", "rejected", "seconds", "cost"}

func (s *sums) values() []any {
	v := make([]any, 0, len(sumColumns))
	for _, n := range s.calls {
		v = append(v, n)
	}
	return append(v, s.seconds, int64(s.cost))
}

var (
	addToDay   = addition("roll_day", "generation", "day")
	addToParty = addition("roll_ext", "generation", "party", "day")
)

// addition builds the statement that adds sums to a row, or makes the row.
func addition(table string, key ...string) string {
	columns := append(slices.Clone(key), sumColumns...)
	places, updates := make([]string, len(columns)), make([]string, len(sumColumns))
	for i := range columns {
		places[i] = parameter(i + 1)
	}
	for i, c := range sumColumns {
		updates[i] = c + " = " + table + "." + c + " + excluded." + c
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(places, ", ") +
		") ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(updates, ", ")
}

// write adds the tally to the tables, in the order of their keys, which spares the disk.
func (t *tally) write(s *session) error {
	for _, day := range slices.Sorted(maps.Keys(t.days)) {
		if _, err := s.exec(addToDay, append([]any{t.era.generation, day}, t.days[day].values()...)...); err != nil {
			return err
		}
	}
	keys := slices.SortedFunc(maps.Keys(t.party), func(a, b dayOf) int {
		return cmp.Or(cmp.Compare(a.party, b.party), cmp.Compare(a.day, b.day))
	})
	for _, k := range keys {
		if _, err := s.exec(addToParty, append([]any{t.era.generation, k.party, k.day}, t.party[k].values()...)...); err != nil {
			return err
		}
	}
	return nil
}
