package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"tollgate/rating"
)

// divisors are the powers of ten that a day number is divided by.
var divisors = map[rating.Span]int{"": 1, rating.ByDay: 1, rating.ByMonth: 100, rating.ByYear: 10_000}

// All is what rows say that count every extension.
const All = "All"

// Statistics returns a page of sums of answered calls, and how many rows all pages have. Periods without an answered
// call have no row. An impossible query is rating.Invalid.
func (a *Archive) Statistics(ctx context.Context, q rating.StatisticsQuery) ([]rating.StatisticsRow, int64, error) {
	offset, limit, err := bounds(q.Paging)
	if err != nil {
		return nil, 0, err
	}
	rows, err := a.statistics(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	return within(rows, offset, limit), int64(len(rows)), nil
}

// AllStatistics gives every row that q selects, in its order, without pages.
func (a *Archive) AllStatistics(ctx context.Context, q rating.StatisticsQuery) iter.Seq2[rating.StatisticsRow, error] {
	return func(yield func(rating.StatisticsRow, error) bool) {
		rows, err := a.statistics(ctx, q)
		if err != nil {
			yield(rating.StatisticsRow{}, err)
			return
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// statistics reads all rows: there are no more than days.
func (a *Archive) statistics(ctx context.Context, q rating.StatisticsQuery) (rows []rating.StatisticsRow, err error) {
	sums, sort, err := checkStatistics(q)
	if err != nil {
		return nil, err
	}
	err = a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		label := rating.StatisticsRow{Extension: All}
		if q.Extension != "" {
			label.Extension = q.Extension
			if label.Username, err = s.lastName(e, q.Extension); err != nil {
				return err
			}
		}
		rows, err = s.sumUp(e, sums, sort, label)
		return err
	})
	return rows, err
}

// span is a checked rating.StatisticsQuery.
type span struct {
	first, last int // days
	extension   string
	divisor     int
}

func checkStatistics(q rating.StatisticsQuery) (span, order, error) {
	sp := span{extension: q.Extension, divisor: divisors[q.By]}
	var bad rating.Invalid
	if sp.divisor == 0 {
		bad = append(bad, rating.FieldError{Field: "by", Message: "must be day, month or year"})
	}
	var err error
	if sp.first, sp.last, err = dayNumbers(q.From, q.To); err != nil {
		var wrong rating.Invalid
		errors.As(err, &wrong)
		bad = append(bad, wrong...)
	}
	if len(bad) > 0 {
		return sp, order{}, bad
	}
	sort, err := orderOf(q.Sort, "date")
	return sp, sort, err
}

// dayNumbers reads a span of dates, both included; "" is open. A text that is no date is rating.Invalid.
func dayNumbers(from, to string) (first, last int, err error) {
	first, last = firstDay, lastDay
	var bad rating.Invalid
	for _, end := range []struct {
		field, text string
		day         *int
	}{{"from", from, &first}, {"to", to, &last}} {
		if end.text == "" {
			continue
		}
		date, err := time.Parse(time.DateOnly, end.text)
		if err != nil {
			bad = append(bad, rating.FieldError{Field: end.field, Message: "must be a date such as 2019-05-31"})
			continue
		}
		*end.day = dayNumber(date)
	}
	if len(bad) > 0 {
		return first, last, bad
	}
	return first, last, nil
}

func (s *session) sumUp(e era, sp span, sort order, label rating.StatisticsRow) (rows []rating.StatisticsRow, err error) {
	var c conditions
	table := "roll_day"
	c.where("generation = %s", e.generation)
	if sp.extension != "" {
		table = "roll_ext" + s.dialect.index("roll_ext_party")
		c.where("party IN (SELECT id FROM parties WHERE extension = %s)", sp.extension)
	}
	c.where("day BETWEEN %s AND %s", sp.first, sp.last)
	direction := ""
	if sort.descending {
		direction = " DESC"
	}
	err = s.each(func(scan func(...any) error) error {
		row := label
		var period int
		if err := scan(&period, &row.Calls, &row.TotalSeconds, &row.TotalCost); err != nil {
			return err
		}
		row.Date, row.AverageSeconds = periodName(period, sp.divisor), rating.AverageSeconds(row.TotalSeconds, row.Calls)
		rows = append(rows, row)
		return nil
	}, fmt.Sprintf("SELECT day / %d AS period, SUM(answered), SUM(seconds), SUM(cost) FROM %s%s GROUP BY period HAVING SUM(answered) > 0 ORDER BY period%s",
		sp.divisor, table, c.String(), direction), c.args...)
	return rows, err
}

// periodName writes 20190531, 201905 or 2019 as 2019-05-31, 2019-05 or 2019.
func periodName(period, divisor int) string {
	switch divisor {
	case 10_000:
		return fmt.Sprintf("%04d", period)
	case 100:
		return fmt.Sprintf("%04d-%02d", period/100, period%100)
	}
	return fmt.Sprintf("%04d-%02d-%02d", period/10_000, period/100%100, period%100)
}

// lastName is the user name that an extension had in its latest calls.
func (s *session) lastName(e era, extension string) (name string, err error) {
	_, err = s.one([]any{&name}, `SELECT username FROM parties p WHERE extension = ?2
 ORDER BY COALESCE((SELECT MAX(day) FROM roll_ext WHERE generation = ?1 AND party = p.id), 0) DESC, id DESC LIMIT 1`, e.generation, extension)
	return name, err
}
