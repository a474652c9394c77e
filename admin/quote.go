package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"tollgate/rating"
)

type quoteRequest struct {
	Body struct {
		Extension string    `json:"extension" maxLength:"32" doc:"Who calls."`
		Number    string    `json:"number" minLength:"1" maxLength:"120" doc:"As dialled; it is normalised as a call's is." example:"988360046"`
		Duration  int64     `json:"duration,omitempty" minimum:"0" maximum:"31536000" doc:"Seconds of talk; 0: not answered."`
		At        time.Time `json:"at,omitzero" doc:"When the call begins; left out: now."`

		Draft   edit[rate] `json:"draft,omitzero" doc:"A rate that is not stored yet: the call is quoted as if it were. Its id is 0 in the answer."`
		DraftOf int64      `json:"draft_of,omitempty" minimum:"0" doc:"The stored rate that the draft would replace; left out: it is a new one."`
	}
}

// ratesWith are the stored rates with a draft among them, or in place of the one that it would replace.
func ratesWith(stored *rating.RateIndex, draft body, of int64) (*rating.RateIndex, error) {
	old := rating.NewRate()
	if r, ok := stored.Rate(of); ok {
		old = *r
	}
	changed, err := draft.mergeRate(old)
	var wrong rating.Invalid
	if errors.As(err, &wrong) {
		return nil, faultsOf("body.draft.", wrong)
	}
	if err != nil {
		return nil, err
	}
	rates := slices.DeleteFunc(slices.Clone(stored.Rates()), func(r rating.Rate) bool { return r.ID == of })
	return rating.NewRateIndex(append(rates, changed)), nil
}

// quotation says what a call would cost, by the same rules that bill calls.
type quotation struct {
	Matched     bool             `json:"matched" doc:"Whether a rate bills the call."`
	Rate        orNull[rate]     `json:"rate" doc:"The rate; null where none matches."`
	Duration    int64            `json:"duration" doc:"As asked."`
	Units       int64            `json:"units" doc:"Billing units begun after the initial time."`
	Cost        rating.Money     `json:"cost" doc:"Of the duration."`
	Available   rating.Money     `json:"available" doc:"What the extension may spend now: balance plus credit minus held."`
	MaxDuration *int64           `json:"max_duration" doc:"How long the money lasts, in seconds; null: no end."`
	NotMatched  []notMatched     `json:"not_matched" doc:"The other rates, and the first reason why each does not bill the call."`
	Unbilled    *rating.Unbilled `json:"unbilled" enum:"deactivated,extension,emergency,unrated,free" doc:"Why the call would cost nothing although it passes; null: it is billed, or refused."`
}

type notMatched struct {
	RateID int64  `json:"rate_id" doc:"The rate."`
	Reason string `json:"reason" enum:"inactive,extension,time_block,prefix,number_length,less_specific" doc:"Why not."`
}

func (s *Server) quote(ctx context.Context, in *quoteRequest) (*answer[quotation], error) {
	snapshot, b := s.snapshot(), in.Body
	e, ok := snapshot.Extension(b.Extension)
	if !ok {
		return nil, invalid.with(fault{Location: "body.extension", Message: "there is no extension " + b.Extension})
	}
	number, err := rating.NormalizeNumber(b.Number)
	if err != nil {
		return nil, invalid.with(fault{Location: "body.number", Message: "must be a number: an optional leading +, then digits, * and #, at most 40"})
	}
	accounts, err := s.accounts(ctx, []string{b.Extension})
	if err != nil {
		return nil, err
	}
	at := b.At
	if at.IsZero() {
		at = s.now()
	}
	rates := snapshot.Rates
	if b.Draft.raw != nil {
		if rates, err = ratesWith(rates, b.Draft.body, b.DraftOf); err != nil {
			return nil, err
		}
	}
	winner, others := rates.Explain(rating.RateQuery{Extension: b.Extension, Number: number, At: rating.TimeOfDayOf(at.In(snapshot.Location()))})
	q := quotation{Duration: b.Duration, Available: availableTo(*e, accounts[b.Extension]), NotMatched: make([]notMatched, 0, len(others))}
	for _, o := range others {
		q.NotMatched = append(q.NotMatched, notMatched(o))
	}
	if winner != nil {
		r := rateOf(*winner)
		q.Matched, q.Rate.value, q.Units, q.Cost = true, &r, winner.Units(b.Duration), winner.Cost(b.Duration)
		if longest, ends := winner.TalkTime(q.Available); ends {
			q.MaxDuration = &longest
		}
	}
	q.Unbilled = unbilledIn(snapshot, e, number, winner)
	return &answer[quotation]{q}, nil
}

// unbilledIn says why a call would cost nothing whatever the rates say, or because of the one that matches; nil where
// it is billed or refused. It is what rating.Snapshot.Admit decides, without asking where the call would go.
func unbilledIn(s *rating.Snapshot, e *rating.Extension, number string, matched *rating.Rate) *rating.Unbilled {
	why := rating.Billed
	switch _, emergency := s.Emergency(number); {
	case emergency:
		why = rating.EmergencyCall
	case !s.Billing.Active:
		why = rating.BillingDeactivated
	case !e.BillingEnabled:
		why = rating.BillingDisabled
	case matched == nil && s.Settings.UnratedCalls == rating.Allow:
		why = rating.Unrated
	case matched != nil && matched.Free():
		why = rating.FreeRate
	}
	if why == rating.Billed {
		return nil
	}
	return &why
}

// availableTo is what an extension may spend; one without account yet has its credit.
func availableTo(e rating.Extension, a rating.Account) rating.Money {
	if a.Extension == "" || a.Closed {
		return e.Credit
	}
	return a.Available()
}
