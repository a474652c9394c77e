package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// AdoptArchive binds the store to the archive with that id, unless it is bound already. It returns the id that the
// store had before, "" where it had none. Where that is another one, the archive is not the one whose journal this store
// continues: an empty archive may take the store's id, any other must not be used.
func (c *Catalog) AdoptArchive(ctx context.Context, id string) (already string, err error) {
	adopted, err := c.client.SetNX(ctx, archiveKey, id, 0).Result()
	if err == nil && !adopted {
		already, err = c.client.Get(ctx, archiveKey).Result()
	}
	if err != nil {
		return "", fmt.Errorf("bind the store to archive %s: %w", id, storeError(err))
	}
	return already, nil
}

// ArchiveID is the id of the archive that the store is bound to; "" where it is bound to none yet.
func (c *Catalog) ArchiveID(ctx context.Context) (string, error) {
	id, err := c.client.Get(ctx, archiveKey).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read which archive the store is bound to: %w", storeError(err))
	}
	return id, nil
}
