package archive

import "math"

// days are days from first to last, both included; none where first is after last.
type days struct{ first, last int }

// The ends of a selection that has none.
const (
	firstDay = 0
	lastDay  = 99_991_231
)

// wholeDays returns the days that lie wholly within [from, to), and the parts of days at its ends.
func wholeDays(c *calendar, from, to int64) (edges []stretch, first, last int) {
	first, last = firstDay, lastDay
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

// wholeMonths returns the months that lie wholly within some days, and the days before and after them.
func wholeMonths(first, last int) (rest []days, from, to int) {
	begin, end := first, lastDay
	if first != firstDay && first%100 != 1 {
		begin = firstOfNext(first)
	}
	if last != lastDay {
		end = addDays(last, 1)
		end = addDays(end-end%100+1, -1) // the last day of the month before the day after
	}
	if begin > end {
		return []days{{first, last}}, 1, 0
	}
	if begin != first {
		rest = append(rest, days{first, addDays(begin, -1)})
	}
	if end != last {
		rest = append(rest, days{addDays(end, 1), last})
	}
	return rest, begin / 100, end / 100
}

// firstOfNext is the first day of the month after a day's.
func firstOfNext(day int) int { return addDays(day-day%100+32, 0)/100*100 + 1 }
