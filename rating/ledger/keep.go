package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// KeepOutbox makes the outbox keep every record for a while, also those that are archived meanwhile, so that a backup may
// copy the archive first and read the outbox afterwards. Call it again before the time is over; a time of 0 ends it.
func (l *Ledger) KeepOutbox(ctx context.Context, keep time.Duration) error {
	_, err := l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		return eachShard(func(shard int) error {
			if keep <= 0 {
				return p.Del(ctx, keepKey(shard)).Err()
			}
			return p.Set(ctx, keepKey(shard), "a backup is under way", keep).Err()
		})
	})
	if err != nil {
		return fmt.Errorf("keep the outbox: %w", storeError(err))
	}
	return nil
}

// OutboxKept reports whether a backup needs the outbox as it is.
func (l *Ledger) OutboxKept(ctx context.Context) (bool, error) {
	n, err := l.redis.Exists(ctx, keepKey(0)).Result()
	if err != nil {
		return false, fmt.Errorf("look for a backup: %w", storeError(err))
	}
	return n == 1, nil
}
