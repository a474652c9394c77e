package archive

import (
	"context"

	"tollgate/rating"
)

// Summary adds up some days, both included, in the archive's time zone; "" is open. It reads the daily sums.
func (a *Archive) Summary(ctx context.Context, from, to string) (rating.Summary, error) {
	sum := rating.Summary{Dispositions: make(map[rating.Disposition]int64), Destinations: []rating.DestinationSum{}, Refusals: []rating.RefusalSum{}}
	first, last, err := dayNumbers(from, to)
	if err != nil {
		return sum, err
	}
	err = a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		if err := s.totals(&sum, e, first, last); err != nil {
			return err
		}
		if err := s.topDestinations(&sum, e, first, last); err != nil {
			return err
		}
		return s.refusals(&sum, e, first, last)
	})
	return sum, err
}

func (s *session) totals(sum *rating.Summary, e era, first, last int) error {
	var calls [6]int64
	dest := []any{&sum.Seconds, &sum.Revenue}
	text := "SELECT COALESCE(SUM(seconds), 0), COALESCE(SUM(cost), 0)"
	for i, column := range callColumns {
		dest, text = append(dest, &calls[i]), text+", COALESCE(SUM("+column+"), 0)"
	}
	_, err := s.one(dest, text+" FROM roll_day WHERE generation = ?1 AND day BETWEEN ?2 AND ?3", e.generation, first, last)
	for i, d := range dispositions {
		sum.Dispositions[d] = calls[i]
		if d != rating.Rejected {
			sum.Calls += calls[i]
		}
	}
	sum.Answered = sum.Dispositions[rating.Answered]
	return err
}

func (s *session) topDestinations(sum *rating.Summary, e era, first, last int) error {
	c := destinationsOf(e, first, last, append([]string{ordinary}, unbilled...))
	return s.each(func(scan func(...any) error) error {
		var d rating.DestinationSum
		err := scan(&d.Prefix, &d.Calls, &d.Seconds, &d.Cost)
		sum.Destinations = append(sum.Destinations, d)
		return err
	}, "SELECT prefix, SUM(answered), SUM(seconds), SUM(cost) FROM roll_dest"+c.String()+
		" GROUP BY prefix HAVING SUM(answered) > 0 ORDER BY 3 DESC, prefix LIMIT "+c.arg(rating.TopDestinations), c.args...)
}

func (s *session) refusals(sum *rating.Summary, e era, first, last int) error {
	c := destinationsOf(e, first, last, refusals)
	return s.each(func(scan func(...any) error) error {
		var r rating.RefusalSum
		err := scan(&r.Reason, &r.Calls)
		sum.Refusals = append(sum.Refusals, r)
		return err
	}, "SELECT why, SUM(calls) FROM roll_dest"+c.String()+" GROUP BY why ORDER BY 2 DESC, why", c.args...)
}
