package hooks

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func everyStore(t *testing.T, f func(t *testing.T, client redis.UniversalClient, q *Queue)) {
	t.Run("server", func(t *testing.T) { c := redistest.Start(t); f(t, c, New(c)) })
	t.Run("memory", func(t *testing.T) { c := redistest.Memory(t); f(t, c, New(c)) })
}

func event(id string) rating.Event {
	return rating.Event{ID: id, Name: rating.CallCut, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: []byte(`{"extension":"101"}`)}
}

func put(t *testing.T, q *Queue, id string, urls ...string) {
	t.Helper()
	if err := q.Put(t.Context(), event(id), urls); err != nil {
		t.Fatal(err)
	}
}

// take takes all that is due, of all URLs.
func take(t *testing.T, q *Queue, want int) (taken []rating.Delivery) {
	t.Helper()
	urls, err := q.Lines(t.Context())
	for _, url := range urls {
		for some := true; some && err == nil; {
			var d rating.Delivery
			if d, some, err = q.Take(t.Context(), url); some {
				taken = append(taken, d)
			}
		}
	}
	if err != nil || len(taken) != want {
		t.Fatalf("took %d deliveries, want %d: %+v, %v", len(taken), want, taken, err)
	}
	return taken
}

func TestADeliveryIsTakenByOneAndFinished(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient, q *Queue) {
		put(t, q, "e1", "http://a/", "http://b/")
		put(t, q, "e1", "http://a/", "http://b/") // read twice from the outbox
		taken := take(t, q, 2)
		take(t, q, 0) // they are somebody's
		if d := taken[0]; d.Event.ID != "e1" || d.Event.Name != rating.CallCut || string(d.Event.Data) != `{"extension":"101"}` {
			t.Errorf("%+v", d)
		}
		for _, d := range taken {
			if err := q.Done(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if keys, err := client.Keys(t.Context(), "{hooks}:*").Result(); len(keys) != 1 || err != nil { // that the event was queued
			t.Errorf("%v are left, %v", keys, err)
		}
		if waiting, dead, err := q.Sizes(t.Context()); waiting != 0 || dead != 0 || err != nil {
			t.Errorf("%d wait, %d are dead, %v", waiting, dead, err)
		}
	})
}

func TestWhatADeadNodeTookIsDueAgain(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient, q *Queue) {
		put(t, q, "e1", "http://a/")
		id := take(t, q, 1)[0].ID
		past := float64(time.Now().Add(-time.Second).UnixMilli()) // a minute has passed
		client.ZAdd(t.Context(), dueOf("http://a/"), redis.Z{Member: id, Score: past})
		client.ZAdd(t.Context(), linesKey, redis.Z{Member: "http://a/", Score: past})
		if again := take(t, q, 1)[0]; again.ID != id {
			t.Errorf("took %+v", again)
		}
	})
}

func TestDeadLettersAreKeptAndSentAgain(t *testing.T) {
	everyStore(t, func(t *testing.T, _ redis.UniversalClient, q *Queue) {
		put(t, q, "e1", "http://a/")
		d := take(t, q, 1)[0]
		d.Attempts, d.LastError = 9, "404"
		if err := q.Later(t.Context(), d, 0); err != nil {
			t.Fatal(err)
		}
		d = take(t, q, 1)[0]
		if d.Attempts != 9 {
			t.Errorf("put back as %+v", d)
		}
		if err := q.Bury(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		take(t, q, 0)
		letters, total, err := q.Dead(t.Context(), 0, 10)
		if err != nil || total != 1 || len(letters) != 1 || letters[0].LastError != "404" {
			t.Fatalf("%+v, %d, %v", letters, total, err)
		}
		if _, err := q.Again(t.Context(), letters[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Again(t.Context(), letters[0].ID); !errors.Is(err, rating.ErrNotFound) {
			t.Errorf("sent again twice: %v", err)
		}
		if d := take(t, q, 1)[0]; d.Attempts != 0 {
			t.Errorf("begins with %d attempts", d.Attempts)
		}
	})
}

func TestAFinishedDeliveryIsNotPutBack(t *testing.T) { // by a node whose lease was over long ago
	everyStore(t, func(t *testing.T, _ redis.UniversalClient, q *Queue) {
		put(t, q, "e1", "http://a/")
		d := take(t, q, 1)[0]
		for _, move := range []func() error{
			func() error { return q.Done(t.Context(), d) },
			func() error { return q.Later(t.Context(), d, 0) },
			func() error { return q.Bury(t.Context(), d) },
		} {
			if err := move(); err != nil {
				t.Fatal(err)
			}
		}
		if waiting, dead, _ := q.Sizes(t.Context()); waiting != 0 || dead != 0 {
			t.Errorf("%d wait, %d are dead", waiting, dead)
		}
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	client := redistest.Start(t)
	q := New(client)
	fill := func(key, name string, n int) {
		var members []redis.Z
		for i := range n {
			members = append(members, redis.Z{Member: fmt.Sprint(name, i), Score: float64(time.Now().Add(time.Hour).UnixMilli())})
		}
		if err := client.ZAdd(t.Context(), key, members...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	fill(dueOf("http://a/"), "waiting-", MaxQueued)
	if err := q.Put(t.Context(), event("e1"), []string{"http://a/", "http://b/"}); !errors.Is(err, ErrFull) {
		t.Errorf("one more than there is room for: %v", err)
	}
	if d, some, err := q.Take(t.Context(), "http://b/"); !some || err != nil || d.URL != "http://b/" {
		t.Errorf("a URL that has room lacks its event: %+v, %v", d, err)
	}
	fill(deadKey, "older-", MaxDead)
	for i := range 3 {
		d := rating.Delivery{ID: fmt.Sprint("dead-", i)}
		client.HSet(t.Context(), itemsKey, d.ID, "{}")
		if err := q.Bury(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, total, _ := q.Dead(t.Context(), 0, 1); total != MaxDead {
		t.Errorf("%d dead letters", total)
	}
}
