package admin

import (
	"context"
	"fmt"

	"tollgate/rating"
)

type statisticsQuery struct {
	Paging
	Period
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

func (s *Server) statistics(ctx context.Context, in *statisticsQuery) (*answer[list[statisticsRow]], error) {
	from, to, err := in.days(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	found, total, err := s.deps.Archive.Statistics(ctx, rating.StatisticsQuery{From: from, To: to, Extension: in.Extension, By: rating.Span(in.By),
		Sort: in.Sort, Paging: rating.Paging{Page: in.Page, PerPage: in.PerPage}})
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	items := make([]statisticsRow, 0, len(found))
	for _, r := range found {
		items = append(items, statisticsRow{r.Date, r.Extension, r.Username, r.Calls, r.TotalSeconds, r.AverageSeconds, r.TotalCost})
	}
	return listOf(in.Paging, items, total), nil
}
