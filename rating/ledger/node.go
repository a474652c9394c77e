package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// maxSilence stands for that of a node that nobody has ever seen.
const maxSilence = 365 * 24 * time.Hour

// touchBatch bounds how many leases one script renews.
const touchBatch = 500

// Heartbeat tells every shard that this node is alive. It must be called every HeartbeatEvery: while it is, nobody
// else takes over this node's calls.
func (l *Ledger) Heartbeat(ctx context.Context) error {
	err := eachShard(func(shard int) error {
		began := time.Now()
		err := heartbeatScript.Run(ctx, l.redis, []string{nodesKey(shard)}, l.Node, l.gap().Milliseconds(), nodesKept.Milliseconds()).Err()
		l.Observe(heartbeatScript.name, time.Since(began), err)
		return storeError(err)
	})
	if err != nil {
		return fmt.Errorf("heartbeat of node %s: %w", l.Node, err)
	}
	return nil
}

// Nodes returns every node that the store remembers, and when it was last seen.
func (l *Ledger) Nodes(ctx context.Context) (map[string]time.Time, error) {
	nodes, _, _, err := l.nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	return nodes, nil
}

// nodes is Nodes, with the time of the store, and since when this node has been seen without a gap (zero: never), in one
// round trip.
func (l *Ledger) nodes(ctx context.Context) (seen map[string]time.Time, now, since time.Time, err error) {
	var shards [rating.Shards]*redis.MapStringStringCmd
	var clock *redis.TimeCmd
	_, err = l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for shard := range shards {
			shards[shard] = p.HGetAll(ctx, nodesKey(shard))
		}
		clock = p.Time(ctx)
		return nil
	})
	if err != nil {
		return nil, now, since, storeError(err)
	}
	seen = make(map[string]time.Time)
	for _, values := range shards {
		for node, value := range values.Val() {
			n, err := parseNumbers(value, 2)
			if err != nil {
				continue
			}
			if at := time.UnixMilli(n[0]); at.After(seen[node]) {
				seen[node] = at.UTC()
			}
			if at := time.UnixMilli(n[1]); node == l.Node && at.After(since) {
				since = at
			}
		}
	}
	return seen, clock.Val(), since, nil
}

// Gone returns the other nodes whose heartbeat is gone, and when each was last seen: Adopt gives their calls away. None are
// while this node itself is new here.
func (l *Ledger) Gone(ctx context.Context) (map[string]time.Time, error) {
	nodes, now, since, err := l.nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	if since.IsZero() || now.Sub(since) < l.Steady {
		return nil, nil
	}
	for node, seen := range nodes {
		if node == l.Node || now.Sub(seen) < l.Alive {
			delete(nodes, node)
		}
	}
	return nodes, nil
}

// Touch renews the leases of talking calls that this node looks after. It returns those that it need not look after any
// more: over, or taken over by another node.
func (l *Ledger) Touch(ctx context.Context, calls []rating.CallID) (over, elsewhere []rating.CallID, err error) {
	byShard := make(map[int][]rating.CallID)
	for _, id := range calls {
		if shard, ok := id.Shard(); ok {
			byShard[shard] = append(byShard[shard], id)
		} else {
			over = append(over, id)
		}
	}
	for shard, ids := range byShard {
		for len(ids) > 0 {
			batch := ids[:min(len(ids), touchBatch)]
			ids = ids[len(batch):]
			ended, taken, err := l.touch(ctx, shard, batch)
			if err != nil {
				return over, elsewhere, fmt.Errorf("renew the leases of %d calls: %w", len(calls), err)
			}
			over, elsewhere = append(over, ended...), append(elsewhere, taken...)
		}
	}
	return over, elsewhere, nil
}

func (l *Ledger) touch(ctx context.Context, shard int, batch []rating.CallID) (over, elsewhere []rating.CallID, err error) {
	keys, args := []string{leasesKey(shard)}, []any{l.Node, l.Lease.Milliseconds()}
	for _, id := range batch {
		keys, args = append(keys, shardKey(shard, "c:"+string(id))), append(args, string(id))
	}
	r, err := l.run(ctx, touchScript, keys, args...)
	for i := 0; i+1 < len(r); i += 2 {
		if id := rating.CallID(r.text(i)); r.text(i+1) == "" {
			over = append(over, id)
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	return over, elsewhere, err
}

// Adopt gives a running call of a node that is gone to a node that is alive, and returns it as it is now.
// rating.ErrOwnedElsewhere: its node is alive, or another one was faster, or this one is new here; ErrSettled: it is over.
func (l *Ledger) Adopt(ctx context.Context, id rating.CallID, node string) (rating.Hold, error) {
	hold, _, err := l.adopt(ctx, id, node, "")
	if err != nil {
		return hold, fmt.Errorf("adopt call %s: %w", id, err)
	}
	return hold, nil
}

// Claim is Adopt for a call whose messages arrive at this node: it also takes a call back that was taken over from this
// node while it was gone. taken is false where it was this node's all along. With ErrOwnedElsewhere the hold's Seen says
// when the node of the call was last seen.
func (l *Ledger) Claim(ctx context.Context, id rating.CallID) (hold rating.Hold, taken bool, err error) {
	hold, taken, err = l.adopt(ctx, id, "", "claim")
	if err != nil {
		return hold, taken, fmt.Errorf("claim call %s: %w", id, err)
	}
	return hold, taken, nil
}

func (l *Ledger) adopt(ctx context.Context, id rating.CallID, node, why string) (hold rating.Hold, taken bool, err error) {
	call, err := keysOfCall(id)
	if err != nil {
		return hold, false, err
	}
	r, err := l.run(ctx, adoptScript, []string{call.call, call.blob, leasesKey(call.shard), nodesKey(call.shard)},
		string(id), l.node(node), l.Alive.Milliseconds(), l.Lease.Milliseconds(), l.Steady.Milliseconds(), why)
	if err == nil {
		err = r.verdict()
	}
	number := int64(0) // how long its node has been silent; or whether it had another one
	if n, err := r.numbers(1); err == nil {
		number = n[0]
	}
	if err != nil {
		hold.Call = id
		if errors.Is(err, rating.ErrOwnedElsewhere) {
			hold.Seen = time.Now().Add(-time.Duration(min(number, maxSilence.Milliseconds())) * time.Millisecond)
		}
		return hold, false, err
	}
	taken = number == 1
	hold, err = l.Call(ctx, id)
	return hold, taken, err
}
