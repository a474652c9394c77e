package admin

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

type unratedQuery struct {
	Paging
	Period
	Sort string `query:"sort" default:"-calls" enum:"calls,-calls,last_at,-last_at,prefix,-prefix" doc:"Field to sort by; a minus turns the order around."`
	Why  string `query:"why" enum:"no_rate,unrated,deactivated,extension" doc:"Only these."`
}

// unratedRow is a destination that needs a rate, or whose calls pass unbilled.
type unratedRow struct {
	Prefix   string    `json:"prefix" doc:"First digits of the dialled numbers: a leading + or 00, and four more; ? is no number." example:"9883"`
	Why      string    `json:"why" enum:"no_rate,unrated,deactivated,extension" doc:"no_rate: refused, because no rate matched; unrated: none matched, and it passed; deactivated, extension: billing is off as a whole, or for the extension."`
	Calls    int64     `json:"calls" doc:"Attempts."`
	Answered int64     `json:"answered" doc:"Of these."`
	Seconds  int64     `json:"seconds" doc:"Talk of the answered ones."`
	LastAt   time.Time `json:"last_at" doc:"When the latest of them began."`
	Example  string    `json:"example" doc:"The number that it dialled."`
}

func (s *Server) listUnrated(ctx context.Context, in *unratedQuery) (*answer[list[unratedRow]], error) {
	from, to, err := in.days(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	found, total, err := s.deps.Archive.Unrated(ctx, rating.UnratedQuery{From: from, To: to, Why: in.Why, Sort: in.Sort,
		Paging: rating.Paging{Page: in.Page, PerPage: in.PerPage}})
	if err != nil {
		return nil, fmt.Errorf("read unrated calls: %w", err)
	}
	items := make([]unratedRow, 0, len(found))
	for _, r := range found {
		r.LastAt = r.LastAt.UTC()
		items = append(items, unratedRow(r))
	}
	return listOf(in.Paging, items, total), nil
}
