package catalog

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// AddRate adds a rate under an id of its own.
func (c *Catalog) AddRate(ctx context.Context, r rating.Rate) (rating.Rate, error) {
	if err := r.Validate(); err != nil {
		return r, err
	}
	id, err := c.reserve(ctx, rateKind, 1, c.lastRate())
	if err != nil {
		return r, err
	}
	r.ID = id
	return add(ctx, c, rateForm, r, rating.ErrConflict, nil)
}

// lastRate is the highest id in use, which an id must lie above even if the store has lost its counter.
func (c *Catalog) lastRate() int64 {
	rates := c.Current().Rates.Rates()
	if len(rates) == 0 {
		return 0
	}
	return rates[len(rates)-1].ID
}

// EditRate changes a rate; rating.ErrNotFound where it is not there. edit may be called several times, each time with
// what is stored then; it is the place to compare versions.
func (c *Catalog) EditRate(ctx context.Context, id int64, edit func(rating.Rate) (rating.Rate, error)) (rating.Rate, error) {
	return change(ctx, c, rateForm, formatID(id), edit, nil)
}

// DeleteRate removes a rate; rating.ErrNotFound where it is not there. allowed sees the version that is stored, and may say
// no; nil is always yes.
func (c *Catalog) DeleteRate(ctx context.Context, id int64, allowed func(version int64) error) error {
	return remove(ctx, c, rateForm, formatID(id), allowed, nil)
}

// maxRateID bounds what a sheet may ask for.
const maxRateID = 1_000_000_000

// ImportRates adds and changes rates, all of them or none. What is wrong with the rows comes as Faults. With dryRun
// everything is checked and nothing is stored.
func (c *Catalog) ImportRates(ctx context.Context, rows []rating.RateRow, dryRun bool) (rating.Imported, error) {
	if err := checkRateIDs(rows); err != nil {
		return rating.Imported{}, err
	}
	if _, done, err := c.planRates(ctx, rows, 1); err != nil || dryRun {
		return done, err
	}
	first, err := c.reserveFor(ctx, rows)
	if err != nil {
		return rating.Imported{}, err
	}
	var done rating.Imported
	err = c.persist(ctx, func(ctx context.Context) (w write, err error) {
		w, done, err = c.planRates(ctx, rows, first)
		return w, err
	})
	return done, err
}

// checkRateIDs refuses ids that stand in a sheet twice, or are none.
func checkRateIDs(rows []rating.RateRow) error {
	if len(rows) == 0 || len(rows) > MaxBatch {
		return rating.Invalid{{Field: "rows", Message: fmt.Sprintf("must be 1 to %d", MaxBatch)}}
	}
	var faults Faults
	seen := make(map[int64]bool, len(rows))
	for i, row := range rows {
		switch {
		case row.ID < 0 || row.ID > maxRateID:
			faults.add(i, rating.Invalid{{Field: "id", Message: fmt.Sprintf("must be empty (a new rate) or 1 to %d", maxRateID)}})
		case row.ID > 0 && seen[row.ID]:
			faults.add(i, rating.Invalid{{Field: "id", Message: fmt.Sprintf("%d stands here twice", row.ID)}})
		}
		seen[row.ID] = true
	}
	return faults[:min(len(faults), maxFaults)].err()
}

// reserveFor takes ids for the rows that have none, above all ids that the sheet names, and returns the first.
func (c *Catalog) reserveFor(ctx context.Context, rows []rating.RateRow) (int64, error) {
	highest, unnamed := c.lastRate(), int64(0)
	for _, row := range rows {
		highest = max(highest, row.ID)
		if row.ID == 0 {
			unnamed++
		}
	}
	return c.reserve(ctx, rateKind, unnamed, highest)
}

// planRates reads, edits and checks a sheet without writing anything. Rows without id get ids from first on.
func (c *Catalog) planRates(ctx context.Context, rows []rating.RateRow, first int64) (w write, done rating.Imported, err error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = formatID(row.ID) // 0 is never there
	}
	all, err := readHeld(ctx, c, rateForm, ids)
	if err != nil {
		return w, done, err
	}
	w.kind = rateKind
	var faults Faults
	for i, row := range rows {
		id := row.ID
		if id == 0 {
			id, first = first, first+1
		}
		one, err := planRate(ctx, c, row, id, all[i])
		var bad rating.Invalid
		switch {
		case errors.As(err, &bad):
			faults.add(i, bad)
		case err != nil:
			return w, done, about(rateForm, ids[i], err)
		case all[i].doc == nil:
			done.Created++
		default:
			done.Updated++
		}
		if len(faults) >= maxFaults {
			break
		}
		w.documents = append(w.documents, one.documents...)
	}
	return w, done, faults.err()
}

func planRate(ctx context.Context, c *Catalog, row rating.RateRow, id int64, h held[rating.Rate]) (write, error) {
	before := rating.NewRate()
	if h.doc != nil {
		before = *h.doc
	} else if h.err != nil {
		return write{}, h.unusable()
	}
	before.ID = id
	after, err := row.Edit(before)
	if err != nil {
		return write{}, err
	}
	after.ID = id
	return prepare(ctx, c, rateForm, &after, h, noStep, nil)
}
