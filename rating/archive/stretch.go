package archive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// stretch is a part of the time that a selection spans, with the number of calls that it selects there: a whole day or
// month, which the sums have counted, or a part of a day at either end, counted call by call.
type stretch struct {
	from, to int64 // microseconds, [from, to)
	calls    int64
	month    int   // 201905 for a whole month
	all      int64 // calls of a month among which those selected are to be found; no fewer than calls, and known where the keyword finds most extensions
}

// stretches divides a selection into stretches in its order of time, leaving out what is empty. It drops a keyword
// that finds everybody.
func (s *session) stretches(sel *selection, e era) ([]stretch, error) {
	if sel.from >= sel.to {
		return nil, nil
	}
	if found, err := s.narrow(sel); err != nil || !found {
		return nil, err
	}
	edges, first, last := wholeDays(e.calendar, sel.from, sel.to)
	all, err := s.counted(*sel, edges)
	if err != nil {
		return nil, err
	}
	spans := []days{{first, last}}
	if sel.keyword != "" { // without one, the days of all extensions are few enough
		var from, to int
		if spans, from, to = wholeMonths(first, last); from <= to {
			months, err := s.rolled(*sel, e, byMonth, from, to)
			if err != nil {
				return nil, err
			}
			all = append(all, months...)
		}
	}
	for _, d := range spans {
		if d.first > d.last {
			continue
		}
		rows, err := s.rolled(*sel, e, byDay, d.first, d.last)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	sel.sort(all)
	return all, nil
}

// sort puts stretches into the selection's order of time.
func (sel selection) sort(list []stretch) {
	slices.SortFunc(list, func(a, b stretch) int {
		if sel.order.descending {
			a, b = b, a
		}
		return cmp.Compare(a.from, b.from)
	})
}

// manyOf is the part of all extensions beyond which sums are read day by day, past those that a keyword does not find,
// and not extension by extension.
const manyOf = 8

// narrow drops the selection's keyword where it finds everybody; found is false where it finds nobody.
func (s *session) narrow(sel *selection) (found bool, err error) {
	if sel.keyword == "" {
		return true, nil
	}
	var matched, all int64
	_, err = s.one([]any{&matched, &all}, `SELECT COUNT(CASE WHEN folded LIKE ?1 ESCAPE '\' THEN 1 END), COUNT(*) FROM parties`, string(sel.keyword))
	if matched == all {
		sel.keyword = ""
	}
	sel.many, sel.most = matched > all/manyOf, matched > all/2
	return matched > 0, err
}

// divide replaces the months in which a page begins and ends by days, so that the page is found within a day.
func (s *session) divide(sel selection, e era, list []stretch, offset, limit int64) ([]stretch, error) {
	for range 2 {
		i, before := sel.crowdedMonth(list, offset, limit)
		if i < 0 {
			break
		}
		days, err := s.daysOf(sel, e, list[i], max(0, offset-before), min(offset+limit-before, list[i].calls))
		if err != nil {
			return nil, err
		}
		list = slices.Replace(list, i, i+1, days...)
	}
	return list, nil
}

// daysAtOnce is how many days of a month are read before it is asked whether they are enough.
const daysAtOnce = 3

// daysOf reads days of a month, from the end that is nearer to the rows [first, last) of it, until it has those; what it
// has not read stays together as one stretch.
func (s *session) daysOf(sel selection, e era, month stretch, first, last int64) ([]stretch, error) {
	wanted, late := last, sel.order.descending
	if month.calls-first < last {
		wanted, late = month.calls-first, !late
	}
	rest := stretch{from: month.from, to: month.to, calls: month.calls}
	var list []stretch
	for begin, end := month.month*100+1, month.month*100+31; month.calls-rest.calls < wanted && begin <= end; {
		from, to := begin, min(begin+daysAtOnce-1, end)
		if late {
			from, to = max(end-daysAtOnce+1, begin), end
			end, rest.to = from-1, e.calendar.begin(from)
		} else {
			begin, rest.from = to+1, e.calendar.begin(addDays(to, 1))
		}
		days, err := s.rolled(sel, e, byDay, from, to)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			rest.calls -= d.calls
		}
		list = append(list, days...)
	}
	if rest.calls > 0 {
		list = append(list, rest)
	}
	sel.sort(list)
	return list, nil
}

// crowdedMonth is the index of a month with many calls in which a page begins or ends, and how many calls come before
// it; -1 is none.
func (sel selection) crowdedMonth(list []stretch, offset, limit int64) (i int, before int64) {
	for i, st := range list {
		within := func(row int64) bool { return before <= row && row < before+st.calls }
		shallow := sel.most && 2*st.calls > st.all && offset+limit-before <= sel.sparse // most calls of that time are wanted: the page is near
		if st.month != 0 && st.calls > sel.sparse && !shallow && (within(offset) || within(offset+limit-1)) {
			return i, before
		}
		before += st.calls
	}
	return -1, 0
}

// counted counts the calls of parts of days one by one.
func (s *session) counted(sel selection, edges []stretch) ([]stretch, error) {
	var list []stretch
	for _, edge := range edges {
		var c conditions
		c.where("disposition IN ("+strings.Repeat("%s, ", len(sel.dispositions)-1)+"%s)", sel.words()...)
		c.where("started_at >= %s AND started_at < %s", edge.from, edge.to)
		if sel.keyword != "" {
			c.where("+party IN "+matching, string(sel.keyword))
		}
		if _, err := s.one([]any{&edge.calls}, "SELECT COUNT(*) FROM cdrs"+s.dialect.index("cdrs_log")+c.String(), c.args...); err != nil {
			return nil, err
		}
		if edge.calls > 0 {
			list = append(list, edge)
		}
	}
	return list, nil
}

// unit is what sums are kept by.
type unit string

const (
	byDay   unit = "day"
	byMonth unit = "month"
)

// rolled reads days or months from the sums. Where a keyword finds most extensions, the sums of the others are taken from
// those of all: there are fewer of them to read.
func (s *session) rolled(sel selection, e era, by unit, first, last int) ([]stretch, error) {
	var calls map[int]int64
	less := make(map[int]int64)
	var err error
	if sel.keyword == "" || sel.most {
		if calls, err = s.rolledUp("roll_day", dayOf[by], sel, e, "", first, last); err != nil {
			return nil, err
		}
	}
	if sel.keyword != "" {
		table := map[unit]string{byDay: "roll_ext", byMonth: "roll_month"}[by]
		chosen := "+party IN " + matching // the plus says: not by the index of parties
		switch {
		case sel.most:
			chosen = "+party IN " + unmatched // SQLite looks up IN in less time than NOT IN
		case !sel.many:
			chosen, table = "party IN "+matching, table+s.dialect.index(table+"_party")
		}
		found, err := s.rolledUp(table, string(by), sel, e, chosen, first, last)
		if err != nil {
			return nil, err
		}
		if !sel.most {
			calls = found
		}
		for is, n := range found {
			if sel.most {
				less[is] = n
			}
		}
	}
	var list []stretch
	for is, all := range calls {
		st := stretch{calls: all - less[is], all: all}
		if st.calls <= 0 {
			continue
		}
		if by == byMonth {
			st.month, st.from, st.to = is, e.calendar.begin(is*100+1), e.calendar.begin(firstOfNext(is*100+1))
		} else {
			st.from, st.to = e.calendar.begin(is), e.calendar.begin(addDays(is, 1))
		}
		list = append(list, st)
	}
	return list, nil
}

// dayOf writes the unit of a day of roll_day.
var dayOf = map[unit]string{byDay: "day", byMonth: "day / 100"}

// rolledUp adds up the calls of a table of sums by a unit, from first to last of it.
func (s *session) rolledUp(table, by string, sel selection, e era, chosen string, first, last int) (map[int]int64, error) {
	columns := make([]string, len(sel.dispositions))
	for i, d := range sel.dispositions {
		columns[i] = string(d) // a column of the same name
	}
	var c conditions
	c.where("generation = %s", e.generation)
	if chosen != "" {
		c.where(chosen, string(sel.keyword))
	}
	c.where(by+" BETWEEN %s AND %s", first, last)
	calls := make(map[int]int64)
	err := s.each(func(scan func(...any) error) error {
		var is int
		var n int64
		err := scan(&is, &n)
		calls[is] = n
		return err
	}, fmt.Sprintf("SELECT %[1]s AS unit, SUM(%[2]s) FROM %[3]s%[4]s GROUP BY unit", by, strings.Join(columns, " + "), table, c.String()), c.args...)
	return calls, err
}

// words are the dispositions as values of a statement.
func (sel selection) words() []any {
	words := make([]any, len(sel.dispositions))
	for i, d := range sel.dispositions {
		words[i] = string(d)
	}
	return words
}
