package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// finisherLease is how long one node alone does the steps that others left undone. It starts no portion that could
// outlast the lease, so no step is done by two nodes at times far apart.
const finisherLease = 4 * portionWait

// Finish does what was begun and left undone: it writes a committed batch to its end, and does account steps that were
// written down and not done, because the process that wrote them died or lost the
// store. Run calls it when there are some; only one node at a time does them.
//
// A step may be done again while its first doer is merely slow. The ledger takes that for a repeat, as long as the
// account was not closed and opened again in between; that is why the time for a portion is short, and why an edit
// waits before it does the step of another.
func (c *Catalog) Finish(ctx context.Context) error {
	began := time.Now()
	mine, err := c.client.SetNX(ctx, finisherKey, "1", finisherLease).Result()
	if err != nil {
		return fmt.Errorf("finish account steps: %w", storeError(err))
	}
	if !mine {
		return nil
	}
	err = c.helpBatch(ctx)
	if err == nil {
		err = c.finishAll(ctx, began.Add(finisherLease-portionWait))
	}
	if time.Since(began) < finisherLease-time.Second {
		err = errors.Join(err, storeError(c.client.Del(ctx, finisherKey).Err()))
	}
	if err != nil {
		return fmt.Errorf("finish account steps: %w", err)
	}
	return nil
}

func (c *Catalog) finishAll(ctx context.Context, until time.Time) error {
	for cursor := uint64(0); time.Now().Before(until); {
		pairs, next, err := c.client.HScan(ctx, stepsKey, cursor, "", stepPortion).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return storeError(err)
		}
		var extensions []string
		for i := 0; i+1 < len(pairs); i += 2 {
			extensions = append(extensions, pairs[i])
		}
		if len(extensions) > 0 {
			c.log.Warn("doing account steps that were left undone", "count", len(extensions))
			if err := c.finish(ctx, extensions); err != nil && !final(err) {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
	return nil
}
