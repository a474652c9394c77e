package archive

import (
	"sync"
	"time"

	"tollgate/rating"
)

// calendar divides time into the days of one time zone; see rating.DayBegins.
type calendar struct {
	location *time.Location

	mu   sync.Mutex
	last interval // calls come in the order of time: most fall into the day of the one before
}

// interval is a day and its instants, [begin, end) in microseconds.
type interval struct {
	day        int
	begin, end int64
}

func newCalendar(location *time.Location) *calendar { return &calendar{location: location} }

// day returns the day of an instant, such as 20190531.
func (c *calendar) day(micros int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.begin <= micros && micros < c.last.end {
		return c.last.day
	}
	day := dayNumber(time.UnixMicro(micros).In(c.location))
	for c.begin(day) > micros {
		day = addDays(day, -1)
	}
	for c.begin(addDays(day, 1)) <= micros {
		day = addDays(day, 1)
	}
	c.last = interval{day, c.begin(day), c.begin(addDays(day, 1))}
	return day
}

// begin returns the first microsecond of a day.
func (c *calendar) begin(day int) int64 {
	return rating.DayBegins(time.Date(day/10000, time.Month(day/100%100), day%100, 0, 0, 0, 0, time.UTC), c.location).UnixMicro()
}

// dayNumber writes the local date as a number, 20190531.
func dayNumber(local time.Time) int {
	y, m, d := local.Date()
	return y*10000 + int(m)*100 + d
}

// addDays counts on the calendar page: 20190531 + 1 is 20190601.
func addDays(day, n int) int {
	return dayNumber(time.Date(day/10000, time.Month(day/100%100), day%100+n, 0, 0, 0, 0, time.UTC))
}

// microsCeil rounds an instant up to a microsecond, so that a bound never takes in what lies before it.
func microsCeil(t time.Time) int64 {
	if rounded := t.Truncate(time.Microsecond); rounded.Equal(t) {
		return t.UnixMicro()
	}
	return t.UnixMicro() + 1
}
