package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"tollgate/rating"
)

// Bounds of following the running calls.
const (
	feedEvery       = 500 * time.Millisecond // between two looks at the running calls
	feedSoonest     = 50 * time.Millisecond  // and at the least, when somebody has just come
	feedPatience    = 8                      // rounds that a slow reader may be behind
	mostFollowers   = 100                    // of this process
	mostPerOperator = 8                      // of one session or API token
)

// callFeed tells those who follow the running calls what changes. It looks at the calls once for all of them, and not at
// all while nobody follows. A look costs the store time: after a slow one it rests for twice as long as that took.
type callFeed struct {
	look func(context.Context) ([]rating.LiveCall, error)

	mu        sync.Mutex
	followers map[*follower]bool
	woken     chan struct{} // somebody has come, and has no snapshot yet
	looking   bool
	closed    bool
}

// follower gets rounds of events as text. Its channel is closed when it is too slow, or when the server stops.
type follower struct {
	owner  string
	rounds chan []byte
	told   bool // has had its snapshot
}

func newCallFeed(look func(context.Context) ([]rating.LiveCall, error)) *callFeed {
	return &callFeed{look: look, followers: map[*follower]bool{}, woken: make(chan struct{}, 1)}
}

// follow adds a follower; throttled where there are too many.
func (f *callFeed) follow(owner string) (*follower, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := 0
	for other := range f.followers {
		if other.owner == owner {
			of++
		}
	}
	switch {
	case f.closed:
		return nil, storeUnavailable.because("The server is stopping.")
	case of >= mostPerOperator:
		return nil, tooManyStreams("this log-in or token follows the calls %d times already", mostPerOperator)
	case len(f.followers) >= mostFollowers:
		return nil, tooManyStreams("the calls are followed %d times already", mostFollowers)
	}
	one := &follower{owner: owner, rounds: make(chan []byte, feedPatience)}
	f.followers[one] = true
	if f.looking {
		f.wake()
	} else {
		f.looking = true
		go f.run()
	}
	return one, nil
}

func (f *callFeed) wake() {
	select {
	case f.woken <- struct{}{}:
	default: // it is awake
	}
}

// leave takes a follower away.
func (f *callFeed) leave(one *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(one)
}

func (f *callFeed) drop(one *follower) {
	if f.followers[one] {
		delete(f.followers, one)
		close(one.rounds)
	}
}

// close ends all streams, for the server to stop.
func (f *callFeed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for one := range f.followers {
		f.drop(one)
	}
	f.wake()
}

// run looks and tells until nobody follows any more.
func (f *callFeed) run() {
	known := map[string][]byte{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-timer.C:
		case <-f.woken:
			time.Sleep(time.Until(last.Add(feedSoonest)))
		}
		last = time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), longestRequest)
		calls, err := f.look(ctx)
		cancel()
		if !f.tell(calls, err == nil, known) {
			return
		}
		timer.Reset(max(feedEvery, 2*time.Since(last)))
	}
}

// tell sends what has changed to those who know the rest, and everything to the others; false: nobody is left. Calls that
// are not all, because the store did not answer, take nothing away from what is known.
func (f *callFeed) tell(calls []rating.LiveCall, all bool, known map[string][]byte) bool {
	encoded := make(map[string][]byte, len(calls))
	for _, c := range calls {
		encoded[string(c.ID)], _ = json.Marshal(activeCallOf(c)) // it is made of plain fields
	}
	var changes, snapshot []byte
	if all || len(known) == 0 {
		changes = difference(known, encoded)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.followers {
		round := changes
		if !one.told {
			if snapshot == nil {
				snapshot = snapshotOf(known)
			}
			round, one.told = snapshot, true
		}
		if len(round) == 0 {
			continue
		}
		select {
		case one.rounds <- round:
		default:
			f.drop(one)
		}
	}
	f.looking = len(f.followers) > 0
	return f.looking
}

// difference turns known into now, and returns the events that say how.
func difference(known, now map[string][]byte) []byte {
	var events bytes.Buffer
	for id, text := range now {
		switch before, there := known[id]; {
		case !there:
			writeEvent(&events, "started", text)
		case !bytes.Equal(before, text):
			writeEvent(&events, "updated", text)
		}
		known[id] = text
	}
	for id, text := range known {
		if _, there := now[id]; !there {
			writeEvent(&events, "ended", text)
			delete(known, id)
		}
	}
	return events.Bytes()
}

// snapshotOf is the event that tells everything.
func snapshotOf(known map[string][]byte) []byte {
	now := struct { // as callsNow
		ServerTime time.Time         `json:"server_time"`
		Items      []json.RawMessage `json:"items"`
	}{time.Now().UTC(), make([]json.RawMessage, 0, len(known))}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		now.Items = append(now.Items, known[id])
	}
	text, _ := json.Marshal(now) // it is made of plain fields
	var event bytes.Buffer
	writeEvent(&event, "snapshot", text)
	return event.Bytes()
}
