package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tollgate/rating"
)

// Authorize lets a call in and holds its first charge, in one step with all checks: rating.ErrUnknownExtension,
// ErrLocked, ErrLimit, ErrNoCredit (the grant then says what is available). Repeating it changes nothing. A call that
// is over already is ErrSettled; one that belongs to another node is ErrOwnedElsewhere while that node is alive, and is
// taken over when it is gone.
func (l *Ledger) Authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	grant, err := l.authorize(ctx, a)
	if err != nil {
		return grant, fmt.Errorf("authorize call %s of %s: %w", a.Call, shorten(a.Extension), err)
	}
	return grant, nil
}

func (l *Ledger) authorize(ctx context.Context, a rating.Authorization) (rating.Grant, error) {
	call, account, err := keysOfBoth(a.Call, a.Extension)
	if err != nil {
		return rating.Grant{}, err
	}
	if a.Unbilled != rating.Billed {
		a.Tariff = rating.Tariff{}
	}
	if !storable(a.Tariff) {
		return rating.Grant{}, fmt.Errorf("tariff %+v: %w", a.Tariff, rating.ErrRange)
	}
	day, err := time.Parse(time.DateOnly, a.Day)
	if err != nil {
		return rating.Grant{}, fmt.Errorf("day of the call: %w", err)
	}
	blob, err := encodeBlob(a.Draft, a.Call, a.Extension, a.Dialog)
	if err != nil {
		return rating.Grant{}, err
	}
	t := a.Tariff
	r, err := l.run(ctx, authorizeScript,
		[]string{account.account, call.call, call.blob, leasesKey(call.shard), nodesKey(call.shard), account.spent},
		string(a.Call), a.Extension, l.node(a.Node), int64(t.InitialCost), t.InitialTime, t.BillingUnit, int64(t.PerUnit), t.FirstUnits(),
		string(a.Unbilled), a.Limits.ConcurrentCalls, int64(a.Limits.DailySpend), a.Day, day.Add(-daysKept).Format(time.DateOnly),
		a.At.UnixMicro(), a.Ring.Milliseconds(), l.Lease.Milliseconds(), l.Alive.Milliseconds(),
		int64(burnHorizons*Horizon/time.Second), daysKept.Milliseconds(), blob)
	if err != nil {
		return rating.Grant{}, err
	}
	grant, err := r.grant()
	if err != nil {
		return grant, err
	}
	grant.Tariff, grant.Unbilled = a.Tariff, a.Unbilled
	if r.word() != "REPEAT" {
		return grant, nil
	}
	grant.Unbilled, grant.Answered = rating.Unbilled(r.text(5)), r.text(6) == stateTalking
	grant.Tariff, err = decodeTariff(r.text(4))
	return grant, err
}

// storable reports whether the scripts can reckon with a tariff: within the bounds of a valid rate.
func storable(t rating.Tariff) bool {
	price := func(m rating.Money) bool { return m >= 0 && m <= rating.MaxPrice }
	seconds := func(n int64) bool { return n >= 0 && n <= rating.MaxTariffSeconds }
	return price(t.InitialCost) && price(t.PerUnit) && seconds(t.InitialTime) && seconds(t.BillingUnit) && (t.PerUnit == 0 || t.BillingUnit > 0)
}

// grant reads {word, units, held, available}; refusals about a call say no more than their word.
func (r reply) grant() (rating.Grant, error) {
	refused := r.verdict()
	if refused != nil && len(r) == 1 {
		return rating.Grant{Settled: r.word() == "SETTLED"}, refused
	}
	n, err := r.numbers(3)
	if err != nil {
		return rating.Grant{}, err
	}
	return rating.Grant{Units: n[0], Held: rating.Money(n[1]), Available: min(rating.Money(n[2]), rating.MaxMoney)}, refused
}

// encodeBlob is the draft of a CDR and the dialogs as a call keeps them: the length of the draft, a colon, both.
func encodeBlob(draft rating.CDR, call rating.CallID, extension string, dialog []byte) ([]byte, error) {
	draft.ID, draft.Extension = call, extension
	text, err := json.Marshal(boundedCDR(draft))
	if err != nil {
		return nil, fmt.Errorf("draft of the CDR: %w", err)
	}
	blob := fmt.Appendf(make([]byte, 0, 8+len(text)+len(dialog)), "%d:", len(text))
	return append(append(blob, text...), dialog...), nil
}

// maxNamed is how many extensions the rate in a record names; a rate for more is recorded as being for its caller. The
// record explains the price of one call, and need not carry a list of thousands.
const maxNamed = 20

func boundedCDR(cdr rating.CDR) rating.CDR {
	if cdr.Rate != nil && len(cdr.Rate.Extensions) > maxNamed {
		rate := *cdr.Rate
		rate.Extensions = []string{cdr.Extension}
		cdr.Rate = &rate
	}
	return cdr
}
