package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tollgate/rating"
)

const idempotencyKey = "Idempotency-Key"

// rechargeBody says who gets how much.
type rechargeBody struct {
	Extensions []string     `json:"extensions" minItems:"1" maxItems:"10000" doc:"Who gets it: all of them, or none."`
	Amount     rating.Money `json:"amount" doc:"For each; a negative one is an adjustment." example:"100.0000"`
	Note       string       `json:"note" required:"false" doc:"Why; an adjustment needs one." example:""`
}

type rechargeRequest struct {
	Key  string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"200" doc:"New for every recharge; the same again repeats the first answer and moves no money." example:"5e8c1f0a-recharge-17"`
	Body rechargeBody
}

// receipt is what a recharge did to one extension.
type receipt struct {
	Extension   string       `json:"extension" doc:"Who got it."`
	Username    string       `json:"username" doc:"The user name at that time."`
	PreBalance  rating.Money `json:"pre_balance" doc:"Before."`
	Amount      rating.Money `json:"amount" doc:"Paid in, or taken by an adjustment."`
	PostBalance rating.Money `json:"post_balance" doc:"After."`
	At          time.Time    `json:"at" doc:"When it was asked for. The history says when it was done, which may be moments later."`
}

// receipts are in the order of the request's extensions.
type receipts struct {
	Items []receipt `json:"items" doc:"One for each extension, in the order of the request."`
}

// rechargeOf is the recharge that a body asks for.
func (s *Server) rechargeOf(ctx context.Context, key string, b rechargeBody) (rating.Recharge, error) {
	r := rating.Recharge{Key: key, Amount: b.Amount, Note: b.Note, By: principalFrom(ctx).Name, At: s.now()}
	snapshot := s.snapshot()
	for _, number := range b.Extensions {
		payee := rating.Payee{Extension: number}
		if e, ok := snapshot.Extension(number); ok {
			payee.Username = e.Username
		}
		r.Payees = append(r.Payees, payee)
	}
	return r, r.Validate()
}

// unknownPayees says which extensions of a recharge are not there.
func (s *Server) unknownPayees(r rating.Recharge) error {
	var unknown rating.Invalid
	for i, p := range r.Payees {
		if _, ok := s.snapshot().Extension(p.Extension); !ok {
			unknown = append(unknown, rating.FieldError{Field: fmt.Sprintf("extensions[%d]", i), Message: "there is no extension " + p.Extension})
		}
	}
	if unknown == nil {
		return nil
	}
	return unknown
}

// recharge asks the ledger first: what was recharged once is answered again even when the extension is gone by now.
func (s *Server) recharge(ctx context.Context, in *rechargeRequest) (*answer[receipts], error) {
	r, err := s.rechargeOf(ctx, in.Key, in.Body)
	if err != nil {
		return nil, err
	}
	done, err := s.deps.Ledger.Recharge(ctx, r)
	if errors.Is(err, rating.ErrUnknownExtension) {
		if unknown := s.unknownPayees(r); unknown != nil {
			return nil, unknown
		}
	}
	if errors.Is(err, rating.ErrNoCredit) || errors.Is(err, rating.ErrRange) {
		if _, why := s.outcomeOf(ctx, r); why != nil { // says whose money it is
			return nil, why
		}
	}
	if err != nil {
		return nil, fmt.Errorf("recharge: %w", err)
	}
	tellReceipts(trailFrom(ctx), r, done)
	return receiptsOf(done), nil
}

// tellReceipts tells what a recharge did. An answer that is given again says so: no money moved this time.
func tellReceipts(t *trail, r rating.Recharge, done []rating.Receipt) {
	for _, one := range done {
		after := map[string]any{"balance": one.After, "amount": one.Amount, "note": r.Note}
		if !one.At.Equal(r.At.UTC().Truncate(time.Microsecond)) {
			after["repeated"], after["first_at"] = true, one.At.UTC()
		}
		t.tell("extension "+one.Extension, map[string]any{"balance": one.Before}, after)
	}
}

func receiptsOf(done []rating.Receipt) *answer[receipts] {
	items := make([]receipt, 0, len(done))
	for _, r := range done {
		items = append(items, receipt{r.Extension, r.Username, r.Before, r.Amount, r.After, r.At.UTC()})
	}
	return &answer[receipts]{receipts{items}}
}

// previewRecharge says what a recharge would do, and moves nothing.
func (s *Server) previewRecharge(ctx context.Context, in *struct{ Body rechargeBody }) (*answer[receipts], error) {
	r, err := s.rechargeOf(ctx, "preview", in.Body)
	if err != nil {
		return nil, err
	}
	if err := s.unknownPayees(r); err != nil {
		return nil, err
	}
	would, err := s.outcomeOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return receiptsOf(would), nil
}

// outcomeOf says what a recharge would do to the accounts as they are now, or why it cannot be.
func (s *Server) outcomeOf(ctx context.Context, r rating.Recharge) ([]rating.Receipt, error) {
	accounts, err := s.accounts(ctx, r.Extensions())
	if err != nil {
		return nil, err
	}
	would := make([]rating.Receipt, 0, len(r.Payees))
	var tooMuch []fault
	for i, p := range r.Payees {
		a := accounts[p.Extension]
		after, err := a.Balance.Add(r.Amount)
		if err != nil {
			tooMuch = append(tooMuch, fault{Location: fmt.Sprintf("body.extensions[%d]", i), Message: "the balance of " + p.Extension + " would leave the range of amounts"})
		}
		if r.Amount < 0 && a.Available()+r.Amount < 0 {
			short := *insufficientFunds
			short.Detail = "Extension " + p.Extension + " has " + a.Available().String() + " available."
			return nil, short.with(fault{Location: "body.amount", Message: "takes more than extension " + p.Extension + " has available: " + a.Available().String()})
		}
		would = append(would, rating.Receipt{Extension: p.Extension, Username: p.Username, Before: a.Balance, Amount: r.Amount, After: after, At: r.At})
	}
	if tooMuch != nil {
		return nil, invalid.with(tooMuch...)
	}
	return would, nil
}

// movement is a line of the recharge history.
type movement struct {
	ID          string       `json:"id" doc:"Names the line for good."`
	Kind        string       `json:"kind" enum:"recharge,adjustment,opening,closing,payment_type" doc:"What it was."`
	Extension   string       `json:"extension" doc:"Whose money."`
	Username    string       `json:"username" doc:"The user name at that time."`
	PreBalance  rating.Money `json:"pre_balance" doc:"Before."`
	Amount      rating.Money `json:"amount" doc:"What the balance changed by."`
	PostBalance rating.Money `json:"post_balance" doc:"After."`
	At          time.Time    `json:"at" doc:"When, by the clock of the store: an extension's lines are in the order of its balances."`
	By          string       `json:"by" doc:"Who did it."`
	Note        string       `json:"note" doc:"Why."`
}

type rechargeQuery struct {
	Paging
	Period
	Download
	Sort string `query:"sort" default:"-at" enum:"at,-at" doc:"Newest first is -at."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the number or of the user name at that time."`
}

func (q rechargeQuery) asked(location *time.Location) (rating.EntryQuery, error) {
	span, err := q.span(location)
	return rating.EntryQuery{Period: span, Q: q.Q, Sort: q.Sort, Paging: rating.Paging{Page: q.Page, PerPage: q.PerPage}}, err
}

// listRecharges shows every journal line that is no charge.
func (s *Server) listRecharges(ctx context.Context, in *rechargeQuery) (*answer[list[movement]], error) {
	q, err := in.asked(s.snapshot().Location())
	if err != nil {
		return nil, err
	}
	found, total, err := s.deps.Archive.Recharges(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read recharges: %w", err)
	}
	items := make([]movement, 0, len(found))
	for _, e := range found {
		items = append(items, movement{e.Extension + "-" + strconv.FormatInt(e.Seq, 10), string(e.Kind), e.Extension, e.Username,
			e.Before, e.Amount, e.After, e.At.UTC(), e.By, e.Note})
	}
	return listOf(in.Paging, items, total), nil
}

// rechargeFile is the recharge history as people file it, with what an accountant asks for behind it.
func (s *Server) rechargeFile(ctx context.Context, in *rechargeQuery) (table, error) {
	location := s.snapshot().Location()
	q, err := in.asked(location)
	t := table{name: fileName("recharge-history", in.Period), rowsAre: "lines",
		columns: []string{"Time", "Extension", s.inCurrency("Pre-balance"), s.inCurrency("Recharge Amount"), s.inCurrency("Post-balance"), "Kind", "By", "Note"}}
	t.rows = rowsOf(s.deps.Archive.AllRecharges(ctx, q), func(e rating.Entry) []any {
		return []any{e.At.In(location), partyName(e.Username, e.Extension), e.Before, e.Amount, e.After, string(e.Kind), e.By, e.Note}
	})
	return t, err
}
