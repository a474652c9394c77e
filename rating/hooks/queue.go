package hooks

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
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
	MaxQueued = 20_000           // deliveries that wait for one URL; no more are taken for it then
	MaxDead   = 10_000           // dead letters; the oldest give way
	lease     = 60 * time.Second // of a delivery that was taken
	onceKept  = 72 * time.Hour   // how long it is remembered that an event was queued
)

// ErrFull: MaxQueued deliveries wait already for a URL.
var ErrFull = errors.New("too many deliveries wait")

// mostLines is how many URLs Lines returns at once. The settings name fewer; the others were removed from them.
const mostLines = 64

// One hash tag, so that a script may move a delivery from one key to another, also in a Redis Cluster.
const (
	itemsKey = "{hooks}:items" // hash: id → delivery
	linesKey = "{hooks}:lines" // sorted set: URL by when the first of what waits for it is due
	dueKey   = "{hooks}:due:"  // + a hash of the URL: sorted set: id by when it is due, in ms of the store's clock
	deadKey  = "{hooks}:dead"  // sorted set: id by when it was given up
	onceKey  = "{hooks}:once:" // + id of an event: it was queued
	toldKey  = "{hooks}:told"  // hash: what was told last of something, such as the health of a trunk
)

//go:embed lua/*.lua
var sources embed.FS

// Queue is the waiting deliveries of an installation.
type Queue struct {
	client                                     redis.UniversalClient
	lines, put, take, done, later, bury, again *redis.Script
}

// New returns the queue in a store.
func New(client redis.UniversalClient) *Queue {
	read := func(name string) string {
		text, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded at build
		}
		return string(text)
	}
	load := func(name string) *redis.Script { return redis.NewScript(read("place") + read(name)) }
	return &Queue{client: client, lines: load("lines"), put: load("put"), take: load("take"), done: load("done"), later: load("later"), bury: load("bury"), again: load("again")}
}

// dueOf is the key of what waits for a URL.
func dueOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return dueKey + hex.EncodeToString(sum[:8])
}

// Put queues an event for URLs, once: an event that was queued in the last three days is not queued again. Where some URLs
// have MaxQueued deliveries waiting it is queued for the others, and ErrFull.
func (q *Queue) Put(ctx context.Context, e rating.Event, urls []string) error {
	keys, args := []string{itemsKey, onceKey + e.ID, linesKey}, []any{MaxQueued, onceKept.Milliseconds()}
	for i, url := range urls {
		d := rating.Delivery{ID: fmt.Sprintf("%s-%d", e.ID, i), URL: url, Event: e, FirstAt: time.Now().UTC()}
		text, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("encode delivery %s: %w", d.ID, err)
		}
		keys, args = append(keys, dueOf(url)), append(args, url, d.ID, text)
	}
	dropped, err := q.put.Run(ctx, q.client, keys, args...).Int()
	if err != nil {
		return fmt.Errorf("queue event %s: %w", e.ID, storeError(err))
	}
	if dropped > 0 {
		return fmt.Errorf("queue event %s: for %d of %d URLs: %w", e.ID, dropped, len(urls), ErrFull)
	}
	return nil
}

// Lines returns the URLs for which something is due, those that have waited longest first; not all where they are very many.
func (q *Queue) Lines(ctx context.Context) ([]string, error) {
	urls, err := q.lines.Run(ctx, q.client, []string{linesKey}, mostLines).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("look for deliveries: %w", storeError(err))
	}
	return urls, nil
}

// Take returns the delivery of a URL that has been due for longest, and whether there is one. It is the caller's for a
// minute.
func (q *Queue) Take(ctx context.Context, url string) (d rating.Delivery, some bool, err error) {
	text, err := q.run(ctx, q.take, url, lease.Milliseconds()).Text()
	if errors.Is(err, redis.Nil) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("take a delivery: %w", storeError(err))
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, false, fmt.Errorf("a delivery cannot be read: %w", err)
	}
	return d, true, nil
}

// Done forgets a delivery that was made.
func (q *Queue) Done(ctx context.Context, d rating.Delivery) error {
	if err := q.run(ctx, q.done, d.URL, d.ID).Err(); err != nil {
		return fmt.Errorf("finish delivery %s: %w", d.ID, storeError(err))
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
	if err := q.run(ctx, script, d.URL, d.ID, text, argument).Err(); err != nil {
		return fmt.Errorf("put back delivery %s: %w", d.ID, storeError(err))
	}
	return nil
}

// run runs a script that is about one URL.
func (q *Queue) run(ctx context.Context, script *redis.Script, url string, args ...any) *redis.Cmd {
	return script.Run(ctx, q.client, []string{itemsKey, dueOf(url), deadKey, linesKey}, append([]any{url}, args...)...)
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
	moved, err := q.run(ctx, q.again, d.URL, id, fresh).Int()
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
	var all, buried *redis.IntCmd
	_, err = q.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		all, buried = p.HLen(ctx, itemsKey), p.ZCard(ctx, deadKey)
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count deliveries: %w", storeError(err))
	}
	return all.Val() - buried.Val(), buried.Val(), nil
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
