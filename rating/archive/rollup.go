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
	addToDay   = addition{"roll_day", []string{"generation", "day"}, sumColumns}
	addToParty = addition{"roll_ext", []string{"generation", "party", "day"}, sumColumns}
	addToMonth = addition{"roll_month", []string{"generation", "party", "month"}, callColumns}
)

// sumRows is how many rows one statement adds to: each is a round trip to a database server.
const sumRows = 200

// addition adds sums to rows of a table, or makes the rows.
type addition struct {
	table     string
	key, sums []string
}

// text is the statement for some rows, whose keys differ.
func (a addition) text(rows int) string {
	updates := make([]string, len(a.sums))
	for i, c := range a.sums {
		updates[i] = c + " = " + a.table + "." + c + " + excluded." + c
	}
	return insertRows(a.table, slices.Concat(a.key, a.sums), rows) + " ON CONFLICT (" + strings.Join(a.key, ", ") + ") DO UPDATE SET " + strings.Join(updates, ", ")
}

// write adds the tally to the tables, in the order of their keys, which spares the disk.
func (t *tally) write(s *session) error {
	for _, day := range slices.Sorted(maps.Keys(t.days)) {
		if _, err := s.exec(addToDay.text(1), append([]any{t.era.generation, day}, t.days[day].values()...)...); err != nil {
			return err
		}
	}
	if err := t.writeParties(s, addToParty, t.party, len(sumColumns)); err != nil {
		return err
	}
	if err := t.writeParties(s, addToMonth, t.months, len(callColumns)); err != nil {
		return err
	}
	return t.writeDestinations(s)
}

func (t *tally) writeParties(s *session, sums addition, rows map[period]*sums, columns int) error {
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b period) int {
		return cmp.Or(cmp.Compare(a.is, b.is), cmp.Compare(a.party, b.party))
	})
	for chunk := range slices.Chunk(keys, sumRows) {
		values := make([]any, 0, len(chunk)*(3+columns))
		for _, k := range chunk {
			values = append(append(values, t.era.generation, k.party, k.is), rows[k].values()[:columns]...)
		}
		if _, err := s.exec(sums.text(len(chunk)), values...); err != nil {
			return err
		}
	}
	return nil
}
