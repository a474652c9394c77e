package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// Answer stamps the answer of a call, stores both its dialogs and the draft of its CDR, and holds units up to Horizon
// ahead where the account is rich. Repeating it changes nothing. Where the call is over already, the grant is Settled
// and the error nil: stop the call. ErrNoCall: the ledger never heard of it; ErrOwnedElsewhere: another node has it.
func (l *Ledger) Answer(ctx context.Context, a rating.Answer) (rating.Grant, error) {
	grant, err := l.answer(ctx, a)
	if err != nil {
		return grant, fmt.Errorf("answer of call %s: %w", a.Call, err)
	}
	return grant, nil
}

func (l *Ledger) answer(ctx context.Context, a rating.Answer) (rating.Grant, error) {
	extension, err := l.payer(ctx, a.Call, a.Draft.Extension)
	if err != nil {
		return overIsSettled(rating.Grant{}, err)
	}
	call, account, err := keysOfBoth(a.Call, extension)
	if err != nil {
		return rating.Grant{}, err
	}
	if a.Draft.AnsweredAt == nil {
		a.Draft.AnsweredAt = &a.At
	}
	blob, err := encodeBlob(a.Draft, a.Call, extension, a.Dialog)
	if err != nil {
		return rating.Grant{}, err
	}
	r, err := l.run(ctx, answerScript,
		[]string{account.account, call.call, call.blob, leasesKey(call.shard), account.spent},
		string(a.Call), extension, l.node(a.Node), a.At.UnixMicro(), max(0, time.Since(a.At).Milliseconds()),
		int64(Horizon/time.Second), l.Lease.Milliseconds(), blob)
	if err != nil {
		return rating.Grant{}, err
	}
	return overIsSettled(r.grant())
}

// overIsSettled turns the refusal that a call is over into a grant that says so.
func overIsSettled(grant rating.Grant, err error) (rating.Grant, error) {
	if errors.Is(err, rating.ErrSettled) {
		return rating.Grant{Settled: true}, nil
	}
	return grant, err
}

// payer returns the extension that pays for a call: the one named, else the one that the call's hold names.
func (l *Ledger) payer(ctx context.Context, id rating.CallID, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	hold, err := l.Call(ctx, id)
	return hold.Extension, err
}

// SaveDialog exchanges the dialogs of a running call, after a target refresh (RFC 3261 §12.2).
func (l *Ledger) SaveDialog(ctx context.Context, id rating.CallID, dialog []byte) error {
	call, err := keysOfCall(id)
	if err != nil {
		return err
	}
	r, err := l.run(ctx, dialogScript, []string{call.call, call.blob}, l.Node, dialog)
	if err == nil {
		err = r.verdict()
	}
	if err != nil {
		return fmt.Errorf("save the dialogs of call %s: %w", id, err)
	}
	return nil
}
