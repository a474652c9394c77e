package catalog

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func TestUsersAreStoredOverTheVersionThatWasSeen(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		u := rating.User{Name: "bill-k3f", Role: rating.Manager, PasswordHash: "h1", CreatedAt: noon}
		for _, want := range []error{nil, rating.ErrVersion} {
			if err := c.PutUser(ctx, u); !errors.Is(err, want) {
				t.Errorf("storing a new user: %v, want %v", err, want)
			}
		}
		held := must(c.User(ctx, u.Name))(t)
		stale := held
		held.PasswordHash = "h2"
		if err := c.PutUser(ctx, held); err != nil {
			t.Error(err)
		}
		stale.Role = rating.Admin
		if err := c.PutUser(ctx, stale); !errors.Is(err, rating.ErrVersion) {
			t.Errorf("storing over a newer version: %v", err)
		}
		if u := must(c.User(ctx, u.Name))(t); u.PasswordHash != "h2" || u.Version != 2 || u.Role != rating.Manager || !u.CreatedAt.Equal(noon) {
			t.Errorf("the user is %+v", u)
		}
		if err := c.PutUser(ctx, rating.User{Name: "admin", Role: rating.Admin}); err != nil {
			t.Error(err)
		}
		client.HSet(ctx, userKind.key(), "broken", "1 {}")
		if all := must(c.Users(ctx))(t); len(all) != 2 || all[0].Name != "admin" {
			t.Errorf("the users are %+v", all)
		}
		if c.Current().Version != 0 || client.Exists(ctx, headKey).Val() != 0 {
			t.Error("users changed the version of the snapshot")
		}
		if err := c.PutSession(ctx, login("s1", u.Name, noon)); err != nil {
			t.Error(err)
		}
		if err := c.DeleteUser(ctx, u.Name); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{"user": second(c.User(ctx, u.Name)), "session": second(c.Session(ctx, "s1")), "again": c.DeleteUser(ctx, u.Name)} {
			if !errors.Is(err, rating.ErrNotFound) {
				t.Errorf("%s of a deleted user: %v", name, err)
			}
		}
	})
}

func login(hash, user string, at time.Time) rating.Session {
	return rating.Session{Hash: hash, Username: user, CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(12 * time.Hour)}
}

func TestSessionsEndForGood(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		for _, s := range []rating.Session{login("a1", "ann", noon), login("a2", "ann", noon), login("a3", "ann", noon), login("b1", "bob", noon)} {
			if err := c.PutSession(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		seen := login("a1", "ann", noon)
		seen.SeenAt = noon.Add(time.Hour)
		if err := c.PutSession(ctx, seen); err != nil {
			t.Error(err)
		}
		if s := must(c.Session(ctx, "a1"))(t); !s.SeenAt.Equal(seen.SeenAt) || s.Username != "ann" || !s.ExpiresAt.Equal(seen.ExpiresAt) {
			t.Errorf("the session is %+v", s)
		}
		if err := c.DeleteSession(ctx, "a1"); err != nil {
			t.Error(err)
		}
		if err := c.PutSession(ctx, seen); !errors.Is(err, rating.ErrNotFound) {
			t.Errorf("a request under way brought an ended session back: %v", err)
		}
		if err := c.DeleteSessions(ctx, "ann", "a2"); err != nil {
			t.Error(err)
		}
		for hash, want := range map[string]bool{"a1": false, "a2": true, "a3": false, "b1": true} {
			if _, err := c.Session(ctx, hash); (err == nil) != want {
				t.Errorf("session %s: %v", hash, err)
			}
		}
		client.HSet(ctx, sessionsKey, "x", `{"hash":"y"}`)
		if _, err := c.Session(ctx, "x"); !errors.Is(err, rating.ErrNotFound) {
			t.Errorf("a damaged session: %v", err)
		}
		if err := c.PutSession(ctx, login("late", "bob", noon.Add(40*24*time.Hour))); err != nil {
			t.Error(err)
		}
		if n := client.ZCard(ctx, lastSeenKey).Val(); n != 1 {
			t.Errorf("%d sessions are kept after a month of silence, want the new one", n)
		}
	})
}

func TestThereAreNeverMoreThanMaxSessions(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		var sessions []any
		var seen []redis.Z
		for i := range MaxSessions {
			sessions = append(sessions, fmt.Sprint("s", i), "{}")
			seen = append(seen, redis.Z{Score: float64(noon.UnixMilli() + int64(i)), Member: fmt.Sprint("s", i)})
		}
		if err := errors.Join(client.HSet(ctx, sessionsKey, sessions...).Err(), client.ZAdd(ctx, lastSeenKey, seen...).Err()); err != nil {
			t.Fatal(err)
		}
		if err := c.PutSession(ctx, login("new", "ann", noon.Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		if n := client.HLen(ctx, sessionsKey).Val(); n != MaxSessions || client.HExists(ctx, sessionsKey, "s0").Val() || !client.HExists(ctx, sessionsKey, "new").Val() {
			t.Errorf("%d sessions; the one not seen for longest must have gone for the new one", n)
		}
	})
}

func TestATokenIsFoundByTheWholeHashOnly(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		hash := "0123456789abcdef0123456789abcdef"
		token := rating.Token{ID: hash[:16], Hash: hash, Name: "crm", Role: rating.Viewer, CreatedAt: noon, CreatedBy: "admin"}
		for _, want := range []error{nil, rating.ErrConflict} {
			if err := c.PutToken(ctx, token); !errors.Is(err, want) {
				t.Errorf("storing a token: %v, want %v", err, want)
			}
		}
		if got := must(c.TokenByHash(ctx, hash))(t); got != token {
			t.Errorf("the token is %+v, want %+v", got, token)
		}
		client.HSet(ctx, tokenKind.key(), "ffffffffffffffff", "1 {}")
		for _, wrong := range []string{"", hash[:16], hash[:31] + "0", "ffffffffffffffffffffffffffffffff"} {
			if _, err := c.TokenByHash(ctx, wrong); !errors.Is(err, rating.ErrNotFound) {
				t.Errorf("hash %q: %v", wrong, err)
			}
		}
		if all := must(c.Tokens(ctx))(t); len(all) != 1 || all[0] != token {
			t.Errorf("the tokens are %+v", all)
		}
		for _, want := range []error{nil, rating.ErrNotFound} {
			if err := c.DeleteToken(ctx, token.ID); !errors.Is(err, want) {
				t.Errorf("revoking: %v, want %v", err, want)
			}
		}
		token.ID = "another"
		if err := c.PutToken(ctx, token); err == nil {
			t.Error("a token whose id is not of its hash was stored")
		}
	})
}

func TestAStoreBelongsToOneArchive(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		c := New(client, nil, Options{})
		for i, want := range []string{"", "one", "one"} {
			id := []string{"one", "one", "two"}[i]
			if already := must(c.AdoptArchive(t.Context(), id))(t); already != want {
				t.Errorf("archive %s: the store belonged to %q, want %q", id, already, want)
			}
		}
	})
}

func TestAKindIsFullAtItsLimit(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		var full []any
		for i := range MaxTrunks {
			full = append(full, fmt.Sprint("t", i), "1 {}")
		}
		client.HSet(ctx, trunkKind.key(), full...)
		if _, err := c.AddTrunk(ctx, trunk("one-more")); !errors.Is(err, rating.ErrConflict) {
			t.Errorf("one trunk too many: %v", err)
		}
	})
}
