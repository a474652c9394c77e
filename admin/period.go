package admin

import (
	"fmt"
	"strings"
	"time"

	"tollgate/rating"
)

// period is the filter from … to of a list.
type Period struct {
	From string `query:"from" maxLength:"40" doc:"A day in the installation's time zone (2019-05-31), or a time (2019-05-31T15:00:00Z), which stands for its whole day where days are added up. Left out: from the beginning." example:"2019-05-01"`
	To   string `query:"to" maxLength:"40" doc:"A day, all of it included, or a time, included; where days are added up, all of its day. Left out: until now." example:"2019-05-31"`
}

const (
	firstYear = 1900 // of a date that is asked for
	lastYear  = 9998
)

// bound is one end of a period: a day, or an instant. The zero bound is no end.
type bound struct {
	at    time.Time // of a day, its date
	isDay bool
}

// day is the date of a bound, in a time zone; "" for no end.
func (b bound) day(location *time.Location) string {
	switch {
	case b.at.IsZero():
		return ""
	case b.isDay:
		return b.at.Format(time.DateOnly)
	}
	return b.at.In(location).Format(time.DateOnly)
}

// bounds reads both ends.
func (p Period) bounds() (from, to bound, err error) {
	var wrong []fault
	read := func(name, text string) (b bound) {
		if text == "" {
			return b
		}
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			b = bound{day, true}
		} else if at, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err == nil { // an unescaped + in a query
			b = bound{at, false}
		}
		if b.at.Year() < firstYear || b.at.Year() > lastYear {
			wrong = append(wrong, fault{Location: "query." + name, Message: fmt.Sprintf("must be a day such as 2019-05-31, or a time such as 2019-05-31T15:00:00Z, in the years %d to %d", firstYear, lastYear)})
		}
		return b
	}
	from, to = read("from", p.From), read("to", p.To)
	if wrong != nil {
		return from, to, invalid.with(wrong...)
	}
	return from, to, nil
}

// span is the period as instants.
func (p Period) span(location *time.Location) (s rating.Period, err error) {
	from, to, err := p.bounds()
	if err != nil {
		return s, err
	}
	s.From = from.at
	if from.isDay {
		s.From = rating.DayBegins(from.at, location)
	}
	switch {
	case to.isDay:
		s.Before = rating.DayBegins(to.at.AddDate(0, 0, 1), location)
	case !to.at.IsZero():
		s.Before = to.at.Add(1)
	}
	return s, nil
}

// days is the period as days of the installation's time zone, both included: a time stands for the day that it is on.
func (p Period) days(location *time.Location) (first, last string, err error) {
	from, to, err := p.bounds()
	return from.day(location), to.day(location), err
}
