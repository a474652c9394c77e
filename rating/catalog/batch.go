package catalog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// A batch of many documents would keep the store busy for so long, in one script, that calls would run out of paid time
// meanwhile. So it goes in portions: its kind is reserved, the documents are staged where nobody sees them, one small
// step commits them, then they are written, and the version that shows them to the nodes comes last. Until the commit
// nothing has happened; after it any node writes the rest.
const (
	maxDirect    = 1000             // documents that one script writes
	batchPortion = 200              // documents of a staging or writing step
	batchPulse   = 30 * time.Second // without a sign of life for so long, a batch that is not committed is forgotten
)

// errBatch says that the kind is reserved.
var errBatch = fmt.Errorf("%w: a large import is being written", rating.ErrConflict)

// storeBatch writes a large batch. prepare is called under the reservation, so what it reads stays true.
func (c *Catalog) storeBatch(ctx context.Context, k kind, prepare func(context.Context) (write, error)) error {
	id := rand.Text()
	mine, err := batchBeginScript.Run(ctx, c.client, []string{batchKey}, id, string(k), batchPulse.Milliseconds()).Int()
	if err != nil {
		return storeError(err)
	}
	if mine == 0 {
		return errBatch
	}
	w, err := prepare(ctx)
	if err == nil {
		err = c.noSteps(ctx, w)
	}
	if err == nil {
		err = c.stage(ctx, id, w)
	}
	if err == nil {
		err = c.commitBatch(ctx, id, w)
	}
	if err != nil {
		return errors.Join(err, c.dropBatch(context.WithoutCancel(ctx), id))
	}
	return c.applyBatch(context.WithoutCancel(ctx), id, k)
}

func stagedKey(batch string) string { return batchKey + ":" + batch }

// noSteps reports an account step that stands in the way. New ones cannot come up under the reservation.
func (c *Catalog) noSteps(ctx context.Context, w write) error {
	if w.kind != extensionKind {
		return nil
	}
	there, err := c.client.HKeys(ctx, stepsKey).Result()
	if err != nil || len(there) == 0 {
		return storeError(err)
	}
	mine := make(map[string]bool, len(w.documents))
	for _, d := range w.documents {
		mine[d.id] = true
	}
	for _, id := range there {
		if mine[id] {
			return pending{id}
		}
	}
	return nil
}

func (c *Catalog) stage(ctx context.Context, id string, w write) error {
	for from := 0; from < len(w.documents); from += c.options.portion {
		args := []any{id, batchPulse.Milliseconds()}
		for _, d := range w.documents[from:min(from+c.options.portion, len(w.documents))] {
			args = append(args, d.id, d.value, d.step)
		}
		there, err := batchStageScript.Run(ctx, c.client, []string{batchKey, stagedKey(id)}, args...).Int()
		if err != nil {
			return storeError(err)
		}
		if there == 0 {
			return errBatchLapsed
		}
	}
	return nil
}

var errBatchLapsed = fmt.Errorf("%w: the import took too long to reach the store", rating.ErrUnavailable)

// commitBatch makes the batch certain. When the answer is lost, nobody knows whether it is: then it is left to itself,
// and lapses or is applied.
func (c *Catalog) commitBatch(ctx context.Context, id string, w write) error {
	added := 0
	for _, d := range w.documents {
		if d.over == 0 {
			added++
		}
	}
	words, err := batchCommitScript.Run(ctx, c.client, []string{batchKey, stagedKey(id), w.kind.key()}, id, added, w.kind.most()).StringSlice()
	switch {
	case err != nil:
		return storeError(err)
	case words[0] == "OK":
		return nil
	case words[0] == "FULL":
		return errFull(w.kind)
	}
	return errBatchLapsed
}

// applyBatch writes what is left of a committed batch.
func (c *Catalog) applyBatch(ctx context.Context, id string, k kind) error {
	keys := []string{batchKey, stagedKey(id), headKey, logKey, stepsKey, k.key()}
	for {
		ctx, cancel := context.WithTimeout(ctx, readWait)
		more, err := batchApplyScript.Run(ctx, c.client, keys, id, rand.Text(), logLength, changeChannel, c.options.portion).Int()
		cancel()
		if err != nil {
			return fmt.Errorf("the import is certain, and will be written to its end: %w", storeError(err))
		}
		if more == 0 {
			return nil
		}
	}
}

// helpBatch writes what is left of the batch that is committed, if there is one.
func (c *Catalog) helpBatch(ctx context.Context) error {
	fields, err := c.client.HMGet(ctx, batchKey, "id", "kind", "state").Result()
	if err != nil {
		return storeError(err)
	}
	id, _ := fields[0].(string)
	name, _ := fields[1].(string)
	if state, _ := fields[2].(string); state != "committed" || kind(name).number() == 0 {
		return nil
	}
	return c.applyBatch(ctx, id, kind(name))
}

// dropBatch ends a reservation, unless the batch is committed.
func (c *Catalog) dropBatch(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	err := c.client.Watch(ctx, func(tx *redis.Tx) error {
		fields, err := tx.HMGet(ctx, batchKey, "id", "state").Result()
		if err != nil || fields[0] != id || fields[1] != "staging" {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, batchKey, stagedKey(id))
			return nil
		})
		return err
	}, batchKey)
	if errors.Is(err, redis.TxFailedErr) {
		return nil
	}
	return storeError(err)
}
