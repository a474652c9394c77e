package admin

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"tollgate/rating"
)

// Rates is the part of the catalog that keeps what calls cost.
type Rates interface {
	AddRate(ctx context.Context, r rating.Rate) (rating.Rate, error)
	// EditRate changes a rate; rating.ErrNotFound where it is not there.
	EditRate(ctx context.Context, id int64, edit func(rating.Rate) (rating.Rate, error)) (rating.Rate, error)
	// DeleteRate takes one away; allowed sees the version that is stored, and may say no.
	DeleteRate(ctx context.Context, id int64, allowed func(version int64) error) error
	// ImportRates adds and changes rates: all, or none. What is wrong with rows is a rating.Invalid whose fields begin with
	// the row, counted from 0: "[2].rate". With dryRun nothing is stored.
	ImportRates(ctx context.Context, rows []rating.RateRow, dryRun bool) (rating.Imported, error)
}

type IDPath struct {
	ID int64 `path:"id" minimum:"1" doc:"Names it for good."`
}

type idDeletion struct {
	IDPath
	IfMatch
}

type rateQuery struct {
	Paging
	Sheet
	Sort string `query:"sort" default:"id" enum:"id,-id,active,-active,remark,-remark,prefix,-prefix,number_length,-number_length,initial_cost,-initial_cost,initial_time,-initial_time,rate,-rate,billing_unit,-billing_unit,start_time,-start_time,end_time,-end_time" doc:"Field to sort by; a minus turns the order around."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the remark or the prefix."`

	Beside string `query:"prefix" maxLength:"41" doc:"Only rates that may price a number which begins with this: their prefix begins it, or it begins their prefix. Empty: any of them."`
}

// beside reports whether some number begins with both prefixes: one begins the other.
func beside(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

var rateOrders = map[string]func(a, b rating.Rate) int{
	"id":            func(a, b rating.Rate) int { return cmp.Compare(a.ID, b.ID) },
	"active":        func(a, b rating.Rate) int { return cmp.Compare(weight(b.Active), weight(a.Active)) }, // active first
	"remark":        func(a, b rating.Rate) int { return cmp.Compare(strings.ToLower(a.Remark), strings.ToLower(b.Remark)) },
	"prefix":        func(a, b rating.Rate) int { return cmp.Compare(a.Prefix, b.Prefix) },
	"number_length": func(a, b rating.Rate) int { return cmp.Compare(a.NumberLength, b.NumberLength) },
	"initial_cost":  func(a, b rating.Rate) int { return cmp.Compare(a.InitialCost, b.InitialCost) },
	"initial_time":  func(a, b rating.Rate) int { return cmp.Compare(a.InitialTime, b.InitialTime) },
	"rate":          func(a, b rating.Rate) int { return cmp.Compare(a.PerUnit, b.PerUnit) },
	"billing_unit":  func(a, b rating.Rate) int { return cmp.Compare(a.BillingUnit, b.BillingUnit) },
	"start_time":    func(a, b rating.Rate) int { return cmp.Compare(a.StartTime, b.StartTime) },
	"end_time":      func(a, b rating.Rate) int { return cmp.Compare(a.EndTime, b.EndTime) },
}

func (s *Server) listRates(_ context.Context, in *rateQuery) (*answer[list[rate]], error) {
	var found []rating.Rate
	for _, r := range s.snapshot().Rates.Rates() {
		if contains(in.Q, r.Remark, r.Prefix) && beside(in.Beside, r.Prefix) {
			found = append(found, r)
		}
	}
	order(found, in.Sort, rateOrders, func(a, b rating.Rate) int { return cmp.Compare(a.ID, b.ID) })
	var page []rate
	for _, r := range cut(in.Paging, found) {
		page = append(page, rateOf(r))
	}
	return listOf(in.Paging, page, int64(len(found))), nil
}

func rateAnswer(r rating.Rate) *versioned[rate] { return &versioned[rate]{etag(r.Version), rateOf(r)} }

func (s *Server) getRate(_ context.Context, in *IDPath) (*versioned[rate], error) {
	r, ok := s.snapshot().Rates.Rate(in.ID)
	if !ok {
		return nil, noRate(in.ID)
	}
	return rateAnswer(*r), nil
}

func noRate(id int64) error {
	return notFound.because("There is no rate " + strconv.FormatInt(id, 10) + ".")
}

func (s *Server) createRate(ctx context.Context, in *struct{ Body creation[rate] }) (*made[rate], error) {
	r, err := in.Body.mergeRate(rating.NewRate())
	if err := joined(err, in.Body.priced()); err != nil {
		return nil, err
	}
	if r, err = s.deps.Catalog.AddRate(ctx, r); err != nil {
		return nil, fmt.Errorf("add rate: %w", err)
	}
	return madeAt("/rates", strconv.FormatInt(r.ID, 10), rateAnswer(r)), nil
}

type rateEdit struct {
	IDPath
	IfMatch
	Body edit[rate]
}

type rateReplacement struct {
	IDPath
	IfMatch
	Body replacement[rate]
}

func (s *Server) editRate(ctx context.Context, in *rateEdit) (*versioned[rate], error) {
	return s.changeRate(ctx, in.ID, in.IfMatch, in.Body.body)
}

func (s *Server) replaceRate(ctx context.Context, in *rateReplacement) (*versioned[rate], error) {
	return s.changeRate(ctx, in.ID, in.IfMatch, in.Body.body)
}

// changeRate serves PATCH and PUT: they differ in what the body must hold.
func (s *Server) changeRate(ctx context.Context, id int64, match IfMatch, b body) (*versioned[rate], error) {
	r, err := s.deps.Catalog.EditRate(ctx, id, func(old rating.Rate) (rating.Rate, error) {
		if err := match.check(old.Version); err != nil {
			return old, err
		}
		return b.mergeRate(old)
	})
	if err != nil {
		return nil, fmt.Errorf("edit rate %d: %w", id, err)
	}
	return rateAnswer(r), nil
}

func (s *Server) deleteRate(ctx context.Context, in *idDeletion) (*struct{}, error) {
	if err := s.deps.Catalog.DeleteRate(ctx, in.ID, in.check); err != nil {
		return nil, fmt.Errorf("delete rate %d: %w", in.ID, err)
	}
	return nil, nil
}
