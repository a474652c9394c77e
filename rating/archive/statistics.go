package archive

import (
	"context"
	"fmt"
	"iter"
	"time"

	"tollgate/rating"
)

// The periods of a statistic.
const (
	ByDay   = "day"
	ByMonth = "month"
	ByYear  = "year"
)

// periods are the powers of ten that a day number is divided by.
var periods = map[string]int{ByDay: 1, ByMonth: 100, ByYear: 10_000}

// All is what rows say that count every extension.
const All = "All"

// StatFilter selects rows of the statistics.
type StatFilter struct {
	From, To  string // days, 2006-01-02, both included; "" = open
	Extension string // "" = all together
	By        string // day, month or year; "" = day
	Sort      string // date or -date; "" = -date
	Paging
}

// Statistic sums up the answered calls of a period. Periods without one have no row.
type Statistic struct {
	Date           string       `json:"date"` // 2019-05-31, 2019-05 or 2019
	Extension      string       `json:"extension"`
	Username       string       `json:"username"` // that the extension had last
	Calls          int64        `json:"calls"`
	TotalSeconds   int64        `json:"total_seconds"`
	AverageSeconds int64        `json:"average_seconds"` // rounded half up
	TotalCost      rating.Money `json:"total_cost"`
}

// Statistics returns a page of the statistics that f selects. An impossible filter is rating.Invalid.
func (a *Archive) Statistics(ctx context.Context, f StatFilter) (List[Statistic], error) {
	list := List[Statistic]{Items: []Statistic{}}
	offset, limit, err := f.bounds()
	if err != nil {
		return list, err
	}
	rows, err := a.statistics(ctx, f)
	if err != nil {
		return list, err
	}
	list.Total = int64(len(rows))
	begin := min(offset, list.Total)
	list.Items = append(list.Items, rows[begin:min(begin+limit, list.Total)]...)
	return list, nil
}

// AllStatistics gives every row that f selects, in its order, without pages.
func (a *Archive) AllStatistics(ctx context.Context, f StatFilter) iter.Seq2[Statistic, error] {
	return func(yield func(Statistic, error) bool) {
		rows, err := a.statistics(ctx, f)
		if err != nil {
			yield(Statistic{}, err)
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
func (a *Archive) statistics(ctx context.Context, f StatFilter) (rows []Statistic, err error) {
	sums, sort, err := f.check()
	if err != nil {
		return nil, err
	}
	err = a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		label := Statistic{Extension: All}
		if f.Extension != "" {
			label.Extension = f.Extension
			if label.Username, err = s.lastName(e, f.Extension); err != nil {
				return err
			}
		}
		rows, err = s.sumUp(e, sums, sort, label)
		return err
	})
	return rows, err
}

// span is a checked StatFilter.
type span struct {
	first, last int // days
	extension   string
	divisor     int
}

func (f StatFilter) check() (span, order, error) {
	sp := span{first: firstDay, last: lastDay, extension: f.Extension, divisor: 1}
	var bad rating.Invalid
	if f.By != "" {
		if sp.divisor = periods[f.By]; sp.divisor == 0 {
			bad = append(bad, rating.FieldError{Field: "by", Message: "must be day, month or year"})
		}
	}
	for _, end := range []struct {
		field, text string
		day         *int
	}{{"from", f.From, &sp.first}, {"to", f.To, &sp.last}} {
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
		return sp, order{}, bad
	}
	sort, err := orderOf(f.Sort, "date")
	return sp, sort, err
}

func (s *session) sumUp(e era, sp span, sort order, label Statistic) (rows []Statistic, err error) {
	var c conditions
	table := "roll_day"
	c.where("generation = %s", e.generation)
	if sp.extension != "" {
		table = "roll_ext"
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
