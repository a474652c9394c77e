package rating

import "time"

// DayBegins returns the first instant of a calendar day in a time zone, whatever hour, minute and zone the day is given with. A day is
// one interval without gaps, also where clocks are turned at midnight: it begins when the local date last becomes that day
// or a later one. (time.Date gives an hour of the day before where clocks jump over midnight.)
func DayBegins(day time.Time, location *time.Location) time.Time {
	y, m, d := day.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	const farthest = 26 * time.Hour // no zone is farther from UTC, with room for a zone that jumps over a day
	for at := midnight.Add(farthest); ; {
		from, until := at.In(location).ZoneBounds()
		_, offset := at.In(location).Zone()
		local := midnight.Add(-time.Duration(offset) * time.Second)
		switch {
		case !until.IsZero() && !local.Before(until):
			return until // the zone's clock jumped over midnight
		case from.IsZero() || !local.Before(from):
			return local.In(location)
		}
		at = from.Add(-1)
	}
}
