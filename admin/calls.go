package admin

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// Archive answers the questions of the reports.
type Archive interface {
	Calls(ctx context.Context, q rating.CallQuery) ([]rating.CDR, int64, error)
	Call(ctx context.Context, id rating.CallID) (rating.CDR, error) // rating.ErrNotFound
	Recharges(ctx context.Context, q rating.EntryQuery) ([]rating.Entry, int64, error)
	Statistics(ctx context.Context, q rating.StatisticsQuery) ([]rating.StatisticsRow, int64, error)
	Unrated(ctx context.Context, q rating.UnratedQuery) ([]rating.UnratedRow, int64, error)
	Summary(ctx context.Context, from, to string) (rating.Summary, error) // of days in the installation's time zone, both included
}

type callQuery struct {
	Paging
	Period
	Sort        string `query:"sort" default:"-started_at" enum:"started_at,-started_at,duration,-duration,cost,-cost" doc:"Field to sort by; a minus turns the order around."`
	Q           string `query:"q" maxLength:"100" doc:"Part of the extension's number, or of the user name at that time."`
	Disposition string `query:"disposition" default:"answered" enum:"answered,busy,no_answer,failed,cancelled,rejected,any" doc:"How the calls ended."`
}

func (s *Server) listCalls(ctx context.Context, in *callQuery) (*answer[list[call]], error) {
	span, err := in.span(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	q := rating.CallQuery{Period: span, Q: in.Q, Sort: in.Sort, Paging: rating.Paging{Page: in.Page, PerPage: in.PerPage}}
	if in.Disposition != "any" {
		q.Disposition = rating.Disposition(in.Disposition)
	}
	found, total, err := s.deps.Archive.Calls(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read calls: %w", err)
	}
	items := make([]call, 0, len(found))
	for _, c := range found {
		items = append(items, callOf(c))
	}
	return listOf(in.Paging, items, total), nil
}

type callPath struct {
	ID string `path:"id" maxLength:"64" doc:"The call's id."`
}

func (s *Server) getCall(ctx context.Context, in *callPath) (*answer[call], error) {
	c, err := s.deps.Archive.Call(ctx, rating.CallID(in.ID))
	if errors.Is(err, rating.ErrNotFound) {
		return nil, notFound.because("There is no call " + in.ID + " in the log. A call is there once it has ended.")
	}
	if err != nil {
		return nil, fmt.Errorf("read call: %w", err)
	}
	explained := callOf(c)
	explained.Steps = explainCost(c)
	return &answer[call]{explained}, nil
}
