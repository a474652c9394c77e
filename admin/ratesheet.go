package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"tollgate/rating"
)

// rateColumns are those of a sheet of rates.
var rateColumns = []sheetColumn{{"id", apartCell}, {"active", flagCell}, {"remark", textCell}, {"prefix", textCell}, {"number_length", wholeCell}, {"initial_cost", wordCell},
	{"initial_time", wholeCell}, {"rate", wordCell}, {"billing_unit", wholeCell}, {"start_time", wordCell}, {"end_time", wordCell}, {"extensions", listCell}}

const rateSheetRule = "Columns are id, active, remark, prefix, number_length, initial_cost, initial_time, rate, billing_unit, start_time, end_time, extensions (numbers with spaces between, or *). " +
	"A row without id is a new rate; an id that is there is updated, another is added under that id."

// importRates adds and updates the rates of a sheet, all or none.
func (s *Server) importRates(ctx context.Context, in *sheetUpload) (*answer[imported], error) {
	ctx, cancel := context.WithTimeout(ctx, longestLast)
	defer cancel()
	read, err := readSheet(in.RawBody, rateColumns)
	if err != nil {
		return nil, err
	}
	rows := make([]rating.RateRow, len(read.rows))
	var wrong []fault
	for i, row := range read.rows {
		id, err := rateID(read.cell(row, "id"))
		if err != nil && len(wrong) < mostSheetFaults {
			wrong = append(wrong, sheetFault(row.line, "id", err.Error()))
		}
		rows[i] = rating.RateRow{ID: id, Edit: func(r rating.Rate) (rating.Rate, error) {
			b, err := read.body(row)
			if err != nil {
				return r, err
			}
			after, err := b.mergeRate(r)
			err = joined(err, s.shortened("extensions", after.Extensions...))
			if r.Version == 0 {
				err = joined(err, b.priced())
			}
			return after, err
		}}
	}
	if wrong != nil {
		return nil, invalid.with(wrong...)
	}
	if in.DryRun {
		trailFrom(ctx).spare()
	}
	done, err := s.deps.Catalog.ImportRates(ctx, rows, in.DryRun)
	if err != nil {
		return nil, read.sheetError("rates", err)
	}
	return importAnswer(done), nil
}

// rateID reads the id of a row; none is 0.
func rateID(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, errors.New("must be empty (a new rate), or a number from 1 on")
	}
	return id, nil
}

// rateSheet is the rates that a list selects, as a sheet that can be imported again.
func (s *Server) rateSheet(ctx context.Context, in *rateQuery) (table, error) {
	all := *in
	all.Paging = Paging{Page: 1, PerPage: len(s.snapshot().Rates.Rates()) + 1}
	found, err := s.listRates(ctx, &all)
	t := table{name: "rates", plain: true, rowsAre: "rates"}
	for _, c := range rateColumns {
		t.columns = append(t.columns, c.field)
	}
	t.rows = func(yield func([]any, error) bool) {
		for _, r := range found.Body.Items {
			if !yield([]any{r.ID, flagText(r.Active), r.Remark, r.Prefix, int64(r.NumberLength), r.InitialCost, r.InitialTime, r.Rate, r.BillingUnit,
				r.StartTime.String(), r.EndTime.String(), strings.Join(r.Extensions, " ")}, nil) {
				return
			}
		}
	}
	return t, err
}
