package admin_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// events follows the calls; name and data of each event come out of the channel, which is closed with the stream.
func (w *world) events(headers ...header) (status int, events <-chan [2]string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), "GET", w.url+"/api/v1/active-calls/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(string(h), ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(chan [2]string, 100)
	go func() {
		defer close(out)
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		var name string
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "event":
				name = value
			case "data":
				out <- [2]string{name, value}
			}
		}
	}()
	return response.StatusCode, out
}

// next waits for an event of a name, and returns its data.
func next(t *testing.T, events <-chan [2]string, name string) object {
	t.Helper()
	limit := time.After(3 * time.Second)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", name)
			}
			if e[0] != name {
				continue
			}
			var data object
			if err := json.Unmarshal([]byte(e[1]), &data); err != nil {
				t.Fatalf("%s: %v", e[1], err)
			}
			return data
		case <-limit:
			t.Fatalf("no event %s", name)
		}
	}
}

func TestTheEventsOfCallsThatAreUp(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "username": "Ann", "billing_enabled": true})
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "10"}, "Idempotency-Key: k1")
	status, events := w.events(bearer(w.tokens[rating.Viewer]))
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	first := next(t, events, "snapshot")
	if at, err := time.Parse(time.RFC3339, first["server_time"].(string)); err != nil || time.Since(at) > time.Minute || len(first["items"].([]any)) != 0 {
		t.Errorf("snapshot %v", first)
	}
	answered := time.Now().Add(-time.Second)
	call := rating.LiveCall{ID: "c1", Extension: "101", Username: "Ann", Dialled: "9", State: rating.Talking, StartedAt: answered, AnsweredAt: &answered,
		Tariff: rating.Tariff{PerUnit: 100_000, BillingUnit: 60}, Units: 1}
	w.sip.set(call)
	started := next(t, events, "started")
	if want := answered.Add(101 * time.Minute).UTC().Format(time.RFC3339Nano); started["id"] != "c1" || started["deadline_at"] != want || started["cost_so_far"] != "0.1000" {
		t.Errorf("started %v, want the deadline %s", started, want)
	}
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "1"}, "Idempotency-Key: k2")
	if updated, want := next(t, events, "updated"), answered.Add(111*time.Minute).UTC().Format(time.RFC3339Nano); updated["deadline_at"] != want {
		t.Errorf("updated %v, want the deadline %s", updated, want)
	}
	if again := next(t, second(w.events(bearer(w.tokens[rating.Admin]))), "snapshot"); len(again["items"].([]any)) != 1 {
		t.Errorf("who comes later sees %v", again)
	}
	w.sip.set()
	if ended := next(t, events, "ended"); ended["id"] != "c1" {
		t.Errorf("ended %v", ended)
	}
}

func second[A, B any](_ A, b B) B { return b }

// set makes these the calls that are up.
func (s *sipSide) set(calls ...rating.LiveCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = calls
}

func TestAStreamEndsWithItsLogIn(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	cookie := header("Cookie: tollgate=" + w.login("admin", adminPassword))
	_, session := w.events(cookie)
	made := w.do("POST", "/tokens", object{"name": "x", "role": "viewer"})
	_, token := w.events(bearer(made.body["token"].(string)))
	next(t, session, "snapshot")
	next(t, token, "snapshot")
	w.do("DELETE", "/tokens/"+made.body["id"].(string), nil)
	w.send("POST", "/api/v1/logout", nil, cookie).expect(t, "log-out", 204, nil)
	for name, events := range map[string]<-chan [2]string{"session": session, "token": token} {
		limit := time.After(5 * time.Second)
		for open := true; open; {
			select {
			case _, open = <-events:
			case <-limit:
				t.Fatalf("the stream of the %s goes on", name)
			}
		}
	}
	if status, _ := w.events(cookie); status != 401 {
		t.Errorf("a new stream of the session: %d", status)
	}
}

func TestStreamsOfOneLogInAreBounded(t *testing.T) {
	w := newWorld(t)
	viewer := bearer(w.tokens[rating.Viewer])
	for range 8 {
		status, events := w.events(viewer)
		if status != 200 {
			t.Fatalf("status %d", status)
		}
		next(t, events, "snapshot")
	}
	r := w.send("GET", "/api/v1/active-calls/events", nil, viewer)
	if r.problem(t, "the ninth", 429, "throttled"); r.header.Get("Retry-After") == "" {
		t.Error("nothing says when to come again")
	}
	if status, _ := w.events(bearer(w.tokens[rating.Admin])); status != 200 {
		t.Errorf("somebody else gets %d", status)
	}
}
