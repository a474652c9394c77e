package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Portions in which the store is read, so that no command keeps it busy.
const (
	scanPortion  = 1000 // keys, fields or members asked for at once
	keyPortion   = 200  // keys read in one pipeline
	entryPortion = 500  // entries of a stream
)

// Keys returns the keys that want accepts, of all masters of a cluster. It uses no command that a managed Redis refuses.
func Keys(ctx context.Context, client redis.UniversalClient, want func(key string) bool) ([]string, error) {
	var mu sync.Mutex
	var keys []string
	seen := make(map[string]bool)
	err := eachMaster(ctx, client, func(ctx context.Context, node redis.Cmdable) error {
		for cursor := uint64(0); ; {
			page, next, err := node.Scan(ctx, cursor, "", scanPortion).Result()
			if err != nil {
				return err
			}
			mu.Lock()
			for _, key := range page {
				if !seen[key] && want(key) {
					seen[key] = true
					keys = append(keys, key)
				}
			}
			mu.Unlock()
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list the keys of the store: %w", err)
	}
	return keys, nil
}

func eachMaster(ctx context.Context, client redis.UniversalClient, f func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return f(ctx, c) })
	}
	return f(ctx, client)
}

// Dump writes keys as they are. A key that is gone is left out.
func Dump(ctx context.Context, client redis.UniversalClient, keys []string, w *Writer) error {
	for len(keys) > 0 {
		portion := keys[:min(len(keys), keyPortion)]
		keys = keys[len(portion):]
		if err := dumpPortion(ctx, client, portion, w); err != nil {
			return fmt.Errorf("read the store: %w", err)
		}
	}
	return nil
}

func dumpPortion(ctx context.Context, client redis.UniversalClient, keys []string, w *Writer) error {
	types, ttls := make([]*redis.StatusCmd, len(keys)), make([]*redis.DurationCmd, len(keys))
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			types[i], ttls[i] = p.Type(ctx, key), p.PTTL(ctx, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	first := make([]redis.Cmder, len(keys))
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			first[i] = begin(ctx, p, types[i].Val(), key)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for i, key := range keys {
		r := Record{Key: key, Type: types[i].Val()}
		if ttl := ttls[i].Val(); ttl > 0 {
			r.Expires = time.Now().Add(ttl).UnixMilli()
		}
		if err := dumpKey(ctx, client, r, first[i], w); err != nil {
			return fmt.Errorf("key %s: %w", key, err)
		}
	}
	return nil
}

// begin asks for a value, or its first portion.
func begin(ctx context.Context, p redis.Cmdable, kind, key string) redis.Cmder {
	switch kind {
	case "string":
		return p.Get(ctx, key)
	case "list":
		return p.LRange(ctx, key, 0, -1)
	case "stream":
		return p.XRangeN(ctx, key, "-", "+", entryPortion)
	}
	return portionOf(ctx, p, kind, key, 0)
}

// portionOf asks for a portion of a hash, a set or a sorted set.
func portionOf(ctx context.Context, p redis.Cmdable, kind, key string, cursor uint64) *redis.ScanCmd {
	switch kind {
	case "hash":
		return p.HScan(ctx, key, cursor, "", scanPortion)
	case "set":
		return p.SScan(ctx, key, cursor, "", scanPortion)
	case "zset":
		return p.ZScan(ctx, key, cursor, "", scanPortion)
	}
	return nil
}

// dumpKey writes a value whose first portion is there, and reads the rest of it.
func dumpKey(ctx context.Context, client redis.UniversalClient, r Record, first redis.Cmder, w *Writer) error {
	switch c := first.(type) {
	case *redis.StringCmd:
		if errors.Is(c.Err(), redis.Nil) {
			return nil
		}
		r.Values = []string{c.Val()}
		return errors.Join(c.Err(), w.Write(r))
	case *redis.StringSliceCmd:
		if len(c.Val()) == 0 {
			return c.Err()
		}
		r.Values = c.Val()
		return errors.Join(c.Err(), w.Write(r))
	case *redis.XMessageSliceCmd:
		return dumpStream(ctx, client, r, c, w)
	case *redis.ScanCmd:
		for c != nil {
			values, next, err := c.Result()
			if err != nil {
				return err
			}
			if r.Values = values; len(values) > 0 {
				if err := w.Write(r); err != nil {
					return err
				}
			}
			if next == 0 {
				return nil
			}
			c = portionOf(ctx, client, r.Type, r.Key, next)
		}
	}
	if r.Type == "none" {
		return nil
	}
	return fmt.Errorf("a %q is nothing that Tollgate writes", r.Type)
}

func dumpStream(ctx context.Context, client redis.UniversalClient, r Record, page *redis.XMessageSliceCmd, w *Writer) error {
	for {
		entries, err := page.Result()
		if err != nil {
			return err
		}
		for _, e := range entries {
			r.ID, r.Values = e.ID, nil
			for field, value := range e.Values {
				r.Values = append(r.Values, field, fmt.Sprint(value))
			}
			if err := w.Write(r); err != nil {
				return err
			}
		}
		if len(entries) < entryPortion {
			return nil
		}
		page = client.XRangeN(ctx, r.Key, "("+entries[len(entries)-1].ID, "+", entryPortion)
	}
}
