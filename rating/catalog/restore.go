package catalog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// restorePortion is how many documents a restore writes at once.
const restorePortion = 1000

// SnapshotDocuments reads a snapshot file; what is not valid in it is left out.
func SnapshotDocuments(path string) (rating.Documents, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return rating.Documents{}, fmt.Errorf("snapshot file: %w", err)
	}
	var file snapshotFile
	if err := json.Unmarshal(text, &file); err != nil || file.Format != fileFormat {
		return rating.Documents{}, fmt.Errorf("snapshot file %s cannot be read (format %d): %w", path, file.Format, err)
	}
	return (&Catalog{}).soundOnly(file.Documents), nil
}

// NothingYet are the documents of an empty installation.
func NothingYet() rating.Documents {
	return rating.Documents{Settings: rating.DefaultSettings(), Billing: defaultBilling()}
}

// Restore writes documents into a store that has none, as they are. Accounts are not touched: the ledger restores its own.
func (c *Catalog) Restore(ctx context.Context, d rating.Documents) error {
	err := errors.Join(
		restoreAll(ctx, c, extensionForm, d.Extensions), restoreAll(ctx, c, rateForm, d.Rates), restoreAll(ctx, c, trunkForm, d.Trunks),
		restoreAll(ctx, c, dialRuleForm, d.DialRules), restoreAll(ctx, c, settingsForm, []rating.Settings{d.Settings}),
		restoreAll(ctx, c, billingForm, []rating.Billing{d.Billing}))
	if err != nil {
		return fmt.Errorf("restore the catalog: %w", err)
	}
	var lastRate, lastRule int64
	for _, r := range d.Rates {
		lastRate = max(lastRate, r.ID)
	}
	for _, r := range d.DialRules {
		lastRule = max(lastRule, r.ID)
	}
	if err := c.client.HSet(ctx, idsKey, string(rateKind), lastRate, string(dialRuleKind), lastRule).Err(); err != nil {
		return fmt.Errorf("restore the catalog: %w", storeError(err))
	}
	return c.restoredTo(ctx, max(d.Version, 1))
}

// RestoreExtensions adds extensions to a store that is being restored.
func (c *Catalog) RestoreExtensions(ctx context.Context, list []rating.Extension) error {
	if err := restoreAll(ctx, c, extensionForm, list); err != nil {
		return fmt.Errorf("restore extensions: %w", err)
	}
	return c.restoredTo(ctx, c.Current().Version+1)
}

// restoredTo says that the documents are now those of a version, under a new stamp, so that everybody reads all of them.
func (c *Catalog) restoredTo(ctx context.Context, version int64) error {
	_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, headKey, "version", version, "stamp", rand.Text(), "plan", version)
		p.Publish(ctx, changeChannel, version)
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore the catalog: %w", storeError(err))
	}
	return nil
}

// restoreAll writes documents of one kind. One without version gets its first.
func restoreAll[T any](ctx context.Context, c *Catalog, f form[T], docs []T) error {
	for len(docs) > 0 {
		portion := docs[:min(len(docs), restorePortion)]
		docs = docs[len(portion):]
		pairs := make([]string, 0, 2*len(portion))
		for i := range portion {
			if version := f.version(&portion[i]); *version < 1 {
				*version = 1
			}
			value, err := f.encode(&portion[i])
			if err != nil {
				return err
			}
			pairs = append(pairs, f.id(&portion[i]), value)
		}
		if err := c.client.HSet(ctx, f.kind.key(), pairs).Err(); err != nil {
			return storeError(err)
		}
	}
	return nil
}

// At returns where the edits stand: the version, and how many account steps and large batches are under way. A copy of the
// store that sees the same version before and after, and nothing under way, holds whole edits only.
func (c *Catalog) At(ctx context.Context) (version int64, underWay int64, err error) {
	pipe := c.client.Pipeline()
	head, steps, batch := pipe.HGet(ctx, headKey, "version"), pipe.HLen(ctx, stepsKey), pipe.HGet(ctx, batchKey, "state")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, 0, fmt.Errorf("read the version of the catalog: %w", storeError(err))
	}
	if version, err = head.Int64(); err != nil && !errors.Is(err, redis.Nil) {
		return 0, 0, fmt.Errorf("read the version of the catalog: %w", err)
	}
	underWay = steps.Val()
	if batch.Val() == "committed" { // one that is only being staged shows nothing yet
		underWay++
	}
	return version, underWay, nil
}

// RestoringKey is the mark of a restore: it stands in the store from its beginning to its end. While it stands nobody may serve
// from it.
const RestoringKey = "{catalog}:restoring"

// MarkRestore sets the mark, or takes it away.
func (c *Catalog) MarkRestore(ctx context.Context, underWay bool) error {
	var err error
	if underWay {
		err = c.client.Set(ctx, RestoringKey, "tollgate restore", 0).Err()
	} else {
		err = c.client.Del(ctx, RestoringKey).Err()
	}
	if err != nil {
		return fmt.Errorf("mark the store as being restored: %w", storeError(err))
	}
	return nil
}

// Restoring reports whether a restore has begun and not ended.
func (c *Catalog) Restoring(ctx context.Context) (bool, error) {
	n, err := c.client.Exists(ctx, RestoringKey).Result()
	if err != nil {
		return false, fmt.Errorf("look for an unfinished restore: %w", storeError(err))
	}
	return n == 1, nil
}
