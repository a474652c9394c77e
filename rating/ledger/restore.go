package ledger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// A restore writes an empty store. What the journal says becomes the accounts (Restore), its recharges become the
// idempotency keys (Remember), the outbox goes on behind what the archive has (Continue); then EndCalls ends what was up.

// Restore writes an account as its journal says that it is. Its calls must be in the store already: what they hold is held
// again. rating.ErrAccountExists where the account is there.
func (l *Ledger) Restore(ctx context.Context, a rating.Restored) error {
	keys, err := keysOf(a.Extension)
	if err != nil {
		return err
	}
	scriptKeys := []string{keys.account, keys.spent, extensionsKey(keys.shard), leasesKey(keys.shard)}
	args := append(termsArgs(a.Extension, a.Terms, a.TermsVersion, a.Username), int64(a.Balance), a.Seq, int64(a.TotalRecharges), flag(a.Closed), a.Opened,
		daysKept.Milliseconds(), len(a.Spent))
	for _, s := range a.Spent {
		args = append(args, s.Day, int64(s.Amount))
	}
	for _, id := range a.Calls {
		call, err := keysOfCall(id)
		if err != nil || call.shard != keys.shard {
			return fmt.Errorf("restore account %s: call %q: %w", a.Extension, shorten(string(id)), rating.ErrConflict)
		}
		scriptKeys, args = append(scriptKeys, call.call), append(args, string(id))
	}
	r, err := l.run(ctx, restoreScript, scriptKeys, args...)
	if err == nil {
		err = r.verdict()
	}
	if err != nil {
		return fmt.Errorf("restore account %s: %w", a.Extension, err)
	}
	return nil
}

// IntentBody reads the recharge of a stored intent (the field "body" of its hash); its key names it.
func IntentBody(body string) (rating.Recharge, error) {
	var b intentBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return rating.Recharge{}, fmt.Errorf("intent of a recharge: %w", err)
	}
	r := rating.Recharge{Key: b.Key, Amount: b.Amount, Note: b.Note, By: b.By, At: b.At}
	for _, p := range b.Payees {
		r.Payees = append(r.Payees, rating.Payee{Extension: p[0], Username: p[1]})
	}
	return r, nil
}

// Remember writes the idempotency key of a recharge whose journal lines are there, so that the same request again pays
// nothing. Where lines of some payees are missing, FinishIntents makes up for them.
func (l *Ledger) Remember(ctx context.Context, a rating.Applied) error {
	name := intentName(a.Key)
	i := intent{name: name, state: preparing, attempt: rand.Text(), intentBody: intentBodyOf(a.Recharge)}
	paid := make(map[string]rating.Receipt, len(a.Receipts))
	for _, r := range a.Receipts {
		paid[r.Extension] = r
	}
	var balances [][2]int64
	for _, p := range a.Payees {
		if r, ok := paid[p.Extension]; ok {
			balances = append(balances, [2]int64{int64(r.Before), int64(r.After)})
		}
	}
	if len(balances) == len(a.Payees) {
		i.state = done
		result, err := json.Marshal(balances)
		if err != nil {
			return err
		}
		i.result = string(result)
	}
	body, err := json.Marshal(i.intentBody)
	if err == nil {
		err = l.keepIntent(ctx, i, string(body), digest(a.Recharge), paid)
	}
	if err != nil {
		return fmt.Errorf("remember recharge %s: %w", shorten(a.Key), err)
	}
	return nil
}

// keepIntent writes an intent, and where it is not done, which of its accounts have been paid.
func (l *Ledger) keepIntent(ctx context.Context, i intent, body, digest string, paid map[string]rating.Receipt) error {
	if i.state != done {
		err := i.eachBatch(func(shard int, payees []payee) error {
			for _, p := range payees {
				r, ok := paid[p.extension]
				if !ok {
					continue
				}
				if err := l.redis.HSet(ctx, preparedKey(shard, i.name, i.attempt), p.extension, fmt.Sprintf("%d:%d", r.Before, r.After)).Err(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return storeError(err)
		}
	}
	_, err := l.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, intentKey(i.name), "digest", digest, "attempt", i.attempt, "state", i.state, "body", body, "result", i.result)
		if i.state == done {
			p.PExpire(ctx, intentKey(i.name), max(time.Hour, intentKept-time.Since(i.At)))
		} else {
			p.ZAdd(ctx, unfinishedKey(intentShard(i.name)), redis.Z{Score: float64(i.At.Unix()), Member: i.name})
		}
		return nil
	})
	return storeError(err)
}

// Continue makes the outbox of a shard go on behind a position that the archive has, whatever the clock says.
func (l *Ledger) Continue(ctx context.Context, shard int, position string) error {
	next, err := successor(position)
	if err != nil {
		return fmt.Errorf("continue outbox %d: %w", shard, err)
	}
	_, err = l.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{Stream: outboxKey(shard), ID: next, Values: []string{"r", "restored"}})
		p.XDel(ctx, outboxKey(shard), next)
		return nil
	})
	if err != nil {
		return fmt.Errorf("continue outbox %d behind %s: %w", shard, position, storeError(err))
	}
	return nil
}

// Restorer begins the name under which EndCalls shows signs of life; no node can have such a name.
const Restorer = "restore:"

// EndCalls ends calls that nobody can look after any more, as Sweep does, whether or not their lease has lapsed: a ringing
// call costs nothing, a talking one is charged to its last proof of life.
func (l *Ledger) EndCalls(ctx context.Context) (ended int, err error) {
	if err := eachShard(func(shard int) error { return l.expireLeases(ctx, shard) }); err != nil {
		return 0, fmt.Errorf("end calls: %w", storeError(err))
	}
	sweeper := *l
	sweeper.Node = Restorer + rand.Text()[:8] // not the node of the calls: its heartbeat would count as their sign of life
	sweeper.Calm = time.Nanosecond            // rounds to none: nobody is there who might come back
	if err := sweeper.Heartbeat(ctx); err != nil {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, eachShard(func(shard int) error { return storeError(l.redis.HDel(ctx, nodesKey(shard), sweeper.Node).Err()) }))
	}()
	for {
		swept, err := sweeper.Sweep(ctx)
		ended += len(swept)
		if err != nil || len(swept) == 0 {
			return ended, err
		}
	}
}

// expireLeases takes the leases that have not lapsed back to now. What is left of a lease is taken from its length too, so
// the last proof of life stays what it was.
func (l *Ledger) expireLeases(ctx context.Context, shard int) error {
	now, err := l.redis.Time(ctx).Result()
	if err != nil {
		return err
	}
	leases, err := l.redis.ZRangeByScoreWithScores(ctx, leasesKey(shard), &redis.ZRangeBy{Min: fmt.Sprintf("(%d", now.UnixMilli()), Max: "+inf"}).Result()
	if err != nil {
		return err
	}
	for _, z := range leases {
		id := fmt.Sprint(z.Member)
		left := int64(z.Score) - now.UnixMilli()
		_, err := l.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HIncrBy(ctx, shardKey(shard, "c:"+id), "v", -left)
			p.ZAdd(ctx, leasesKey(shard), redis.Z{Score: float64(now.UnixMilli()), Member: id})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget removes a call that was up when a backup was made and that the archive knows to be over.
func (l *Ledger) Forget(ctx context.Context, id rating.CallID) error {
	call, err := keysOfCall(id)
	if err == nil {
		_, err = l.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, call.call, call.blob)
			p.ZRem(ctx, leasesKey(call.shard), string(id))
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("forget call %s: %w", id, storeError(err))
	}
	return nil
}
