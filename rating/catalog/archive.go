package catalog

import (
	"context"
	"fmt"
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
