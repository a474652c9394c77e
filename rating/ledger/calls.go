package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// callPage is about how many running calls are read at once.
const callPage = 500

// Call returns a running call; rating.ErrSettled where it is over, ErrNoCall where the ledger does not know it.
func (l *Ledger) Call(ctx context.Context, id rating.CallID) (rating.Hold, error) {
	call, err := keysOfCall(id)
	if err != nil {
		return rating.Hold{}, err
	}
	lease, err := l.redis.ZScore(ctx, leasesKey(call.shard), string(id)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return rating.Hold{}, fmt.Errorf("read call %s: %w", id, storeError(err))
	}
	holds, err := l.holds(ctx, call.shard, []redis.Z{{Member: string(id), Score: lease}})
	if err != nil || len(holds) == 1 {
		return append(holds, rating.Hold{})[0], err
	}
	over, err := l.redis.Exists(ctx, call.blob).Result()
	switch {
	case err != nil:
		err = storeError(err)
	case over == 1:
		err = rating.ErrSettled
	default:
		err = rating.ErrNoCall
	}
	return rating.Hold{}, fmt.Errorf("read call %s: %w", id, err)
}

// Calls returns all running calls of all nodes.
func (l *Ledger) Calls(ctx context.Context) ([]rating.Hold, error) {
	return l.callsWhere(ctx, func(rating.Hold) bool { return true })
}

// CallsOf returns the running calls that a node looks after.
func (l *Ledger) CallsOf(ctx context.Context, node string) ([]rating.Hold, error) {
	return l.callsWhere(ctx, func(h rating.Hold) bool { return h.Node == node })
}

func (l *Ledger) callsWhere(ctx context.Context, wanted func(rating.Hold) bool) ([]rating.Hold, error) {
	var calls []rating.Hold
	err := l.EachCall(ctx, func(page []rating.Hold) error {
		for _, h := range page {
			if wanted(h) {
				calls = append(calls, h)
			}
		}
		return nil
	})
	return calls, err
}

// EachCall calls f with all running calls, some hundred at a time, until f fails. A call that runs from beginning to
// end of the iteration is seen exactly once. A record that cannot be read is logged and left out; Sweep takes it away.
func (l *Ledger) EachCall(ctx context.Context, f func(page []rating.Hold) error) error {
	err := eachShard(func(shard int) error {
		seen := make(map[string]bool)
		for cursor := uint64(0); ; {
			found, next, err := l.redis.ZScan(ctx, leasesKey(shard), cursor, "", callPage).Result()
			if err != nil {
				return storeError(err)
			}
			page, err := l.holds(ctx, shard, unseen(found, seen))
			if err != nil {
				return err
			}
			if err := f(page); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
	if err != nil {
		return fmt.Errorf("read the running calls: %w", err)
	}
	return nil
}

// unseen turns the pairs of ZSCAN into members with score, leaving out those that came before.
func unseen(pairs []string, seen map[string]bool) []redis.Z {
	var out []redis.Z
	for i := 0; i+1 < len(pairs); i += 2 {
		if seen[pairs[i]] {
			continue
		}
		seen[pairs[i]] = true
		score, _ := strconv.ParseFloat(pairs[i+1], 64)
		out = append(out, redis.Z{Member: pairs[i], Score: score})
	}
	return out
}

// holds reads calls of a shard; those that are over by now are left out, those that cannot be read are logged.
func (l *Ledger) holds(ctx context.Context, shard int, calls []redis.Z) ([]rating.Hold, error) {
	fields := make([]*redis.SliceCmd, len(calls))
	blobs := make([]*redis.StringCmd, len(calls))
	_, err := l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, z := range calls {
			id := fmt.Sprint(z.Member)
			fields[i] = p.HMGet(ctx, shardKey(shard, "c:"+id), callFields...)
			blobs[i] = p.Get(ctx, shardKey(shard, "b:"+id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		if err = storeError(err); errors.Is(err, rating.ErrUnavailable) || ctx.Err() != nil {
			return nil, err
		}
	}
	holds := make([]rating.Hold, 0, len(calls))
	for i, z := range calls {
		if values := fields[i].Val(); len(values) > 0 && values[0] == nil && fields[i].Err() == nil {
			continue
		}
		h, err := decodeHold(rating.CallID(fmt.Sprint(z.Member)), fields[i].Val(), blobs[i].Val(), z.Score)
		if err != nil {
			l.Log.Error("a running call in the store cannot be read", "call_id", shorten(fmt.Sprint(z.Member)), "err", err)
			continue
		}
		holds = append(holds, h)
	}
	return holds, nil
}
