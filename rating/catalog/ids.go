package catalog

import (
	"context"
	"fmt"
)

// reserve takes n ids that nobody has had, above a given one, and returns the first. Ids that are not used then are lost:
// they only have to be different.
func (c *Catalog) reserve(ctx context.Context, k kind, n, above int64) (int64, error) {
	last, err := reserveScript.Run(ctx, c.client, []string{idsKey}, string(k), n, above).Int64()
	if err != nil {
		return 0, fmt.Errorf("reserve ids for %s: %w", k, storeError(err))
	}
	return last - n + 1, nil
}
