package main

import (
	"context"

	"tollgate/rating"
	"tollgate/rating/archive"
)

// history is the archive as the API asks it.
type history struct{ *archive.Archive }

// Calls returns a page of the call log and how many calls all pages have.
func (h history) Calls(ctx context.Context, q rating.CallQuery) ([]rating.CDR, int64, error) {
	disposition := string(q.Disposition)
	if disposition == "" {
		disposition = archive.AnyDisposition
	}
	page, err := h.Archive.Calls(ctx, archive.CallFilter{From: q.From, To: q.Before, Q: q.Q, Disposition: disposition, Sort: q.Sort, Paging: archive.Paging(q.Paging)})
	return page.Items, page.Total, err
}

// Call returns one CDR, or rating.ErrNotFound.
func (h history) Call(ctx context.Context, id rating.CallID) (rating.CDR, error) {
	return h.Archive.Call(ctx, id)
}

// Recharges returns a page of the recharge history.
func (h history) Recharges(ctx context.Context, q rating.EntryQuery) ([]rating.Entry, int64, error) {
	page, err := h.Archive.Recharges(ctx, archive.RechargeFilter{From: q.From, To: q.Before, Q: q.Q, Sort: q.Sort, Paging: archive.Paging(q.Paging)})
	entries := make([]rating.Entry, len(page.Items))
	for i, r := range page.Items {
		entries[i] = r.Entry
	}
	return entries, page.Total, err
}

// Statistics returns a page of sums.
func (h history) Statistics(ctx context.Context, q rating.StatisticsQuery) ([]rating.StatisticsRow, int64, error) {
	page, err := h.Archive.Statistics(ctx, archive.StatFilter{From: q.From, To: q.To, Extension: q.Extension, By: string(q.By), Sort: q.Sort, Paging: archive.Paging(q.Paging)})
	rows := make([]rating.StatisticsRow, len(page.Items))
	for i, s := range page.Items {
		rows[i] = rating.StatisticsRow{Date: s.Date, Extension: s.Extension, Username: s.Username, Calls: s.Calls, TotalSeconds: s.TotalSeconds, TotalCost: s.TotalCost}
	}
	return rows, page.Total, err
}
