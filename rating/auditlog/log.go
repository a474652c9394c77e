package auditlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// Bounds of the log in the store.
const (
	MaxWaiting = 10_000   // records that the archive has not taken; no more are appended then
	MaxDetail  = 32 << 10 // bytes of Before, and of After; larger ones are replaced by their size
	maxText    = 1000     // bytes of each other field; the rest is cut off
	readPage   = 1000
)

// ErrFull says that MaxWaiting records wait for the archive already.
var ErrFull = errors.New("the audit log is full because the archive takes nothing: see to the archive")

const (
	streamKey = "{auditlog}:stream"
	field     = "record" // of an item of the stream: the record as JSON
)

// Log is the audit log of an installation as far as the archive has not taken it.
type Log struct {
	client  redis.UniversalClient
	scripts scripts
}

// New returns the log in a store: a single server, a Sentinel or a Cluster.
func New(client redis.UniversalClient) *Log { return &Log{client, loadScripts()} }

// Append takes a record; it is durable when Append returns. Where the store cannot be reached the error wraps
// rating.ErrUnavailable, and the record may have been taken: append it again with the same ID, and it counts once. An
// empty ID is made up. At is the store's clock, whatever the record says.
func (l *Log) Append(ctx context.Context, r rating.AuditRecord) error {
	text, err := json.Marshal(bounded(r))
	if err != nil {
		return fmt.Errorf("encode the audit record of %s: %w", r.Action, err)
	}
	waiting, err := l.client.XLen(ctx, streamKey).Result()
	if err == nil && waiting >= MaxWaiting {
		return ErrFull
	}
	if err == nil {
		err = l.client.XAdd(ctx, &redis.XAddArgs{Stream: streamKey, Values: []any{field, text}}).Err()
	}
	if err != nil {
		return fmt.Errorf("append to the audit log: %w", storeError(err))
	}
	return nil
}

// bounded is a record that can be kept.
func bounded(r rating.AuditRecord) rating.AuditRecord {
	if r.ID == "" {
		r.ID = rand.Text()
	}
	for _, text := range []*string{&r.ID, (*string)(&r.Role), &r.Actor, &r.Address, &r.Action, &r.Object} {
		*text = strings.ToValidUTF8(strings.ReplaceAll((*text)[:min(len(*text), maxText)], "\x00", "\uFFFD"), "\uFFFD")
	}
	for _, detail := range []*json.RawMessage{&r.Before, &r.After} {
		if len(*detail) > MaxDetail {
			*detail = fmt.Appendf(nil, `{"too_large":true,"bytes":%d}`, len(*detail))
		}
	}
	return r
}

// Read returns up to max records that come after a position; "" is the beginning. What cannot be read comes with Bad set.
func (l *Log) Read(ctx context.Context, after string, max int) ([]rating.Filed, error) {
	if after == "" {
		after = "0-0"
	}
	streams, err := l.client.XRead(ctx, &redis.XReadArgs{Streams: []string{streamKey, after}, Count: int64(max), Block: -1}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the audit log after %s: %w", after, storeError(err))
	}
	var filed []rating.Filed
	for _, s := range streams {
		for _, m := range s.Messages {
			filed = append(filed, decode(m))
		}
	}
	return filed, nil
}

// Waiting returns every record that the store still holds, MaxWaiting and those of a few nodes at the most. The archive
// may have taken some of them already.
func (l *Log) Waiting(ctx context.Context) ([]rating.Filed, error) {
	var all []rating.Filed
	for after := ""; len(all) < 2*MaxWaiting; {
		page, err := l.Read(ctx, after, readPage)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			break
		}
		after = page[len(page)-1].Position
	}
	return all, nil
}

// Trim drops the records up to and including a position: the archive has them for good.
func (l *Log) Trim(ctx context.Context, upTo string) error {
	before, number, ok := strings.Cut(upTo, "-")
	n, err := strconv.ParseUint(number, 10, 63)
	if _, bad := strconv.ParseUint(before, 10, 63); !ok || err != nil || bad != nil {
		return fmt.Errorf("trim the audit log: %q is no position", upTo[:min(len(upTo), 40)])
	}
	if err := l.client.XTrimMinID(ctx, streamKey, fmt.Sprintf("%s-%d", before, n+1)).Err(); err != nil {
		return fmt.Errorf("trim the audit log up to %s: %w", upTo, storeError(err))
	}
	return nil
}

// Continue makes the log go on behind a position that the archive has, whatever the clock of a restored store says.
func (l *Log) Continue(ctx context.Context, position string) error {
	before, number, _ := strings.Cut(position, "-")
	n, err := strconv.ParseUint(number, 10, 63)
	if err == nil {
		next := fmt.Sprintf("%s-%d", before, n+1)
		_, err = l.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.XAdd(ctx, &redis.XAddArgs{Stream: streamKey, ID: next, Values: []any{field, "restored"}})
			p.XDel(ctx, streamKey, next)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("continue the audit log behind %s: %w", position[:min(len(position), 40)], storeError(err))
	}
	return nil
}

// decode reads an item of the stream. Its position says when the store took it.
func decode(m redis.XMessage) rating.Filed {
	f := rating.Filed{Shard: rating.AuditShard, Position: m.ID}
	text, _ := m.Values[field].(string)
	var r rating.AuditRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		f.Bad, f.Raw = "the audit record cannot be read: "+err.Error(), text
		return f
	}
	before, _, _ := strings.Cut(m.ID, "-")
	ms, err := strconv.ParseInt(before, 10, 64)
	if err != nil {
		f.Bad, f.Raw = "its position is no position", text
		return f
	}
	for _, detail := range []*json.RawMessage{&r.Before, &r.After} {
		if string(*detail) == "null" {
			*detail = nil
		}
	}
	r.At = time.UnixMilli(ms).UTC()
	f.Audit = &r
	return f
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
