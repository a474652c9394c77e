package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tollgate/rating"
)

// Extensions is the part of the catalog that keeps who pays.
type Extensions interface {
	// AddExtension adds one and opens its account; rating.ErrAccountExists where the number is taken.
	AddExtension(ctx context.Context, e rating.Extension, by string) (rating.Extension, error)
	// EditExtensions changes extensions, and the terms of their accounts with them: all, or none. rating.ErrNotFound
	// where one is not there. edit may be called several times, each time with what is stored.
	EditExtensions(ctx context.Context, numbers []string, by string, edit func(rating.Extension) (rating.Extension, error)) ([]rating.Extension, error)
	// DeleteExtension takes one away and closes its account; rating.ErrActiveCalls while calls are up. allowed sees the version
	// that is stored, and may say no.
	DeleteExtension(ctx context.Context, number, by string, allowed func(version int64) error) error
	// ImportExtensions adds and changes extensions: all, or none. What is wrong with rows is a rating.Invalid whose fields
	// begin with the row, counted from 0: "[2].credit". With dryRun nothing is stored.
	ImportExtensions(ctx context.Context, rows []rating.ExtensionRow, by string, dryRun bool) (rating.Imported, error)
}

// Ledger is the money of extensions.
type Ledger interface {
	// Accounts returns the accounts that exist, in the order asked for.
	Accounts(ctx context.Context, extensions []string) ([]rating.Account, error)
	// Recharge pays into accounts: all of them, or none; the same key and body give the first answer again.
	Recharge(ctx context.Context, r rating.Recharge) ([]rating.Receipt, error)
}

// accounts returns the open accounts of extensions, by number.
func (s *Server) accounts(ctx context.Context, numbers []string) (map[string]rating.Account, error) {
	found, err := s.deps.Ledger.Accounts(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	accounts := make(map[string]rating.Account, len(found))
	for _, a := range found {
		if !a.Closed {
			accounts[a.Extension] = a
		}
	}
	return accounts, nil
}

type NumberPath struct {
	Number string `path:"number" maxLength:"32" doc:"The extension's number." example:"101"`
}

type extensionQuery struct {
	Paging
	Sheet
	Sort        string `query:"sort" default:"number" enum:"number,-number,username,-username,balance,-balance,credit,-credit,total_recharges,-total_recharges,held,-held,active_calls,-active_calls,status,-status,payment_type,-payment_type,billing_enabled,-billing_enabled" doc:"Field to sort by; a minus turns the order around."`
	Q           string `query:"q" maxLength:"100" doc:"Part of the number or the user name."`
	Number      string `query:"number" maxLength:"32" doc:"Part of the number."`
	Status      string `query:"status" enum:"unlocked,locked" doc:"Only these."`
	PaymentType string `query:"payment_type" enum:"prepaid,postpaid" doc:"Only these."`
}

// extensionOrders are the orders of the list, by field.
var extensionOrders = map[string]func(a, b extension) int{
	"number":          func(a, b extension) int { return byNumber(a.Number, b.Number) },
	"username":        func(a, b extension) int { return cmp.Compare(a.Username, b.Username) },
	"balance":         func(a, b extension) int { return cmp.Compare(a.Balance, b.Balance) },
	"credit":          func(a, b extension) int { return cmp.Compare(a.Credit, b.Credit) },
	"total_recharges": func(a, b extension) int { return cmp.Compare(a.TotalRecharges, b.TotalRecharges) },
	"held":            func(a, b extension) int { return cmp.Compare(a.Held, b.Held) },
	"active_calls":    func(a, b extension) int { return cmp.Compare(a.ActiveCalls, b.ActiveCalls) },
	"status":          func(a, b extension) int { return cmp.Compare(b.Status, a.Status) }, // unlocked first
	"payment_type":    func(a, b extension) int { return cmp.Compare(b.PaymentType, a.PaymentType) },
	"billing_enabled": func(a, b extension) int { return cmp.Compare(weight(a.BillingEnabled), weight(b.BillingEnabled)) },
}

// ofTheLedger are the orders for which every account must be known, not only those of the page.
var ofTheLedger = []string{"balance", "-balance", "total_recharges", "-total_recharges", "held", "-held", "active_calls", "-active_calls"}

func weight(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (q extensionQuery) wants(e *rating.Extension) bool {
	return contains(q.Q, e.Number, e.Username) && contains(q.Number, e.Number) &&
		(q.Status == "" || q.Status == string(e.Status)) && (q.PaymentType == "" || q.PaymentType == string(e.PaymentType))
}

func (s *Server) listExtensions(ctx context.Context, in *extensionQuery) (*answer[list[extension]], error) {
	var found []extension
	s.snapshot().Each(func(e *rating.Extension) bool {
		if in.wants(e) {
			found = append(found, extensionOf(*e, rating.Account{}))
		}
		return true
	})
	everyAccount := slices.Contains(ofTheLedger, in.Sort)
	if everyAccount {
		if err := s.addMoney(ctx, found); err != nil {
			return nil, err
		}
	}
	order(found, in.Sort, extensionOrders, func(a, b extension) int { return byNumber(a.Number, b.Number) })
	page := cut(in.Paging, found)
	if !everyAccount {
		if err := s.addMoney(ctx, page); err != nil {
			return nil, err
		}
	}
	return listOf(in.Paging, page, int64(len(found))), nil
}

// addMoney fills in what the ledger knows.
func (s *Server) addMoney(ctx context.Context, extensions []extension) error {
	numbers := make([]string, len(extensions))
	for i := range extensions {
		numbers[i] = extensions[i].Number
	}
	accounts, err := s.accounts(ctx, numbers)
	if err != nil {
		return err
	}
	for i := range extensions {
		x, a := &extensions[i], accounts[numbers[i]]
		x.Balance, x.Held, x.TotalRecharges, x.ActiveCalls = a.Balance, a.Held, a.TotalRecharges, a.ActiveCalls
	}
	return nil
}

// withMoney is the answer for one extension.
func (s *Server) withMoney(ctx context.Context, e rating.Extension) (*versioned[extension], error) {
	one := []extension{extensionOf(e, rating.Account{})}
	if err := s.addMoney(ctx, one); err != nil {
		return nil, err
	}
	return &versioned[extension]{etag(e.Version), one[0]}, nil
}

func (s *Server) getExtension(ctx context.Context, in *NumberPath) (*versioned[extension], error) {
	e, ok := s.snapshot().Extension(in.Number)
	if !ok {
		return nil, notFound.because("There is no extension " + in.Number + ".")
	}
	return s.withMoney(ctx, *e)
}

func (s *Server) createExtension(ctx context.Context, in *struct{ Body creation[extension] }) (*made[extension], error) {
	e, err := in.Body.merge(rating.NewExtension(""), s.config.Realm)
	if err != nil {
		return nil, err
	}
	number := e.Number
	e, err = s.deps.Catalog.AddExtension(ctx, e, principalFrom(ctx).Name)
	if errors.Is(err, rating.ErrAccountExists) {
		return nil, conflict.because("There is an extension " + number + " already; edit it, or take another number.")
	}
	if err != nil {
		return nil, fmt.Errorf("add extension: %w", err)
	}
	added, err := s.withMoney(ctx, e)
	if err != nil {
		return nil, err
	}
	return madeAt("/extensions", e.Number, added), nil
}

type extensionEdit struct {
	NumberPath
	IfMatch
	Body edit[extension]
}

func (s *Server) editExtension(ctx context.Context, in *extensionEdit) (*versioned[extension], error) {
	if err := s.mayEdit(in.Body.body); err != nil {
		return nil, err
	}
	edited, err := s.deps.Catalog.EditExtensions(ctx, []string{in.Number}, principalFrom(ctx).Name, s.merging(in.Body.body, in.IfMatch))
	var faults rating.Invalid
	if errors.As(err, &faults) {
		return nil, withoutRows(faults)
	}
	if err != nil {
		return nil, fmt.Errorf("edit extension: %w", err)
	}
	s.endCallsIfAsked(in.Body.body, []string{in.Number})
	return s.withMoney(ctx, edited[0])
}

// mayEdit lets nothing but a lock pass when the trial is over.
func (s *Server) mayEdit(b body) error {
	if s.expired() && !b.locks() {
		return licenseExpired.because("The 30 days of trial are over: an extension can be locked, and nothing else of it changed, until a licence is uploaded (POST /api/v1/license).")
	}
	return nil
}

// merging is the edit that puts a body over an extension.
func (s *Server) merging(b body, match IfMatch) func(rating.Extension) (rating.Extension, error) {
	return func(e rating.Extension) (rating.Extension, error) {
		if err := match.check(e.Version); err != nil {
			return e, err
		}
		return b.merge(e, s.config.Realm)
	}
}

type bulkEdit struct {
	Body struct {
		Numbers []string        `json:"numbers" minItems:"1" maxItems:"10000" uniqueItems:"true" doc:"The extensions to change: all of them, or none."`
		Set     edit[extension] `json:"set" doc:"What to change; fields left out stay as they are."`
	}
}

// edits lists what was edited.
type edits struct {
	Items []extension `json:"items" doc:"The extensions as they are now, in the order of numbers."`
}

func (s *Server) editExtensions(ctx context.Context, in *bulkEdit) (*answer[edits], error) {
	if err := s.mayEdit(in.Body.Set.body); err != nil {
		return nil, err
	}
	var wrong []fault
	for i, number := range in.Body.Numbers {
		if _, ok := s.snapshot().Extension(number); !ok {
			wrong = append(wrong, fault{Location: fmt.Sprintf("body.numbers[%d]", i), Message: "there is no extension " + number})
		}
	}
	if wrong != nil {
		return nil, invalid.with(wrong...)
	}
	edited, err := s.deps.Catalog.EditExtensions(ctx, in.Body.Numbers, principalFrom(ctx).Name, s.merging(in.Body.Set.body, IfMatch{}))
	var faults rating.Invalid
	if errors.As(err, &faults) {
		return nil, faultsOf("body.set.", withoutRows(faults))
	}
	if err != nil {
		return nil, fmt.Errorf("edit extensions: %w", err)
	}
	s.endCallsIfAsked(in.Body.Set.body, in.Body.Numbers)
	items := make([]extension, 0, len(edited))
	for _, e := range edited {
		items = append(items, extensionOf(e, rating.Account{}))
	}
	if err := s.addMoney(ctx, items); err != nil {
		return nil, err
	}
	return &answer[edits]{edits{items}}, nil
}

// withoutRows names the fields of an edit that many extensions were to get: the same fault in each is one.
func withoutRows(faults rating.Invalid) rating.Invalid {
	var once rating.Invalid
	for _, f := range faults {
		if _, field, ok := strings.Cut(f.Field, "]."); ok && strings.HasPrefix(f.Field, "[") {
			f.Field = field
		}
		if !slices.Contains(once, f) {
			once = append(once, f)
		}
	}
	return once
}

func (s *Server) deleteExtension(ctx context.Context, in *struct {
	NumberPath
	IfMatch
}) (*struct{}, error) {
	err := s.deps.Catalog.DeleteExtension(ctx, in.Number, principalFrom(ctx).Name, in.check)
	if errors.Is(err, rating.ErrActiveCalls) {
		return nil, conflict.because("Extension " + in.Number + " has calls up; end them first, for instance by locking it with end_active_calls.")
	}
	if err != nil {
		return nil, fmt.Errorf("delete extension: %w", err)
	}
	return nil, nil
}
