package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// maxSessionAge is how long a session is kept at most after its last request, whoever forgot to end it.
const maxSessionAge = 30 * 24 * time.Hour

// Session returns the log-in whose token has that hash; rating.ErrNotFound. Whether it has expired is for the caller to
// see.
func (c *Catalog) Session(ctx context.Context, hash string) (rating.Session, error) {
	text, err := c.client.HGet(ctx, sessionsKey, hash).Result()
	if errors.Is(err, redis.Nil) {
		return rating.Session{}, fmt.Errorf("session: %w", rating.ErrNotFound)
	}
	if err != nil {
		return rating.Session{}, fmt.Errorf("read session: %w", storeError(err))
	}
	s, err := decodeSession(hash, text)
	if err != nil {
		return rating.Session{}, fmt.Errorf("session %w: %w", err, rating.ErrNotFound) // a damaged session opens nothing
	}
	return s, nil
}

func decodeSession(hash, text string) (s rating.Session, err error) {
	if err := json.Unmarshal([]byte(text), &s); err != nil || s.Hash != hash || s.Username == "" || s.ExpiresAt.IsZero() {
		return rating.Session{}, errForeign
	}
	return s, nil
}

// PutSession stores a session. One that was seen after it was created must be there still: else rating.ErrNotFound, so
// that a request under way does not bring back a session that was ended. Of more than MaxSessions, those end that were
// not seen for longest.
func (c *Catalog) PutSession(ctx context.Context, s rating.Session) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	login := 0
	if !s.SeenAt.After(s.CreatedAt) {
		login = 1
		if err := c.forgetSessions(ctx, s.SeenAt.Add(-maxSessionAge)); err != nil {
			return err
		}
	}
	stored, err := sessionScript.Run(ctx, c.client, []string{sessionsKey, lastSeenKey}, s.Hash, text, s.SeenAt.UnixMilli(), login, MaxSessions).Int()
	if err != nil {
		return fmt.Errorf("store session: %w", storeError(err))
	}
	if stored == 0 {
		return fmt.Errorf("session: %w", rating.ErrNotFound)
	}
	return nil
}

// forgetSessions removes sessions that were not seen since a moment.
func (c *Catalog) forgetSessions(ctx context.Context, since time.Time) error {
	old, err := c.client.ZRangeArgs(ctx, redis.ZRangeArgs{Key: lastSeenKey, ByScore: true, Start: "-inf", Stop: since.UnixMilli(), Count: 100}).Result()
	if err != nil {
		return fmt.Errorf("read old sessions: %w", storeError(err))
	}
	return c.dropSessions(ctx, old)
}

// DeleteSession ends a session. Ending one that is not there is a success.
func (c *Catalog) DeleteSession(ctx context.Context, hash string) error {
	return c.dropSessions(ctx, []string{hash})
}

// DeleteSessions ends all sessions of a user but one; "" spares none.
func (c *Catalog) DeleteSessions(ctx context.Context, username, exceptHash string) error {
	all, err := c.client.HGetAll(ctx, sessionsKey).Result()
	if err != nil {
		return fmt.Errorf("read sessions: %w", storeError(err))
	}
	var theirs []string
	for hash, text := range all {
		if s, err := decodeSession(hash, text); err != nil || s.Username == username && hash != exceptHash {
			theirs = append(theirs, hash)
		}
	}
	return c.dropSessions(ctx, theirs)
}

func (c *Catalog) dropSessions(ctx context.Context, hashes []string) error {
	if len(hashes) == 0 {
		return nil
	}
	members := make([]any, len(hashes))
	for i, h := range hashes {
		members[i] = h
	}
	_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, sessionsKey, hashes...)
		p.ZRem(ctx, lastSeenKey, members...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", storeError(err))
	}
	return nil
}
