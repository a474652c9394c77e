package ledger

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

// touchBatch bounds how many leases one script renews.
const touchBatch = 500

// Heartbeat tells every shard that this node is alive. It must be called every HeartbeatEvery: while it is, nobody
// else takes over this node's calls.
func (l *Ledger) Heartbeat(ctx context.Context) error {
	err := eachShard(func(shard int) error {
		began := time.Now()
		err := heartbeatScript.Run(ctx, l.redis, []string{nodesKey(shard)}, l.Node, l.Alive.Milliseconds(), nodesKept.Milliseconds()).Err()
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
	nodes := make(map[string]time.Time)
	err := eachShard(func(shard int) error {
		values, err := l.redis.HGetAll(ctx, nodesKey(shard)).Result()
		for node, value := range values {
			if n, err := parseNumbers(value, 2); err == nil && time.UnixMilli(n[0]).After(nodes[node]) {
				nodes[node] = time.UnixMilli(n[0]).UTC()
			}
		}
		return storeError(err)
	})
	if err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	return nodes, nil
}

// Touch renews the leases of talking calls that this node looks after. It returns those that it need not look after any
// more: they are over, or another node has taken them over.
func (l *Ledger) Touch(ctx context.Context, calls []rating.CallID) (gone []rating.CallID, err error) {
	byShard := make(map[int][]rating.CallID)
	for _, id := range calls {
		if shard, ok := id.Shard(); ok {
			byShard[shard] = append(byShard[shard], id)
		} else {
			gone = append(gone, id)
		}
	}
	for shard, ids := range byShard {
		for len(ids) > 0 {
			batch := ids[:min(len(ids), touchBatch)]
			ids = ids[len(batch):]
			over, err := l.touch(ctx, shard, batch)
			if err != nil {
				return gone, fmt.Errorf("renew the leases of %d calls: %w", len(calls), err)
			}
			gone = append(gone, over...)
		}
	}
	return gone, nil
}

func (l *Ledger) touch(ctx context.Context, shard int, batch []rating.CallID) (gone []rating.CallID, err error) {
	keys, args := []string{leasesKey(shard)}, []any{l.Node, l.Lease.Milliseconds()}
	for _, id := range batch {
		keys, args = append(keys, shardKey(shard, "c:"+string(id))), append(args, string(id))
	}
	r, err := l.run(ctx, touchScript, keys, args...)
	for i := range r {
		gone = append(gone, rating.CallID(r.text(i)))
	}
	return gone, err
}

// Adopt gives a running call of a node that is gone to a node that is alive, and returns it as it is now.
// rating.ErrOwnedElsewhere: its node is alive, or another one was faster; ErrSettled: it is over.
func (l *Ledger) Adopt(ctx context.Context, id rating.CallID, node string) (rating.Hold, error) {
	hold, err := l.adopt(ctx, id, node)
	if err != nil {
		return hold, fmt.Errorf("adopt call %s: %w", id, err)
	}
	return hold, nil
}

func (l *Ledger) adopt(ctx context.Context, id rating.CallID, node string) (rating.Hold, error) {
	call, err := keysOfCall(id)
	if err != nil {
		return rating.Hold{}, err
	}
	r, err := l.run(ctx, adoptScript, []string{call.call, call.blob, leasesKey(call.shard), nodesKey(call.shard)},
		string(id), l.node(node), l.Alive.Milliseconds(), l.Lease.Milliseconds())
	if err == nil {
		err = r.verdict()
	}
	if err != nil {
		return rating.Hold{}, err
	}
	return l.Call(ctx, id)
}
