package backup

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// loadPortion is how many commands a restore sends at once.
const loadPortion = 500

// Load writes records into a store. take, where it returns true, keeps a record for itself.
func Load(ctx context.Context, client redis.UniversalClient, from io.Reader, take func(Record) (bool, error)) error {
	now, pipe := time.Now(), client.Pipeline()
	err := Read(from, func(r Record) error {
		if r.expired(now) {
			return nil
		}
		if mine, err := take(r); mine || err != nil {
			return err
		}
		if err := put(ctx, pipe, r); err != nil {
			return fmt.Errorf("key %s: %w", r.Key, err)
		}
		if pipe.Len() < loadPortion {
			return nil
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err == nil {
		_, err = pipe.Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("write the store: %w", err)
	}
	return nil
}

func put(ctx context.Context, p redis.Pipeliner, r Record) error {
	pairs := r.Type == "hash" || r.Type == "zset" || r.Type == "stream"
	if len(r.Values) == 0 || pairs && len(r.Values)%2 != 0 || r.Type == "string" && len(r.Values) != 1 {
		return fmt.Errorf("%d values cannot be a %s", len(r.Values), r.Type)
	}
	switch r.Type {
	case "string":
		p.Set(ctx, r.Key, r.Values[0], 0)
	case "hash":
		p.HSet(ctx, r.Key, r.Values)
	case "set":
		p.SAdd(ctx, r.Key, anyOf(r.Values)...)
	case "list":
		p.RPush(ctx, r.Key, anyOf(r.Values)...)
	case "stream":
		p.XAdd(ctx, &redis.XAddArgs{Stream: r.Key, ID: r.ID, Values: r.Values})
	case "zset":
		for i := 0; i < len(r.Values); i += 2 {
			score, err := strconv.ParseFloat(r.Values[i+1], 64)
			if err != nil {
				return fmt.Errorf("%q is no score", r.Values[i+1])
			}
			p.ZAdd(ctx, r.Key, redis.Z{Score: score, Member: r.Values[i]})
		}
	default:
		return fmt.Errorf("type %q is not known here", r.Type)
	}
	if r.Expires != 0 {
		p.PExpireAt(ctx, r.Key, time.UnixMilli(r.Expires))
	}
	return nil
}

func anyOf(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// Remove removes keys.
func Remove(ctx context.Context, client redis.UniversalClient, keys []string) error {
	for len(keys) > 0 {
		portion := keys[:min(len(keys), loadPortion)]
		keys = keys[len(portion):]
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range portion {
				p.Unlink(ctx, key)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("empty the store: %w", err)
		}
	}
	return nil
}
