package auditlog

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// MaxOpen bounds the changes that have begun and not ended.
const MaxOpen = 10_000

// Keys of the changes that have begun and not ended.
const (
	openKey = "{auditlog}:open" // hash: intents as JSON, by id
	dueKey  = "{auditlog}:due"  // sorted set: ids, by the millisecond of the store's clock when they are overdue
)

const maxRecovered = 1000 // intents in one Recover

//go:embed lua/*.lua
var sources embed.FS

// scripts are run where the keys are.
type scripts struct{ begin, finish *redis.Script }

func loadScripts() scripts {
	load := func(name string) *redis.Script {
		text, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded at build
		}
		return redis.NewScript(string(text))
	}
	return scripts{load("begin"), load("finish")}
}

// intent is a change that is about to be made.
type intent struct {
	Node    string             `json:"node"`  // that makes it
	BeganAt time.Time          `json:"began"` // by the node's clock
	Record  rating.AuditRecord `json:"record"`
}

// Begin notes that a node is about to make a change: r says who, what, to which object, and in After what was asked for. The
// note is durable when Begin returns. Finish takes its place; where that never comes, because the process is killed, the
// store is lost, or limit has passed, Recover makes a record of it. ErrFull where MaxOpen changes are open.
func (l *Log) Begin(ctx context.Context, node string, r rating.AuditRecord, limit time.Duration) (id string, err error) {
	id = rand.Text()
	r.ID = id
	text, err := json.Marshal(intent{node, time.Now().UTC(), bounded(r)})
	if err != nil {
		return "", fmt.Errorf("encode the intent of %s: %w", r.Action, err)
	}
	noted, err := l.scripts.begin.Run(ctx, l.client, []string{openKey, dueKey}, id, text, limit.Milliseconds(), MaxOpen).Int()
	if err != nil {
		return "", fmt.Errorf("note in the audit log what is about to change: %w", storeError(err))
	}
	if noted == 0 {
		return "", fmt.Errorf("%d changes are open: %w", MaxOpen, ErrFull)
	}
	return id, nil
}

// Finish ends what began and appends its records, in one step: none where nothing was changed. Repeating it is harmless, the
// records count once. Where the stream is full it is ErrFull, and the records are not taken.
func (l *Log) Finish(ctx context.Context, id string, records []rating.AuditRecord) error {
	args := []any{id, MaxWaiting, "always"}
	for i, r := range records {
		r.ID = id
		if i > 0 {
			r.ID = fmt.Sprintf("%s-%d", id, i+1)
		}
		text, err := json.Marshal(bounded(r))
		if err != nil {
			return fmt.Errorf("encode the audit record of %s: %w", r.Action, err)
		}
		args = append(args, text)
	}
	_, err := l.end(ctx, args)
	return err
}

func (l *Log) end(ctx context.Context, args []any) (done bool, err error) {
	n, err := l.scripts.finish.Run(ctx, l.client, []string{openKey, dueKey, streamKey}, args...).Int()
	switch {
	case err != nil:
		return false, fmt.Errorf("append to the audit log: %w", storeError(err))
	case n < 0:
		return false, ErrFull
	}
	return n == 1, nil
}

// Recover appends a record for each change that began and never ended, and returns how many: of those that are overdue, and
// of all of a node, which must not be making any now (it has just started); "" is no node. What became of such a change
// is not known, and the record says so: {"outcome":"unknown","began_at":…} and what was asked for.
func (l *Log) Recover(ctx context.Context, node string) (recovered int, err error) {
	now, err := l.client.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("read the clock of the store: %w", storeError(err))
	}
	ids, err := l.client.ZRangeByScore(ctx, dueKey, &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: maxRecovered}).Result()
	if err == nil && node != "" {
		ids, err = l.client.ZRange(ctx, dueKey, 0, MaxOpen).Result()
	}
	if err != nil {
		return 0, fmt.Errorf("look for changes that never ended: %w", storeError(err))
	}
	for _, id := range ids {
		text, err := l.client.HGet(ctx, openKey, id).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return recovered, fmt.Errorf("read what was about to change: %w", storeError(err))
		}
		var begun intent
		if err != nil || json.Unmarshal([]byte(text), &begun) != nil {
			begun = intent{Record: rating.AuditRecord{Action: "unknown"}} // ended in this moment, or written by somebody else
		}
		due, err := l.client.ZScore(ctx, dueKey, id).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return recovered, fmt.Errorf("read what was about to change: %w", storeError(err))
		}
		if begun.Node != node && due > float64(now.UnixMilli()) {
			continue
		}
		record, err := json.Marshal(unknown(begun, id))
		if err != nil {
			return recovered, fmt.Errorf("encode the audit record of %s: %w", begun.Record.Action, err)
		}
		done, err := l.end(ctx, []any{id, MaxWaiting, "open", record})
		if err != nil {
			return recovered, err
		}
		if done {
			recovered++
		}
	}
	return recovered, nil
}

// unknown is the record of a change that began and never ended.
func unknown(begun intent, id string) rating.AuditRecord {
	r := begun.Record
	r.ID = id + "-unknown" // should its maker end it all the same, that record is another
	var asked map[string]json.RawMessage
	if json.Unmarshal(r.After, &asked) != nil || asked == nil {
		asked = map[string]json.RawMessage{}
	}
	asked["outcome"] = json.RawMessage(`"unknown"`)
	if at, err := json.Marshal(begun.BeganAt); err == nil {
		asked["began_at"] = at
	}
	r.After, _ = json.Marshal(asked) // made of JSON
	return bounded(r)
}
