package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// callEvent is an event of GET /active-calls/events about one call.
type callEvent struct {
	name string

	ID         string     `json:"id"`
	State      string     `json:"state"`
	DeadlineAt *time.Time `json:"deadline_at"`
}

// events follows the calls of a node until the test ends.
func (n *node) events() <-chan callEvent {
	n.t.Helper()
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.api+"/api/v1/active-calls/events", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		n.t.Fatalf("the stream answers %d", response.StatusCode)
	}
	events := make(chan callEvent, 1000)
	go func() {
		defer close(events)
		defer response.Body.Close()
		var name string
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			if key == "event" {
				name = value
			}
			if e := (callEvent{name: name}); key == "data" && json.Unmarshal([]byte(value), &e) == nil {
				events <- e
			}
		}
	}()
	return events
}

// until reads events until one is wanted.
func until(t *testing.T, events <-chan callEvent, limit time.Duration, what string, wanted func(callEvent) bool) callEvent {
	t.Helper()
	over := time.After(limit)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", what)
			}
			if wanted(e) {
				return e
			}
		case <-over:
			t.Fatalf("no event in %v: %s", limit, what)
		}
	}
}

// Two calls on one account share its money: their deadlines come true, before and after a recharge.
func TestDeadlinesOfCallsOnOneAccountComeTrue(t *testing.T) {
	o := newOffice(t, "")
	o.recharge(broke, "0.0800") // eight seconds of one call at 0.0100 a second, four of two
	events := o.events()
	until(t, events, 3*time.Second, "the snapshot", func(e callEvent) bool { return e.name == "snapshot" })
	phone, deadlines, ended := o.newPhone(broke), map[string]time.Time{}, map[string]time.Time{}
	for range 2 {
		if _, err := phone.Call("955500001").Answered(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	note := func(e callEvent) bool {
		if e.name == "ended" {
			ended[e.ID] = time.Now()
		} else if e.DeadlineAt != nil {
			deadlines[e.ID] = *e.DeadlineAt
		}
		return len(ended) == 2
	}
	until(t, events, 3*time.Second, "both deadlines", func(e callEvent) bool { note(e); return len(deadlines) == 2 })
	shared := time.Until(latest(deadlines))
	if shared < 1500*time.Millisecond || shared > 5*time.Second {
		t.Errorf("two calls on money for four seconds of each end in %v", shared)
	}
	o.recharge(broke, "0.0800")
	until(t, events, 2*time.Second, "later deadlines", func(e callEvent) bool { note(e); return time.Until(latest(deadlines)) > shared+3*time.Second })
	until(t, events, 15*time.Second, "the end of both", note)
	for _, c := range o.calls(2) {
		if c.EndedBy != "credit" {
			t.Errorf("call %s was ended by %s", c.ID, c.EndedBy)
		}
		if late := ended[c.ID].Sub(deadlines[c.ID]); late < 0 || late > 2*time.Second { // seen at the next look, and the cut may be 250 ms late
			t.Errorf("call %s was seen to end %v after its deadline", c.ID, late)
		}
	}
	o.proved(10 * time.Second)
}

func latest(all map[string]time.Time) (last time.Time) {
	for _, at := range all {
		if at.After(last) {
			last = at
		}
	}
	return last
}
