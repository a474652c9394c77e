package ledger

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

// Extend buys the next units of a running call and renews its lease: units up to Horizon ahead where the account is
// rich, else exactly one. rating.ErrNoCredit: the next unit cannot be paid; ErrLimit: daily_spend leaves no room for
// it; the grant says what the call has. Repeating it with the same HaveUnits buys nothing. Where the call is over
// already, the grant is Settled and the error nil: stop the call. ErrOwnedElsewhere: another node has it.
func (l *Ledger) Extend(ctx context.Context, e rating.Extend) (rating.Grant, error) {
	grant, err := l.extend(ctx, e)
	if err != nil {
		return grant, fmt.Errorf("extend call %s: %w", e.Call, err)
	}
	return grant, nil
}

func (l *Ledger) extend(ctx context.Context, e rating.Extend) (rating.Grant, error) {
	extension, err := l.payer(ctx, e.Call, e.Extension)
	if err != nil {
		return overIsSettled(rating.Grant{}, err)
	}
	call, account, err := keysOfBoth(e.Call, extension)
	if err != nil {
		return rating.Grant{}, err
	}
	r, err := l.run(ctx, extendScript,
		[]string{account.account, call.call, call.blob, leasesKey(call.shard), account.spent},
		string(e.Call), extension, l.node(e.Node), e.HaveUnits, int64(Horizon/time.Second), l.Lease.Milliseconds())
	if err != nil {
		return rating.Grant{}, err
	}
	return overIsSettled(r.grant())
}
