package archive

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"tollgate/rating"
)

// AnyDisposition selects calls whatever became of them.
const AnyDisposition = "any"

// CallFilter selects calls of the call log.
type CallFilter struct {
	From, To    time.Time // started in [From, To); zero = open
	Q           string    // part of the extension number or of the user name, in upper or lower case
	Disposition string    // a rating.Disposition, or "any"; "" = answered
	Sort        string    // started_at, duration or cost, with - before it for the largest first; "" = -started_at
	Paging
}

// callTables are what cdrColumns come from.
const callTables = ` FROM cdrs c JOIN parties p ON p.id = c.party LEFT JOIN rates r ON r.id = c.rate`

// Call returns one CDR, or rating.ErrNotFound.
func (a *Archive) Call(ctx context.Context, id rating.CallID) (rating.CDR, error) {
	var found []rating.CDR
	err := a.view(ctx, func(s *session) (err error) {
		found, _, err = s.cdrs(`SELECT c.n, `+cdrColumns+callTables+` WHERE c.id = ?1`, string(id))
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("call %q: %w", id, rating.ErrNotFound)
	}
	if err != nil {
		return rating.CDR{}, err
	}
	return found[0], nil
}

// Calls returns a page of the calls that f selects. An impossible filter is rating.Invalid. Sorted by time, a page
// takes no longer for being deep or the archive large: the daily sums say on which day it begins.
func (a *Archive) Calls(ctx context.Context, f CallFilter) (List[rating.CDR], error) {
	list := List[rating.CDR]{Items: []rating.CDR{}}
	sel, err := a.selection(f)
	if err != nil {
		return list, err
	}
	offset, limit, err := f.bounds()
	if err != nil {
		return list, err
	}
	err = a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		stretches, err := s.stretches(&sel, e)
		if err != nil {
			return err
		}
		for _, st := range stretches {
			list.Total += st.calls
		}
		if stretches, err = s.divide(sel, e, stretches, offset, limit); err != nil {
			return err
		}
		for _, part := range sel.parts(stretches, offset, limit) {
			if list.Items, err = s.callsOf(sel, part, list.Items); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// AllCalls gives every call that f selects, in its order, without pages. It reads in portions, so that a slow reader
// does not hold the database.
func (a *Archive) AllCalls(ctx context.Context, f CallFilter) iter.Seq2[rating.CDR, error] {
	sel, err := a.selection(f)
	if err != nil {
		return failing[rating.CDR](err)
	}
	whole := part{from: sel.from, to: sel.to, limit: portionSize, calls: -1}
	if !sel.byTime() {
		whole.limit = sortedPortionSize
	}
	return portions(whole.limit, func(last *key) (list []rating.CDR, next key, err error) {
		err = a.view(ctx, func(s *session) error {
			if whole.calls < 0 {
				if whole.calls, err = a.callsIn(s, &sel); err != nil {
					return err
				}
			}
			list, next, err = s.picked(sel, whole, last)
			return err
		})
		return list, next, err
	})
}

// callsIn counts the calls of a selection.
func (a *Archive) callsIn(s *session, sel *selection) (calls int64, err error) {
	e, err := a.era(s)
	if err != nil {
		return 0, err
	}
	stretches, err := s.stretches(sel, e)
	for _, st := range stretches {
		calls += st.calls
	}
	return calls, err
}

// selection is a checked CallFilter.
type selection struct {
	from, to     int64 // microseconds, [from, to)
	keyword      keyword
	dispositions []rating.Disposition
	order        order
	sparse       int64
}

func (a *Archive) selection(f CallFilter) (selection, error) {
	sel := selection{from: math.MinInt64, to: math.MaxInt64, keyword: keywordOf(f.Q), sparse: a.sparse}
	if !f.From.IsZero() {
		sel.from = microsCeil(f.From)
	}
	if !f.To.IsZero() {
		sel.to = microsCeil(f.To)
	}
	switch d := rating.Disposition(f.Disposition); {
	case d == "":
		sel.dispositions = []rating.Disposition{rating.Answered}
	case d == AnyDisposition:
		sel.dispositions = dispositions
	case slices.Contains(dispositions, d):
		sel.dispositions = []rating.Disposition{d}
	default:
		return sel, rating.Invalid{{Field: "disposition", Message: "must be any, answered, busy, no_answer, failed, cancelled or rejected"}}
	}
	if err := checkKeyword(f.Q); err != nil {
		return sel, err
	}
	var err error
	sel.order, err = orderOf(f.Sort, "started_at", "duration", "cost")
	return sel, err
}

// byTime reports whether the calls come in the order of time, in which the daily sums can find a page.
func (sel selection) byTime() bool { return sel.order.column == "started_at" }
