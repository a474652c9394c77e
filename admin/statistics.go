package admin

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

type statisticsQuery struct {
	Paging
	Period
	Download
	Sort      string `query:"sort" default:"-date" enum:"date,-date" doc:"Newest first is -date."`
	Extension string `query:"extension" maxLength:"32" doc:"Only this one; left out: all together."`
	By        string `query:"by" default:"day" enum:"day,month,year" doc:"What a row adds up, in the installation's time zone."`
}

// statisticsRow is one span of one extension, or of all.
type statisticsRow struct {
	Date           string       `json:"date" doc:"2019-05-31, 2019-05 or 2019." example:"2019-05-31"`
	Extension      string       `json:"extension" doc:"All, where none was asked for."`
	Username       string       `json:"username" doc:"Of the extension, as it was last called."`
	Calls          int64        `json:"calls" doc:"Answered ones."`
	TotalSeconds   int64        `json:"total_seconds" doc:"Of talk."`
	AverageSeconds int64        `json:"average_seconds" doc:"Of a call, rounded half up."`
	TotalCost      rating.Money `json:"total_cost" doc:"Of all of them."`
}

func (q statisticsQuery) asked(location *time.Location) (rating.StatisticsQuery, error) {
	from, to, err := q.days(location)
	return rating.StatisticsQuery{From: from, To: to, Extension: q.Extension, By: rating.Span(q.By), Sort: q.Sort,
		Paging: rating.Paging{Page: q.Page, PerPage: q.PerPage}}, err
}

func (s *Server) statistics(ctx context.Context, in *statisticsQuery) (*answer[list[statisticsRow]], error) {
	q, err := in.asked(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	found, total, err := s.deps.Archive.Statistics(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	items := make([]statisticsRow, 0, len(found))
	for _, r := range found {
		items = append(items, statisticsRow(r))
	}
	return listOf(in.Paging, items, total), nil
}

// statisticsFile is the statistics as people file them.
func (s *Server) statisticsFile(ctx context.Context, in *statisticsQuery) (table, error) {
	q, err := in.asked(s.snapshot().Location())
	t := table{name: fileName("statistics-by-"+in.By, in.Period), rowsAre: "rows",
		columns: []string{"Date", "Extension", "Calls", "Total Call Time", "Average Call Time", s.inCurrency("Total Cost")}}
	t.rows = rowsOf(s.deps.Archive.AllStatistics(ctx, q), func(r rating.StatisticsRow) []any {
		row := []any{r.Date, partyName(r.Username, r.Extension), r.Calls, hours(r.TotalSeconds), hours(r.AverageSeconds), r.TotalCost}
		if date, err := time.Parse(time.DateOnly, r.Date); err == nil { // a month or a year is no date
			row[0] = day{date}
		}
		return row
	})
	return t, err
}
