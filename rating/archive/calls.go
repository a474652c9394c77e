package archive

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"tollgate/rating"
)

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

// Calls returns a page of the calls that q selects, and how many all pages have. An impossible query is rating.Invalid.
// Sorted by time, a page takes no longer for being deep or the archive large: the daily sums say on which day it begins.
func (a *Archive) Calls(ctx context.Context, q rating.CallQuery) (page []rating.CDR, total int64, err error) {
	sel, err := a.selection(q)
	if err != nil {
		return nil, 0, err
	}
	offset, limit, err := bounds(q.Paging)
	if err != nil {
		return nil, 0, err
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
			total += st.calls
		}
		if stretches, err = s.divide(sel, e, stretches, offset, limit); err != nil {
			return err
		}
		for _, part := range sel.parts(stretches, offset, limit) {
			if page, err = s.callsOf(sel, part, page); err != nil {
				return err
			}
		}
		return nil
	})
	return page, total, err
}

// AllCalls gives every call that q selects, in its order, without pages, as the archive is when the first is read: what is
// filed later is left out. It reads in portions, so that a slow reader does not hold the database.
func (a *Archive) AllCalls(ctx context.Context, q rating.CallQuery) iter.Seq2[rating.CDR, error] {
	sel, err := a.selection(q)
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
				if sel.upTo, err = s.last("cdrs"); err != nil {
					return err
				}
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

// selection is a checked rating.CallQuery.
type selection struct {
	from, to     int64 // microseconds, [from, to)
	keyword      keyword
	many         bool // the keyword finds more than one in manyOf of all extensions
	most         bool // the keyword finds more than half of all extensions
	dispositions []rating.Disposition
	order        order
	sparse       int64
	upTo         int64 // number of the last record that counts; 0 = all. Numbers grow in the order of filing
}

func (a *Archive) selection(q rating.CallQuery) (selection, error) {
	sel := selection{keyword: keywordOf(q.Q), sparse: a.sparse}
	sel.from, sel.to = instants(q.Period)
	switch {
	case q.Disposition == "":
		sel.dispositions = dispositions
	case slices.Contains(dispositions, q.Disposition):
		sel.dispositions = []rating.Disposition{q.Disposition}
	default:
		return sel, rating.Invalid{{Field: "disposition", Message: "must be any, answered, busy, no_answer, failed, cancelled or rejected"}}
	}
	if err := checkKeyword(q.Q); err != nil {
		return sel, err
	}
	var err error
	sel.order, err = orderOf(q.Sort, "started_at", "duration", "cost")
	return sel, err
}

// instants are the ends of a period in microseconds, [from, to).
func instants(p rating.Period) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !p.From.IsZero() {
		from = microsCeil(p.From)
	}
	if !p.Before.IsZero() {
		to = microsCeil(p.Before)
	}
	return from, to
}

// byTime reports whether the calls come in the order of time, in which the daily sums can find a page.
func (sel selection) byTime() bool { return sel.order.column == "started_at" }
