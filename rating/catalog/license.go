package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// License is the place in the store where trial and licence are remembered, and where nodes meet that share a licence.
// What the texts say is for their owner to know.
type License struct {
	client redis.UniversalClient
	node   string
}

// A node lives for nodeAlive after it was met, and is forgotten after nodeForgotten.
const (
	nodeAlive     = 10 * time.Second
	nodeForgotten = time.Hour
)

// License returns the place as this node uses it.
func (c *Catalog) License(node string) License { return License{c.client, node} }

// Name of the place among those that remember.
func (l License) Name() string { return "store" }

// Load returns what is remembered; nil where nothing is.
func (l License) Load(ctx context.Context) ([]byte, error) {
	text, err := l.client.Get(ctx, licenseKey).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the licence record: %w", storeError(err))
	}
	return text, nil
}

// Save exchanges what is remembered.
func (l License) Save(ctx context.Context, text []byte) error {
	if err := l.client.Set(ctx, licenseKey, text, 0).Err(); err != nil {
		return fmt.Errorf("write the licence record: %w", storeError(err))
	}
	return nil
}

// Meet tells the other nodes that this one lives on a device, and returns the devices of all that do.
func (l License) Meet(ctx context.Context, device []byte) (live [][]byte, err error) {
	texts, err := meetScript.Run(ctx, l.client, []string{devicesKey, devicesSeenKey}, l.node, device, nodeAlive.Milliseconds(), nodeForgotten.Milliseconds()).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("meet the other nodes: %w", storeError(err))
	}
	for _, text := range texts {
		live = append(live, []byte(text))
	}
	return live, nil
}
