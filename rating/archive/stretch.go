package archive

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// stretch is a part of the time that a selection spans, with the number of calls that it selects there: a whole day,
// counted by the daily sums, or a part of a day at either end, counted call by call.
type stretch struct {
	from, to int64 // microseconds, [from, to)
	calls    int64
}

// stretches divides a selection, in its order of time, leaving out what is empty.
func (s *session) stretches(sel selection, e era) ([]stretch, error) {
	if sel.from >= sel.to {
		return nil, nil
	}
	edges, first, last := wholeDays(e.calendar, sel.from, sel.to)
	var all []stretch
	for _, edge := range edges {
		calls, err := s.count(sel, edge.from, edge.to)
		if err != nil {
			return nil, err
		}
		if calls > 0 {
			all = append(all, stretch{edge.from, edge.to, calls})
		}
	}
	if first <= last {
		days, err := s.days(sel, e, first, last)
		if err != nil {
			return nil, err
		}
		all = append(all, days...)
	}
	slices.SortFunc(all, func(a, b stretch) int {
		if sel.order.descending {
			a, b = b, a
		}
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	return all, nil
}

// farDay is a day beyond all calls, for a selection without end.
const farDay = 99_991_231

// wholeDays returns the days that lie wholly within [from, to), and the parts of days at its ends.
func wholeDays(c *calendar, from, to int64) (edges []stretch, first, last int) {
	first, last = 0, farDay
	if from != math.MinInt64 {
		first = c.day(from)
		if c.begin(first) < from {
			next := c.begin(addDays(first, 1))
			edges = append(edges, stretch{from: from, to: min(next, to)})
			if next >= to {
				return edges, 1, 0
			}
			first = addDays(first, 1)
		}
	}
	if to != math.MaxInt64 {
		last = c.day(to)
		if begin := c.begin(last); begin < to {
			edges = append(edges, stretch{from: max(begin, from), to: to})
		}
		last = addDays(last, -1)
	}
	return edges, first, last
}

// count counts calls one by one: those of less than a day.
func (s *session) count(sel selection, from, to int64) (calls int64, err error) {
	var c conditions
	c.where("disposition IN ("+strings.Repeat("%s, ", len(sel.dispositions)-1)+"%s)", sel.words()...)
	c.where("started_at >= %s AND started_at < %s", from, to)
	if sel.keyword != "" {
		c.where("+party IN "+matching, string(sel.keyword))
	}
	_, err = s.one([]any{&calls}, "SELECT COUNT(*) FROM cdrs"+s.dialect.index("cdrs_log")+c.String(), c.args...)
	return calls, err
}

// days reads whole days from the sums.
func (s *session) days(sel selection, e era, first, last int) ([]stretch, error) {
	columns := make([]string, len(sel.dispositions))
	for i, d := range sel.dispositions {
		columns[i] = string(d) // a column of the same name
	}
	calls := "SUM(" + strings.Join(columns, " + ") + ")"
	var c conditions
	table := "roll_day"
	c.where("generation = %s", e.generation)
	if sel.keyword != "" {
		table = "roll_ext"
		c.where("party IN "+matching, string(sel.keyword))
	}
	c.where("day BETWEEN %s AND %s", first, last)
	var days []stretch
	err := s.each(func(scan func(...any) error) error {
		var day int
		var n int64
		if err := scan(&day, &n); err != nil {
			return err
		}
		days = append(days, stretch{e.calendar.begin(day), e.calendar.begin(addDays(day, 1)), n})
		return nil
	}, fmt.Sprintf("SELECT day, %[1]s FROM %[2]s%[3]s GROUP BY day HAVING %[1]s > 0", calls, table, c.String()), c.args...)
	return days, err
}

// words are the dispositions as values of a statement.
func (sel selection) words() []any {
	words := make([]any, len(sel.dispositions))
	for i, d := range sel.dispositions {
		words[i] = string(d)
	}
	return words
}
