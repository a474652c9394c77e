package hooks

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// Bounds of the queue.
const (
	MaxQueued = 100_000          // deliveries that wait; no more are taken then
	MaxDead   = 10_000           // dead letters; the oldest give way
	lease     = 60 * time.Second // of a delivery that was taken
	onceKept  = 72 * time.Hour   // how long it is remembered that an event was queued
)

// ErrFull: MaxQueued deliveries wait already.
var ErrFull = errors.New("too many deliveries wait")

// One hash tag, so that a script may move a delivery from one key to another, also in a Redis Cluster.
const (
	itemsKey = "{hooks}:items" // hash: id → delivery
	dueKey   = "{hooks}:due"   // sorted set: id by when it is due, in ms of the store's clock
	deadKey  = "{hooks}:dead"  // sorted set: id by when it was given up
	onceKey  = "{hooks}:once:" // + id of an event: it was queued
	toldKey  = "{hooks}:told"  // hash: what was told last of something, such as the health of a trunk
)

//go:embed lua/*.lua
var sources embed.FS

// Queue is the waiting deliveries of an installation.
type Queue struct {
	client                        redis.UniversalClient
	put, take, later, bury, again *redis.Script
}

// New returns the queue in a store.
func New(client redis.UniversalClient) *Queue {
	load := func(name string) *redis.Script {
		text, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded at build
		}
		return redis.NewScript(string(text))
	}
	return &Queue{client: client, put: load("put"), take: load("take"), later: load("later"), bury: load("bury"), again: load("again")}
}

// Put queues an event for URLs, once: an event that was queued in the last three days is not queued again.
func (q *Queue) Put(ctx context.Context, e rating.Event, urls []string) error {
	args := []any{MaxQueued, onceKept.Milliseconds()}
	for i, url := range urls {
		d := rating.Delivery{ID: fmt.Sprintf("%s-%d", e.ID, i), URL: url, Event: e, FirstAt: time.Now().UTC()}
		text, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("encode delivery %s: %w", d.ID, err)
		}
		args = append(args, d.ID, text)
	}
	queued, err := q.put.Run(ctx, q.client, []string{itemsKey, dueKey, deadKey, onceKey + e.ID}, args...).Int()
	if err != nil {
		return fmt.Errorf("queue event %s: %w", e.ID, storeError(err))
	}
	if queued < 0 {
		return fmt.Errorf("queue event %s: %w", e.ID, ErrFull)
	}
	return nil
}

// Take returns up to n deliveries that are due. They are the caller's for a minute.
func (q *Queue) Take(ctx context.Context, n int) ([]rating.Delivery, error) {
	texts, err := q.take.Run(ctx, q.client, []string{itemsKey, dueKey}, n, lease.Milliseconds()).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("take deliveries: %w", storeError(err))
	}
	var taken []rating.Delivery
	for _, text := range texts {
		var d rating.Delivery
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return taken, fmt.Errorf("a delivery cannot be read: %w", err)
		}
		taken = append(taken, d)
	}
	return taken, nil
}

// Done forgets a delivery that was made.
func (q *Queue) Done(ctx context.Context, id string) error {
	_, err := q.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, dueKey, id)
		p.ZRem(ctx, deadKey, id)
		p.HDel(ctx, itemsKey, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("finish delivery %s: %w", id, storeError(err))
	}
	return nil
}

// Later puts a delivery back, to be tried again after a pause.
func (q *Queue) Later(ctx context.Context, d rating.Delivery, pause time.Duration) error {
	return q.move(ctx, q.later, d, pause.Milliseconds())
}

// Bury makes a dead letter of a delivery.
func (q *Queue) Bury(ctx context.Context, d rating.Delivery) error {
	return q.move(ctx, q.bury, d, int64(MaxDead))
}

func (q *Queue) move(ctx context.Context, script *redis.Script, d rating.Delivery, argument int64) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	if err := script.Run(ctx, q.client, []string{itemsKey, dueKey, deadKey}, d.ID, text, argument).Err(); err != nil {
		return fmt.Errorf("put back delivery %s: %w", d.ID, storeError(err))
	}
	return nil
}

// Find returns a delivery, dead or waiting; rating.ErrNotFound.
func (q *Queue) Find(ctx context.Context, id string) (rating.Delivery, error) {
	text, err := q.client.HGet(ctx, itemsKey, id).Result()
	if errors.Is(err, redis.Nil) {
		return rating.Delivery{}, fmt.Errorf("delivery: %w", rating.ErrNotFound)
	}
	if err != nil {
		return rating.Delivery{}, fmt.Errorf("read delivery %s: %w", id, storeError(err))
	}
	var d rating.Delivery
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return rating.Delivery{}, fmt.Errorf("delivery %s cannot be read: %w", id, err)
	}
	return d, nil
}

// Again takes a dead letter back into the queue, as if it were new; rating.ErrNotFound.
func (q *Queue) Again(ctx context.Context, id string) (rating.Delivery, error) {
	d, err := q.Find(ctx, id)
	if err != nil {
		return rating.Delivery{}, err
	}
	d.Attempts, d.FirstAt = 0, time.Now().UTC()
	fresh, err := json.Marshal(d)
	if err != nil {
		return rating.Delivery{}, fmt.Errorf("encode dead letter %s: %w", id, err)
	}
	moved, err := q.again.Run(ctx, q.client, []string{itemsKey, dueKey, deadKey}, id, fresh).Int()
	if err == nil && moved == 0 {
		return rating.Delivery{}, fmt.Errorf("dead letter: %w", rating.ErrNotFound)
	}
	if err != nil {
		return rating.Delivery{}, fmt.Errorf("queue dead letter %s: %w", id, storeError(err))
	}
	return d, nil
}

// Dead returns dead letters, the latest first: those from number skip on, n at most, and how many there are.
func (q *Queue) Dead(ctx context.Context, skip, n int) (letters []rating.Delivery, total int64, err error) {
	total, err = q.client.ZCard(ctx, deadKey).Result()
	if err != nil {
		return nil, 0, fmt.Errorf("count dead letters: %w", storeError(err))
	}
	ids, err := q.client.ZRevRange(ctx, deadKey, int64(skip), int64(skip+n-1)).Result()
	if err != nil || len(ids) == 0 {
		return nil, total, storeError(err)
	}
	texts, err := q.client.HMGet(ctx, itemsKey, ids...).Result()
	if err != nil {
		return nil, 0, fmt.Errorf("read dead letters: %w", storeError(err))
	}
	for _, text := range texts {
		var d rating.Delivery
		if s, ok := text.(string); ok && json.Unmarshal([]byte(s), &d) == nil {
			letters = append(letters, d)
		}
	}
	return letters, total, nil
}

// Told returns what was told last of something; "" where nothing was.
func (q *Queue) Told(ctx context.Context, what string) (string, error) {
	said, err := q.client.HGet(ctx, toldKey, what).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what was told of %s: %w", what, storeError(err))
	}
	return said, nil
}

// Tell remembers what was told of something.
func (q *Queue) Tell(ctx context.Context, what, said string) error {
	if err := q.client.HSet(ctx, toldKey, what, said).Err(); err != nil {
		return fmt.Errorf("remember what was told of %s: %w", what, storeError(err))
	}
	return nil
}

// Sizes returns how many deliveries wait, and how many dead letters there are.
func (q *Queue) Sizes(ctx context.Context) (waiting, dead int64, err error) {
	pipe := q.client.Pipeline()
	w, d := pipe.ZCard(ctx, dueKey), pipe.ZCard(ctx, deadKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, 0, fmt.Errorf("count deliveries: %w", storeError(err))
	}
	return w.Val(), d.Val(), nil
}

// storeError wraps what kept us from the store as rating.ErrUnavailable.
func storeError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var said redis.Error
	if errors.As(err, &said) && strings.HasPrefix(said.Error(), "ERR ") {
		return err // a fault of ours
	}
	return fmt.Errorf("%w: %w", rating.ErrUnavailable, err)
}
