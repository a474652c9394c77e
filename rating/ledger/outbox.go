package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// Read returns up to max records of a shard's outbox that come after a position; "" is the beginning. A record that
// cannot be read comes as rating.Filed with Bad set, never as an error.
func (l *Ledger) Read(ctx context.Context, shard int, after string, max int) ([]rating.Filed, error) {
	if after == "" {
		after = "0-0"
	}
	began := time.Now()
	streams, err := l.redis.XRead(ctx, &redis.XReadArgs{Streams: []string{outboxKey(shard), after}, Count: int64(max), Block: -1}).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	l.Observe("outbox", time.Since(began), err)
	if err != nil {
		return nil, fmt.Errorf("read outbox %d after %s: %w", shard, after, storeError(err))
	}
	var filed []rating.Filed
	for _, s := range streams {
		for _, m := range s.Messages {
			filed = append(filed, decodeFiled(shard, m.ID, m.Values))
		}
	}
	return filed, nil
}

// Trim drops the records of a shard's outbox up to and including a position: the archive has them for good. While
// KeepOutbox holds they stay all the same, until a later Trim.
func (l *Ledger) Trim(ctx context.Context, shard int, upTo string) error {
	next, err := successor(upTo)
	if err == nil {
		_, err = l.run(ctx, trimScript, []string{outboxKey(shard), keepKey(shard)}, next)
	}
	if err != nil {
		return fmt.Errorf("trim outbox %d up to %s: %w", shard, shorten(upTo), err)
	}
	return nil
}

// successor is the smallest position after one.
func successor(position string) (string, error) {
	ms, seq, ok := strings.Cut(position, "-")
	n, err := strconv.ParseUint(seq, 10, 63)
	if _, bad := strconv.ParseUint(ms, 10, 63); !ok || err != nil || bad != nil {
		return "", fmt.Errorf("%q is no position", shorten(position))
	}
	return ms + "-" + strconv.FormatUint(n+1, 10), nil
}

// OutboxLengths returns how many records each shard's outbox holds.
func (l *Ledger) OutboxLengths(ctx context.Context) ([rating.Shards]int64, error) {
	var lengths [rating.Shards]int64
	var cmds [rating.Shards]*redis.IntCmd
	_, err := l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for shard := range cmds {
			cmds[shard] = p.XLen(ctx, outboxKey(shard))
		}
		return nil
	})
	if err != nil {
		return lengths, fmt.Errorf("length of the outbox: %w", storeError(err))
	}
	for shard, cmd := range cmds {
		lengths[shard] = cmd.Val()
	}
	return lengths, nil
}

// OutboxLength returns how many records wait for the archive.
func (l *Ledger) OutboxLength(ctx context.Context) (int64, error) {
	lengths, err := l.OutboxLengths(ctx)
	var sum int64
	for _, n := range lengths {
		sum += n
	}
	return sum, err
}
