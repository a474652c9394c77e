package admin

import (
	"fmt"
	"strings"
	"time"

	"tollgate/rating"
)

// period is the filter from … to of a list.
type Period struct {
	From string `query:"from" maxLength:"40" doc:"A day in the installation's time zone (2019-05-31), or a time (2019-05-31T15:00:00Z). Left out: from the beginning." example:"2019-05-01"`
	To   string `query:"to" maxLength:"40" doc:"A day, all of it included, or a time, included. Left out: until now." example:"2019-05-31"`
}

const (
	firstYear = 1900 // of a date that is asked for
	lastYear  = 9998
)

// parseDay reads a date; ok is false for anything else.
func parseDay(text string, location *time.Location) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, text, location)
	return day, err == nil
}

// span is the period as instants.
func (p Period) span(location *time.Location) (rating.Period, error) {
	var s rating.Period
	var wrong []fault
	read := func(name, text string, whole func(day time.Time) time.Time, instant func(time.Time) time.Time) (t time.Time) {
		if text == "" {
			return t
		}
		if day, ok := parseDay(text, location); ok {
			t = whole(day)
		} else if at, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err == nil { // an unescaped + in a query
			t = instant(at)
		}
		if t.Year() < firstYear || t.Year() > lastYear {
			wrong = append(wrong, fault{Location: "query." + name, Message: fmt.Sprintf("must be a day such as 2019-05-31, or a time such as 2019-05-31T15:00:00Z, in the years %d to %d", firstYear, lastYear)})
		}
		return t
	}
	s.From = read("from", p.From, func(day time.Time) time.Time { return day }, func(at time.Time) time.Time { return at })
	s.Before = read("to", p.To, func(day time.Time) time.Time { return nextDay(day) }, func(at time.Time) time.Time { return at.Add(1) })
	if wrong != nil {
		return s, invalid.with(wrong...)
	}
	return s, nil
}

// nextDay is the first instant of the day after, also where a clock change makes the day longer or shorter.
func nextDay(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, day.Location())
}

// days is the period as days of the installation's time zone, both included.
func (p Period) days(location *time.Location) (from, to string, err error) {
	s, err := p.span(location)
	if err != nil {
		return "", "", err
	}
	if !s.From.IsZero() {
		from = s.From.In(location).Format(time.DateOnly)
	}
	if !s.Before.IsZero() {
		to = s.Before.Add(-1).In(location).Format(time.DateOnly)
	}
	return from, to, nil
}
