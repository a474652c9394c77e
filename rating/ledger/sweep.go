package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// sweepBatch bounds how many lapsed calls of a shard one Sweep ends.
const sweepBatch = 200

// Sweep ends the calls whose lease has lapsed: their node died and nobody took over. A ringing call costs nothing
// (failed, ended by system); a talking one is charged up to its last proof of life: its last answer, extension or
// touch, or the last heartbeat of its node, whichever is later, and never more than was granted. It does nothing until
// this node's own heartbeats have reached the store for Options.Calm. Records that cannot be read are set aside and
// logged. It returns the calls that it ended; several nodes may sweep at once.
func (l *Ledger) Sweep(ctx context.Context) ([]rating.CallID, error) {
	var swept []rating.CallID
	err := eachShard(func(shard int) error {
		r, err := l.run(ctx, lapsedScript, []string{leasesKey(shard), nodesKey(shard)}, l.Node, l.Calm.Milliseconds(), sweepBatch)
		if err != nil {
			return err
		}
		for i := range r {
			ended, err := l.sweepCall(ctx, shard, r.text(i))
			if err != nil {
				return fmt.Errorf("call %s: %w", shorten(r.text(i)), err)
			}
			if ended {
				swept = append(swept, rating.CallID(r.text(i)))
			}
		}
		return nil
	})
	if err != nil {
		return swept, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

func (l *Ledger) sweepCall(ctx context.Context, shard int, member string) (ended bool, err error) {
	id := rating.CallID(member)
	holds, err := l.holds(ctx, shard, []redis.Z{{Member: member}})
	if err != nil {
		return false, err
	}
	if len(holds) == 0 {
		return false, l.setAside(ctx, shard, member)
	}
	_, err = l.closeCall(ctx, sweptCDR(holds[0]), l.Node, 0, sweeping)
	switch {
	case errors.Is(err, rating.ErrNoCall), errors.Is(err, errLeased):
		return false, nil // somebody was faster, or came back
	case errors.Is(err, rating.ErrUnavailable):
		return false, err
	case err != nil:
		l.Log.Error("a lapsed call cannot be settled", "call_id", string(id), "account", holds[0].Extension, "err", err)
		return false, l.setAside(ctx, shard, member)
	}
	return true, nil
}

// sweptCDR is the record of a call that nobody came back for. The settlement adds duration, units and cost; the reader
// of the outbox adds the end.
func sweptCDR(h rating.Hold) rating.CDR {
	cdr := h.Draft
	cdr.ID, cdr.Extension, cdr.EndedBy, cdr.EndedAt, cdr.Count = h.Call, h.Extension, rating.BySystem, nil, 1
	cdr.AnsweredAt, cdr.Disposition = nil, rating.Failed
	if !h.Answered.IsZero() {
		cdr.AnsweredAt, cdr.Disposition = &h.Answered, rating.Answered
	}
	if h.Unbilled != rating.Billed {
		cdr.Unbilled = &h.Unbilled
	}
	return cdr
}

// setAside takes a lease whose call is gone or cannot be read out of the way of the sweep, and remembers it.
func (l *Ledger) setAside(ctx context.Context, shard int, member string) error {
	id := rating.CallID(member)
	exists := int64(1)
	if call, err := keysOfCall(id); err == nil {
		if exists, err = l.redis.Exists(ctx, call.call).Result(); err != nil {
			return storeError(err)
		}
	}
	if exists == 1 {
		l.Log.Error("a lapsed call is set aside: what it holds stays held", "call_id", shorten(member), "key", brokenKey(shard))
		if err := l.redis.ZAddNX(ctx, brokenKey(shard), redis.Z{Member: member}).Err(); err != nil {
			return storeError(err)
		}
	}
	return storeError(l.redis.ZRem(ctx, leasesKey(shard), member).Err())
}
