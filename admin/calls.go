package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"tollgate/rating"
)

// Archive answers the questions of the reports.
type Archive interface {
	Calls(ctx context.Context, q rating.CallQuery) ([]rating.CDR, int64, error)
	Call(ctx context.Context, id rating.CallID) (rating.CDR, error) // rating.ErrNotFound
	Recharges(ctx context.Context, q rating.EntryQuery) ([]rating.Entry, int64, error)
	Statistics(ctx context.Context, q rating.StatisticsQuery) ([]rating.StatisticsRow, int64, error)
	// AllCalls, AllRecharges and AllStatistics give everything that a query selects, in its order, without pages.
	AllCalls(ctx context.Context, q rating.CallQuery) iter.Seq2[rating.CDR, error]
	AllRecharges(ctx context.Context, q rating.EntryQuery) iter.Seq2[rating.Entry, error]
	AllStatistics(ctx context.Context, q rating.StatisticsQuery) iter.Seq2[rating.StatisticsRow, error]
	Unrated(ctx context.Context, q rating.UnratedQuery) ([]rating.UnratedRow, int64, error)
	Summary(ctx context.Context, from, to string) (rating.Summary, error) // of days in the installation's time zone, both included
}

type callQuery struct {
	Paging
	Period
	Download
	Sort        string `query:"sort" default:"-started_at" enum:"started_at,-started_at,duration,-duration,cost,-cost" doc:"Field to sort by; a minus turns the order around."`
	Q           string `query:"q" maxLength:"100" doc:"Part of the extension's number, or of the user name at that time."`
	Disposition string `query:"disposition" default:"answered" enum:"answered,busy,no_answer,failed,cancelled,rejected,any" doc:"How the calls ended."`
}

// asked is what the filters ask the archive for.
func (q callQuery) asked(location *time.Location) (rating.CallQuery, error) {
	span, err := q.span(location)
	asked := rating.CallQuery{Period: span, Q: q.Q, Sort: q.Sort, Paging: rating.Paging{Page: q.Page, PerPage: q.PerPage}}
	if q.Disposition != "any" {
		asked.Disposition = rating.Disposition(q.Disposition)
	}
	return asked, err
}

func (s *Server) listCalls(ctx context.Context, in *callQuery) (*answer[list[call]], error) {
	q, err := in.asked(s.snapshot().Location())
	if err != nil {
		return nil, err
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

// callFile is the call log as people file it. Where not all calls were answered it says how each ended.
func (s *Server) callFile(ctx context.Context, in *callQuery) (table, error) {
	location := s.snapshot().Location()
	q, err := in.asked(location)
	t := table{name: fileName("call-log", in.Period), rowsAre: "calls",
		columns: []string{"Start Time", "Call From", "Call To", "Duration", "Trunk Name", s.inCurrency("Cost")}}
	all := q.Disposition != rating.Answered
	if all {
		t.columns = append(t.columns, "Disposition", "Reason")
	}
	t.rows = rowsOf(s.deps.Archive.AllCalls(ctx, q), func(c rating.CDR) []any {
		row := []any{c.StartedAt.In(location), partyName(c.Username, c.Extension), c.Dialled, clock(c.Duration), c.Trunk, c.Cost}
		if all {
			row = append(row, string(c.Disposition), string(c.Reason))
		}
		return row
	})
	return t, err
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
