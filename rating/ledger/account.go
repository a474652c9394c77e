package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// accountPage is about how many accounts are read at once.
const accountPage = 500

// accountFields are the fields of an account's hash in the order in which decodeAccount reads them. Beside them there
// are: day and spent (what the calls of the newest day have cost, holds included), out and pin (set aside by recharges that are being applied), pend (how many of those), burn (what all running
// calls may cost within two horizons), name, ref.
var accountFields = []string{"bal", "held", "rech", "n", "seq", "bill", "pay", "lock", "cr", "tv", "shut"}

func decodeAccount(extension string, fields []any) (rating.Account, error) {
	f := fieldReader{fields: fields, names: accountFields}
	a := rating.Account{Extension: extension, Balance: f.money(0), Held: f.money(1), TotalRecharges: f.money(2), ActiveCalls: f.number(3),
		Seq: f.number(4), TermsVersion: f.number(9), Closed: f.text(10) == "1"}
	a.Terms = rating.Terms{BillingEnabled: f.text(5) == "1", PaymentType: rating.PaymentType(f.text(6)), Status: rating.Unlocked, Credit: f.money(8)}
	if f.text(7) == "1" {
		a.Status = rating.Locked
	}
	if f.err != nil {
		return a, fmt.Errorf("account %s: %w: %w", extension, errBroken, f.err)
	}
	return a, nil
}

// errBroken says that a record of an account cannot be read. The others can.
var errBroken = errors.New("the record cannot be read")

// Account returns an account; rating.ErrUnknownExtension where there never was one. A closed account is returned.
func (l *Ledger) Account(ctx context.Context, extension string) (rating.Account, error) {
	accounts, err := l.Accounts(ctx, []string{extension})
	if err == nil && len(accounts) == 0 {
		err = fmt.Errorf("account %s: %w", shorten(extension), rating.ErrUnknownExtension)
	}
	return append(accounts, rating.Account{})[0], err
}

// Accounts returns the accounts that exist, in the order asked for. Where some cannot be read it returns the others,
// and an error that names these.
func (l *Ledger) Accounts(ctx context.Context, extensions []string) ([]rating.Account, error) {
	accounts := make([]rating.Account, 0, len(extensions))
	var broken error
	for len(extensions) > 0 {
		batch := extensions[:min(len(extensions), accountPage)]
		extensions = extensions[len(batch):]
		page, err := l.accounts(ctx, batch)
		if err != nil && !errors.Is(err, errBroken) {
			return nil, fmt.Errorf("read accounts: %w", err)
		}
		accounts, broken = append(accounts, page...), errors.Join(broken, err)
	}
	return accounts, broken
}

func (l *Ledger) accounts(ctx context.Context, extensions []string) ([]rating.Account, error) {
	began := time.Now()
	cmds := make([]*redis.SliceCmd, len(extensions))
	_, err := l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, extension := range extensions {
			keys, err := keysOf(extension)
			if err != nil {
				continue // an extension that cannot be has no account
			}
			cmds[i] = p.HMGet(ctx, keys.account, accountFields...)
		}
		return nil
	})
	l.Observe("accounts", time.Since(began), err)
	if err = storeError(err); errors.Is(err, rating.ErrUnavailable) || ctx.Err() != nil {
		return nil, err
	}
	var accounts []rating.Account
	var broken error
	for i, extension := range extensions {
		if cmds[i] == nil || cmds[i].Err() == nil && cmds[i].Val()[0] == nil {
			continue
		}
		a, err := decodeAccount(extension, cmds[i].Val())
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		accounts = append(accounts, a)
	}
	return accounts, broken
}

// EachAccount calls f with all accounts, closed ones included, some hundred at a time, until f fails. An account may
// come twice when accounts are opened meanwhile. Where some cannot be read, f gets all others and the error names these.
func (l *Ledger) EachAccount(ctx context.Context, f func(page []rating.Account) error) error {
	var broken error
	err := eachShard(func(shard int) error {
		for cursor := uint64(0); ; {
			names, next, err := l.redis.SScan(ctx, extensionsKey(shard), cursor, "", accountPage).Result()
			if err != nil {
				return storeError(err)
			}
			page, err := l.Accounts(ctx, names)
			if errors.Is(err, errBroken) {
				broken, err = errors.Join(broken, err), nil
			}
			if err == nil {
				err = f(page)
			}
			if err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
	if err = errors.Join(err, broken); err != nil {
		return fmt.Errorf("read all accounts: %w", err)
	}
	return nil
}

// SetTerms applies an operator's terms to an account. It opens the account where there is none, and opens a closed one
// again (at balance 0; Seq goes on). A version that is not newer than the one applied last changes nothing, so the
// versions of a number must go on when its extension is deleted and added again. Another payment type sets TotalRecharges to 0 and leaves a payment_type line in the journal.
// Lowering the credit may make what is available negative; then nothing new is granted.
func (l *Ledger) SetTerms(ctx context.Context, extension string, terms rating.Terms, version int64, username, by string) error {
	keys, err := keysOf(extension)
	if err != nil {
		return err
	}
	line, err := json.Marshal(rating.Entry{Extension: extension, Username: username, Kind: rating.PaymentTypeEntry, By: by, Note: string(terms.PaymentType)})
	if err != nil {
		return err
	}
	args := append(termsArgs(extension, terms, version, username), line)
	r, err := l.run(ctx, termsScript, []string{keys.account, outboxKey(keys.shard), extensionsKey(keys.shard)}, args...)
	if err == nil && r.word() != "STALE" {
		err = r.verdict()
	}
	if err != nil {
		return fmt.Errorf("set the terms of %s: %w", extension, err)
	}
	return nil
}

func termsArgs(extension string, t rating.Terms, version int64, username string) []any {
	return []any{extension, flag(t.BillingEnabled), string(t.PaymentType), flag(t.Status == rating.Locked), int64(t.Credit), version, username}
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// Open opens an account with the balance that an import brought along, as the first line of its journal.
// rating.ErrAccountExists where one is open already, unless it was opened with the same Ref: then nothing changes.
// ErrNoCredit: a negative balance that the credit does not cover.
func (l *Ledger) Open(ctx context.Context, o rating.Opening) error {
	keys, err := keysOf(o.Extension)
	if err != nil {
		return err
	}
	if !o.Balance.InRange() {
		return fmt.Errorf("open account %s: %w", o.Extension, rating.ErrRange)
	}
	line, err := json.Marshal(rating.Entry{Extension: o.Extension, Username: o.Username, Kind: rating.OpeningEntry, Ref: o.Ref, By: o.By})
	if err != nil {
		return err
	}
	args := append(termsArgs(o.Extension, o.Terms, o.Version, o.Username), line, int64(o.Balance), o.Ref)
	r, err := l.run(ctx, openScript, []string{keys.account, outboxKey(keys.shard), extensionsKey(keys.shard)}, args...)
	if err == nil {
		err = r.verdict()
	}
	if err != nil {
		return fmt.Errorf("open account %s: %w", o.Extension, err)
	}
	return nil
}

// Close closes the account of an extension that is deleted: a closing line takes its balance to 0.
// rating.ErrActiveCalls: calls are up, or a recharge is being applied; ErrUnknownExtension: there never was one.
// Closing it again changes nothing; nor does a version older than the terms that are applied: the number is in use again.
func (l *Ledger) Close(ctx context.Context, extension string, version int64, by string) error {
	keys, err := keysOf(extension)
	if err != nil {
		return err
	}
	name, err := l.redis.HGet(ctx, keys.account, "name").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("close account %s: %w", extension, storeError(err))
	}
	line, err := json.Marshal(rating.Entry{Extension: extension, Username: name, Kind: rating.ClosingEntry, By: by})
	if err != nil {
		return err
	}
	r, err := l.run(ctx, closeScript, []string{keys.account, outboxKey(keys.shard), keys.spent}, line, version)
	if err == nil && r.word() != "STALE" {
		err = r.verdict()
	}
	if err != nil {
		return fmt.Errorf("close account %s: %w", extension, err)
	}
	return nil
}

// Spent returns what the calls that an extension began on a day (2006-01-02) have cost, holds included.
func (l *Ledger) Spent(ctx context.Context, extension, day string) (rating.Money, error) {
	keys, err := keysOf(extension)
	if err != nil {
		return 0, err
	}
	today, err := l.redis.HMGet(ctx, keys.account, "day", "spent").Result()
	if err == nil && today[0] != day {
		today, err = l.redis.HMGet(ctx, keys.spent, "", day).Result()
	}
	if err != nil {
		return 0, fmt.Errorf("spending of %s: %w", extension, storeError(err))
	}
	if today[1] == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(fmt.Sprint(today[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("spending of %s on %s: %q is no number", extension, day, shorten(fmt.Sprint(today[1])))
	}
	return rating.Money(n), nil
}
