package catalog

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	maxRounds   = 10               // readings of one refresh, before the store is called too restless
	readWait    = 3 * time.Second  // for one answer of the store
	refreshWait = 60 * time.Second // for all of a refresh
	logLength   = 1024             // versions that the change log reaches back
	maxNamed    = 256              // documents that one entry of it names
	maxRead     = 2048             // documents that are read one by one; beyond it the whole kind is
)

// position is a place in the change log.
type position struct {
	version int64
	stamp   string // of the change that made the version: two stores, or two pasts of one, never share it
	plan    int64  // version of the last change to trunks, dial rules or settings
	loaded  bool   // false: nothing has been read yet
}

// news is what the store has that a node at a position has not.
type news struct {
	word      string // SAME, RELOAD, CHANGED, BATCH
	at        position
	documents []named
	whole     []kind // of these everything must be read
}

type named struct {
	kind      kind
	id, value string
}

// Refresh brings the snapshot to the newest version in the store. It reads only what has changed, where the change log
// reaches back far enough.
func (c *Catalog) Refresh(ctx context.Context) error {
	var at *position
	select {
	case at = <-c.refresher:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { c.refresher <- at }()
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	if err := c.catchUp(ctx, at); err != nil {
		err = fmt.Errorf("refresh the catalog: %w", err)
		c.contact.lost(time.Now(), err)
		return err
	}
	c.contact.made(time.Now())
	return nil
}

// catchUp reads until a reading finds nothing missing, and publishes what it has read. What was read in one go is of
// one moment; what took many commands is not, and is brought to one by the changes made meanwhile.
func (c *Catalog) catchUp(ctx context.Context, at *position) error {
	d := newDraft(*at)
	for range maxRounds {
		n, err := c.newsSince(ctx, d.at, d.at.loaded && d.untouched())
		if err != nil {
			return err
		}
		switch {
		case n.word == "BATCH":
			if err := c.helpBatch(ctx); err != nil {
				return err
			}
			continue
		case n.word == "RELOAD" || !d.at.loaded:
			d = newDraft(n.at)
			n.whole = snapshotKindNames()
		case n.word == "SAME" && d.untouched():
			return nil
		default:
			d.at = n.at
			d.add(n.documents)
		}
		if len(n.whole) == 0 {
			c.publish(d)
			*at = d.at
			return nil
		}
		for _, k := range n.whole {
			if err := c.readWhole(ctx, k, d); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the store changed %d times while it was read", maxRounds)
}

// newsSince asks the store what has changed since a position. complete says that everything up to it is in the snapshot.
func (c *Catalog) newsSince(ctx context.Context, at position, complete bool) (news, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	args := []any{at.version, at.stamp, maxRead, flag(complete)}
	for _, k := range kinds[:snapshotKinds] {
		args = append(args, string(k.name))
	}
	values, err := changesScript.Run(ctx, c.client, snapshotKeys(), args...).Slice()
	if err != nil {
		return news{}, storeError(err)
	}
	return c.parseNews(values)
}

const newsHead = 5 // elements before the documents

func (c *Catalog) parseNews(values []any) (news, error) {
	fields := make([]string, len(values))
	for i, v := range values {
		fields[i] = fmt.Sprint(v)
	}
	if len(fields) < newsHead || (len(fields)-newsHead)%3 != 0 {
		return news{}, fmt.Errorf("unexpected reply of %d elements", len(fields))
	}
	n := news{word: fields[0], at: position{stamp: fields[2], loaded: true}}
	var faults [3]error
	n.at.version, faults[0] = strconv.ParseInt(fields[1], 10, 64)
	n.at.plan, faults[1] = strconv.ParseInt(fields[3], 10, 64)
	pending, fault := strconv.ParseInt(fields[4], 10, 64)
	faults[2] = fault
	for _, err := range faults {
		if err != nil {
			return news{}, fmt.Errorf("the head of the catalog is damaged: %w", err)
		}
	}
	c.undone.Store(pending)
	for i := newsHead; i < len(fields); i += 3 {
		if fields[i+1] == "*" {
			n.whole = append(n.whole, kind(fields[i]))
			continue
		}
		n.documents = append(n.documents, named{kind(fields[i]), fields[i+1], fields[i+2]})
	}
	return n, nil
}

// readWhole reads all documents of a kind in portions, so that no call waits for it in the store.
func (c *Catalog) readWhole(ctx context.Context, k kind, d *draft) error {
	const portion = 1000
	values := make(map[string]string)
	for cursor := uint64(0); ; {
		ctx, cancel := context.WithTimeout(ctx, readWait)
		pairs, next, err := c.client.HScan(ctx, k.key(), cursor, "", portion).Result()
		cancel()
		if err != nil {
			return fmt.Errorf("read all %s: %w", k, storeError(err))
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		if cursor = next; cursor == 0 {
			d.parts[k] = &part{whole: true, values: values}
			return nil
		}
	}
}

func snapshotKindNames() []kind {
	names := make([]kind, 0, snapshotKinds)
	for _, k := range kinds[:snapshotKinds] {
		names = append(names, k.name)
	}
	return names
}
