package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/rating"
)

// calls is what a feed looks at.
type calls struct {
	takes time.Duration

	mu    sync.Mutex
	list  []rating.LiveCall
	err   error
	looks int
}

func (c *calls) look(context.Context) ([]rating.LiveCall, error) {
	time.Sleep(c.takes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	return slices.Clone(c.list), c.err
}

func (c *calls) set(err error, list ...rating.LiveCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.err = list, err
}

func (c *calls) looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looks
}

// names returns the events of the rounds that are there, such as "started a".
func (one *follower) names() (events []string) {
	for {
		select {
		case round, open := <-one.rounds:
			if !open {
				return append(events, "closed")
			}
			for event := range strings.SplitSeq(strings.TrimSpace(string(round)), "\n\n") {
				name, data, _ := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
				for _, id := range []string{"a", "b"} {
					if strings.Contains(data, `"id":"`+id+`"`) {
						name += " " + id
					}
				}
				events = append(events, name)
			}
		default:
			slices.Sort(events)
			return events
		}
	}
}

func (one *follower) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := one.names(); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
}

func TestFollowersAreToldWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := rating.LiveCall{ID: "a", State: rating.Ringing}, rating.LiveCall{ID: "b", State: rating.Ringing}
		now := &calls{list: []rating.LiveCall{a}}
		feed := newCallFeed(now.look)
		time.Sleep(time.Minute)
		if now.looked() != 0 {
			t.Errorf("%d looks while nobody follows", now.looked())
		}
		first, err := feed.follow("x")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first.expect(t, "at once", "snapshot a")
		time.Sleep(10 * time.Second)
		first.expect(t, "while nothing changes")
		a.State = rating.Talking
		now.set(nil, a, b)
		time.Sleep(feedEvery + time.Millisecond)
		first.expect(t, "a round later", "started b", "updated a")
		second, err := feed.follow("x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(feedSoonest + time.Millisecond)
		second.expect(t, "who comes later", "snapshot a b")
		first.expect(t, "is no news for the others")
		now.set(errors.New("the store does not answer"), b)
		time.Sleep(time.Second)
		first.expect(t, "what this node alone knows takes nothing away")
		third, err := feed.follow("x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(feedSoonest + time.Millisecond)
		third.expect(t, "nor does it for who comes then", "snapshot a b")
		now.set(nil, b)
		time.Sleep(feedEvery + time.Millisecond)
		first.expect(t, "the store is back", "ended a")
		for _, one := range []*follower{first, second, third} {
			feed.leave(one)
		}
		before := now.looked()
		time.Sleep(time.Minute)
		if now.looked() > before+1 {
			t.Errorf("%d looks after all have left", now.looked()-before)
		}
		again, err := feed.follow("x")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		again.expect(t, "it begins anew", "snapshot b")
		feed.close()
		again.expect(t, "the server stops", "closed")
		if _, err := feed.follow("x"); err == nil {
			t.Error("somebody may follow a server that stops")
		}
		time.Sleep(time.Second)
	})
}

func TestSlowReadersAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := &calls{}
		feed := newCallFeed(now.look)
		slow, err := feed.follow("slow")
		if err != nil {
			t.Fatal(err)
		}
		quick, err := feed.follow("quick")
		if err != nil {
			t.Fatal(err)
		}
		for i := range feedPatience + 2 {
			now.set(nil, rating.LiveCall{ID: "a", Held: rating.Money(i)})
			time.Sleep(feedEvery + time.Millisecond)
			quick.names()
		}
		events := slow.names()
		if len(events) != feedPatience+1 || events[len(events)-1] != "closed" {
			t.Errorf("the slow one got %q", events)
		}
		now.set(nil)
		time.Sleep(feedEvery + time.Millisecond)
		quick.expect(t, "the other goes on", "ended a")
		feed.leave(slow)
		feed.leave(quick)
		time.Sleep(feedEvery + time.Millisecond)
	})
}

func TestSlowLooksLeaveTheStoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := &calls{takes: time.Second}
		feed := newCallFeed(now.look)
		one, err := feed.follow("x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if now.looked() < 18 || now.looked() > 21 {
			t.Errorf("%d looks of a second in a minute, want one in three seconds", now.looked())
		}
		feed.leave(one)
		time.Sleep(5 * time.Second)
	})
}

func TestFollowersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := newCallFeed((&calls{}).look)
		var all []*follower
		for i := range mostFollowers {
			one, err := feed.follow(string(rune('A' + i/mostPerOperator)))
			if err != nil {
				t.Fatalf("follower %d: %v", i, err)
			}
			if all = append(all, one); i == mostPerOperator-1 {
				if _, err := feed.follow("A"); problemOf(err).Type != "throttled" {
					t.Errorf("one too many of a log-in: %v", err)
				}
			}
		}
		if _, err := feed.follow("somebody else"); problemOf(err).Type != "throttled" || problemOf(err).header.Get("Retry-After") == "" {
			t.Errorf("one too many in all: %v", err)
		}
		feed.leave(all[0])
		if _, err := feed.follow("somebody else"); err != nil {
			t.Errorf("after one has left: %v", err)
		}
		feed.close()
		time.Sleep(feedEvery + time.Millisecond)
	})
}
