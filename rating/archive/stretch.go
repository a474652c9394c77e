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
	sel.most = matched > all/2
	return matched > 0, err
}

// divide replaces the months in which a page begins and ends by their days, so that the page is found within a day.
func (s *session) divide(sel selection, e era, list []stretch, offset, limit int64) ([]stretch, error) {
	for range 2 {
		i := sel.crowdedMonth(list, offset, limit)
		if i < 0 {
			break
		}
		month := list[i].month
		rows, err := s.rolled(sel, e, byDay, month*100+1, month*100+31)
		if err != nil {
			return nil, err
		}
		sel.sort(rows)
		list = slices.Replace(list, i, i+1, rows...)
	}
	return list, nil
}

// crowdedMonth is the index of a month with many calls in which a page begins or ends; -1 is none.
func (sel selection) crowdedMonth(list []stretch, offset, limit int64) int {
	var before int64
	for i, st := range list {
		within := func(row int64) bool { return before <= row && row < before+st.calls }
		shallow := sel.most && 2*st.calls > st.all && offset+limit-before <= sel.sparse // most calls of that time are wanted: the page is near
		if st.month != 0 && st.calls > sel.sparse && !shallow && (within(offset) || within(offset+limit-1)) {
			return i
		}
		before += st.calls
	}
	return -1
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
		chosen := "party IN " + matching
		if sel.most {
			chosen = "party NOT IN " + matching
		}
		found, err := s.rolledUp(map[unit]string{byDay: "roll_ext", byMonth: "roll_month"}[by], string(by), sel, e, chosen, first, last)
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
