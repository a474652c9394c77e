package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tollgate/rating"
)

// LiveCalls are the calls that ring or talk, on every node.
type LiveCalls interface {
	// Calls returns them with cost so far and deadline (rating.Reckon); the slice is the caller's. With an error, because the
	// store does not answer, they are those of this node only.
	Calls(ctx context.Context) ([]rating.LiveCall, error)
	// HangUp ends a call (ended_by: operator); false: there is none of that id.
	HangUp(id rating.CallID) bool
	// HangUpExtension ends all calls of an extension, and returns how many.
	HangUpExtension(number string) int
}

// activeCall is a call that rings or talks.
type activeCall struct {
	ID         string       `json:"id" doc:"Names the call; the same in the call log."`
	Extension  string       `json:"extension" doc:"Who pays."`
	Username   string       `json:"username" doc:"Its user name."`
	Dialled    string       `json:"dialled" doc:"The number that was dialled."`
	Trunk      string       `json:"trunk" doc:"That rings or answered."`
	State      string       `json:"state" enum:"ringing,talking" doc:"How far it has come."`
	StartedAt  time.Time    `json:"started_at" doc:"Arrival of the INVITE."`
	AnsweredAt *time.Time   `json:"answered_at" doc:"null while it rings."`
	CostSoFar  rating.Money `json:"cost_so_far" doc:"What it costs if it ends now."`
	Held       rating.Money `json:"held" doc:"What is set aside for it."`
	DeadlineAt *time.Time   `json:"deadline_at" doc:"Today's money ends then, all calls of the extension counted; null: no end in sight."`
	Node       string       `json:"node" doc:"The process that handles it."`
}

func activeCallOf(c rating.LiveCall) activeCall {
	return activeCall{string(c.ID), c.Extension, c.Username, c.Dialled, c.Trunk, string(c.State), c.StartedAt.UTC(), inUTC(c.AnsweredAt), c.CostSoFar, c.Held,
		inUTC(c.DeadlineAt), c.Node}
}

type activeCallQuery struct {
	Paging
	Sort      string `query:"sort" default:"-started_at" enum:"started_at,-started_at,extension,-extension,cost_so_far,-cost_so_far,deadline_at,-deadline_at" doc:"Field to sort by; a minus turns the order around."`
	Q         string `query:"q" maxLength:"100" doc:"Part of the extension's number, the user name or the number dialled."`
	Extension string `query:"extension" maxLength:"32" doc:"Only calls of this one."`
}

var activeCallOrders = map[string]func(a, b rating.LiveCall) int{
	"started_at":  func(a, b rating.LiveCall) int { return a.StartedAt.Compare(b.StartedAt) },
	"extension":   func(a, b rating.LiveCall) int { return byNumber(a.Extension, b.Extension) },
	"cost_so_far": func(a, b rating.LiveCall) int { return cmp.Compare(a.CostSoFar, b.CostSoFar) },
	"deadline_at": func(a, b rating.LiveCall) int { return endOf(a).Compare(endOf(b)) },
}

// endOf is the deadline, the end of time where there is none.
func endOf(c rating.LiveCall) time.Time {
	if c.DeadlineAt == nil {
		return time.Unix(1<<40, 0)
	}
	return *c.DeadlineAt
}

func (s *Server) listActiveCalls(ctx context.Context, in *activeCallQuery) (*answer[list[activeCall]], error) {
	calls, _ := s.deps.LiveCalls.Calls(ctx) // those of this node are better than none
	calls = slices.DeleteFunc(calls, func(c rating.LiveCall) bool {
		return !contains(in.Q, c.Extension, c.Username, c.Dialled) || in.Extension != "" && in.Extension != c.Extension
	})
	order(calls, in.Sort, activeCallOrders, func(a, b rating.LiveCall) int { return cmp.Compare(a.ID, b.ID) })
	var page []activeCall
	for _, c := range cut(in.Paging, calls) {
		page = append(page, activeCallOf(c))
	}
	return listOf(in.Paging, page, int64(len(calls))), nil
}

func (s *Server) hangUp(_ context.Context, in *callPath) (*struct{}, error) {
	if !s.deps.LiveCalls.HangUp(rating.CallID(in.ID)) {
		return nil, notFound.because("There is no call " + in.ID + " up; it may have ended by itself.")
	}
	return nil, nil
}

// endCallsIfAsked hangs up every call of the extensions where the edit says so.
func (s *Server) endCallsIfAsked(edit body, numbers []string) {
	if !edit.endsCalls() {
		return
	}
	for _, number := range numbers {
		s.deps.LiveCalls.HangUpExtension(number)
	}
}
