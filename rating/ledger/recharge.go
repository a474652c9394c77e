package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// intentPage bounds how many recharges of a shard FinishIntents finishes at once.
const intentPage = 100

// attempts bounds how often Recharge begins again because a parallel request with the same key was refused.
const attempts = 5

// Recharge pays into one or many accounts: all of them, or none, also across a crash. A negative amount is an
// adjustment, allowed down to nothing available (rating.ErrNoCredit). The same key and body give the first answer
// again, whoever asks and however many do at once; another body is ErrKeyReused. ErrUnknownExtension and ErrRange name
// the extension in their text; then nothing has changed and the key may be used again. After any other error the
// outcome is open until the request is repeated or FinishIntents has run.
func (l *Ledger) Recharge(ctx context.Context, r rating.Recharge) ([]rating.Receipt, error) {
	receipts, err := l.recharge(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("recharge: %w", err)
	}
	return receipts, nil
}

func (l *Ledger) recharge(ctx context.Context, r rating.Recharge) ([]rating.Receipt, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	for _, p := range r.Payees {
		if _, err := keysOf(p.Extension); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(intentBodyOf(r))
	if err != nil {
		return nil, err
	}
	name := intentName(r.Key)
	for range attempts {
		reply, err := l.run(ctx, beginScript, []string{intentKey(name), unfinishedKey(intentShard(name))}, name, digest(r), rand.Text(), body)
		if err != nil {
			return nil, err
		}
		if reply.word() == "REUSED" {
			return nil, rating.ErrKeyReused
		}
		i, err := decodeIntent(name, reply)
		if err != nil {
			return nil, err
		}
		receipts, err := l.drive(ctx, i)
		if !errors.Is(err, errGone) {
			return receipts, err
		}
	}
	return nil, fmt.Errorf("the key is used by too many refused requests at once: %w", rating.ErrConflict)
}

// digest identifies the body of a recharge: who gets how much, and why. Who asks, and when, is no part of it.
func digest(r rating.Recharge) string {
	text, _ := json.Marshal([]any{r.Amount, r.Note, r.Extensions()}) // strings and a number: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// FinishIntents finishes every recharge that a process began and did not live to finish: it is applied on all its
// accounts, or on none. To finish one that its own process is still busy with does no harm. It returns how many it
// finished.
func (l *Ledger) FinishIntents(ctx context.Context) (int, error) {
	finished := 0
	err := eachShard(func(shard int) error {
		names, err := l.redis.ZRange(ctx, unfinishedKey(shard), 0, intentPage-1).Result()
		if err != nil {
			return storeError(err)
		}
		for _, name := range names {
			if err := l.finishIntent(ctx, shard, name); err != nil {
				return fmt.Errorf("intent %s: %w", shorten(name), err)
			}
			finished++
		}
		return nil
	})
	if err != nil {
		return finished, fmt.Errorf("finish recharges: %w", err)
	}
	return finished, nil
}

func (l *Ledger) finishIntent(ctx context.Context, shard int, name string) error {
	values, err := l.redis.HMGet(ctx, shardKey(shard, "i:"+name), "state", "attempt", "body", "result").Result()
	if err != nil {
		return storeError(err)
	}
	i, err := decodeIntent(name, reply(values))
	if err != nil {
		l.Log.Error("an unfinished recharge cannot be read and is set aside", "intent", shorten(name), "err", err)
		return storeError(l.redis.ZRem(ctx, unfinishedKey(shard), name).Err())
	}
	_, err = l.drive(ctx, i)
	var no refusal
	if errors.As(err, &no) || errors.Is(err, errGone) {
		return nil // refused on all accounts is finished, too; or somebody else has it
	}
	return err
}

// receiptTime is what a receipt and the journal say: microseconds are enough, and survive JSON.
func receiptTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
