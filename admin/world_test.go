package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/admin"
	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/hooks"
	"tollgate/rating/ledger"
)

// world is the HTTP side over the real catalog, ledger and archive, and a stand-in for the SIP side.
type world struct {
	t       *testing.T
	url     string
	ledger  *ledger.Ledger
	catalog *catalog.Catalog
	archive *archive.Archive
	drain   *archive.Drain
	redis   *redistest.Server
	sip     *sipSide
	tokens  map[rating.Role]string
	ready   *readyState
	licence *licensing
	hooks   *hooks.Queue
}

const (
	realm         = "tollgate"
	adminPassword = "correct horse battery"
)

// sipSide stands for the calls that are up.
type sipSide struct {
	ledger *ledger.Ledger
	mu     sync.Mutex
	calls  []rating.LiveCall
	hungUp []rating.CallID
	health map[string]string
}

func (s *sipSide) Calls(ctx context.Context) ([]rating.LiveCall, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := slices.Clone(s.calls)
	for i := range calls { // each is alone on its extension
		a, err := s.ledger.Account(ctx, calls[i].Extension)
		if err != nil {
			continue
		}
		rating.Reckon(calls[i:i+1], a.Available(), time.Now())
	}
	return calls, nil
}

func (s *sipSide) HangUp(id rating.CallID) bool {
	return s.end(func(c rating.LiveCall) bool { return c.ID == id }) > 0
}

func (s *sipSide) HangUpExtension(number string) int {
	return s.end(func(c rating.LiveCall) bool { return c.Extension == number })
}

func (s *sipSide) end(which func(rating.LiveCall) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = slices.DeleteFunc(s.calls, func(c rating.LiveCall) bool {
		if which(c) {
			s.hungUp = append(s.hungUp, c.ID)
			n++
			return true
		}
		return false
	})
	return n
}

func (s *sipSide) Trunk(name string) (admin.TrunkNow, bool) {
	health, known := s.health[name]
	return admin.TrunkNow{Health: health, ActiveCalls: 2, Registration: admin.Registration{State: "off"}}, known
}

// changeLog is the audit log as the program wires it.
type changeLog struct {
	store   *auditlog.Log
	archive *archive.Archive
}

func (l changeLog) Append(ctx context.Context, r rating.AuditRecord) error {
	return l.store.Append(ctx, r)
}

func (l changeLog) Begin(ctx context.Context, r rating.AuditRecord, limit time.Duration) (string, error) {
	return l.store.Begin(ctx, "gw1", r, limit)
}

func (l changeLog) Finish(ctx context.Context, id string, records []rating.AuditRecord) error {
	return l.store.Finish(ctx, id, records)
}

func (l changeLog) AuditLog(ctx context.Context, q rating.AuditQuery) ([]rating.AuditRecord, int64, error) {
	waiting, err := l.store.Waiting(ctx)
	if err != nil {
		return nil, 0, err
	}
	return l.archive.AuditLog(ctx, q, waiting)
}

// readyState is a check that a test can make fail.
type readyState struct {
	mu  sync.Mutex
	err error
}

func (r *readyState) check(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *readyState) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// outbox is the ledger's, with the number of its shards.
type outbox struct{ *ledger.Ledger }

func (outbox) Shards() int { return rating.Shards }

// newWorld starts everything.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, func(*admin.Config) {})
}

// newWorldWith starts everything with another configuration.
func newWorldWith(t *testing.T, change func(*admin.Config)) *world {
	t.Helper()
	t.Parallel() // every world has a store of its own
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w := &world{t: t, sip: &sipSide{health: map[string]string{"FXO-1": "up"}}, tokens: map[rating.Role]string{}, ready: &readyState{}, licence: newLicensing(t, log)}
	w.redis = redistest.StartServer(t)
	client := w.redis.Client()
	w.ledger = ledger.New(client, ledger.Options{Node: "gw1", Log: log})
	w.sip.ledger = w.ledger
	w.hooks = hooks.New(client)
	w.catalog = catalog.New(client, w.ledger, catalog.Options{Log: log})
	w.catalog.Start(ctx)
	var err error
	if w.archive, err = archive.Open(ctx, archive.Options{DSN: filepath.Join(t.TempDir(), "archive.db"), Log: log}); err != nil {
		t.Fatal(err)
	}
	w.drain = &archive.Drain{Outbox: outbox{w.ledger}, Archive: w.archive}
	registry := prometheus.NewRegistry()
	config := admin.Config{Listen: "127.0.0.1:0", Realm: realm, Version: "1", PasswordCost: admin.PasswordCost{Time: 1, Memory: 64}}
	change(&config)
	server, err := admin.New(config, admin.Deps{
		Catalog: w.catalog, Operators: w.catalog, Ledger: w.ledger, Archive: w.archive, License: w.licence.keeper, AuditLog: changeLog{auditlog.New(client), w.archive}, DeadLetters: w.hooks, LiveCalls: w.sip, Trunks: w.sip,
		Ready:    []admin.ReadyCheck{{Name: "store", Check: w.ledger.Ping}, {Name: "sip", Check: w.ready.check}},
		Gatherer: registry, Registry: registry, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + server.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, w.archive.Close()); err != nil {
			t.Error(err)
		}
	})
	for _, role := range []rating.Role{rating.Admin, rating.Manager, rating.Viewer} {
		_, secret, err := admin.CreateToken(ctx, w.catalog, rating.Token{Name: string(role), Role: role, CreatedAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[role] = secret
	}
	return w
}

// reply is an answer, decoded as far as it is JSON.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// header is a line of a request's head: "Name: value".
type header string

// send makes a request with any headers; no log-in is added.
func (w *world) send(method, path string, body any, headers ...header) reply {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, w.url+path, reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(string(h), ": ")
		request.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 2 * time.Minute}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var text []byte
	if response.Header.Get("Content-Type") != "text/event-stream" { // which has no end
		if text, err = io.ReadAll(response.Body); err != nil {
			w.t.Fatal(err)
		}
	}
	r := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &r.body) // what is no object has no fields
	return r
}

// as makes an API request with the token of a role.
func (w *world) as(role rating.Role, method, path string, body any, headers ...header) reply {
	w.t.Helper()
	return w.send(method, "/api/v1"+path, body, append([]header{header("Authorization: Bearer " + w.tokens[role])}, headers...)...)
}

// do is a request of the administrator that must succeed with the usual status of its method.
func (w *world) do(method, path string, body any, headers ...header) reply {
	w.t.Helper()
	r := w.as(rating.Admin, method, path, body, headers...)
	if r.status < 200 || r.status > 299 {
		w.t.Fatalf("%s %s: %d %s", method, path, r.status, r.text)
	}
	return r
}

// file moves everything from the outbox into the archive.
func (w *world) file() {
	w.t.Helper()
	if err := w.drain.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// object is a JSON object.
type object = map[string]any

// expect compares some fields of an answer; "a.b" is inside, "items.0.a" inside a list, "items.#" its length.
func (r reply) expect(t *testing.T, name string, status int, fields object) {
	t.Helper()
	if r.status != status {
		t.Errorf("%s: status %d, want %d: %s", name, r.status, status, r.text)
		return
	}
	for path, want := range fields {
		text, _ := json.Marshal(want)
		var wanted any
		_ = json.Unmarshal(text, &wanted) // as JSON has it: numbers are float64
		if got := r.at(path); !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: %s is %v, want %v\nin %s", name, path, got, wanted, r.text)
		}
	}
}

func (r reply) at(path string) any {
	var value any = r.body
	for part := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			inner, ok := v[part]
			if !ok {
				return "(no such field)"
			}
			value = inner
		case []any:
			var i int
			if part == "#" {
				return float64(len(v))
			}
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(v) {
				return "(no such item)"
			}
			value = v[i]
		default:
			return "(nothing inside)"
		}
	}
	return value
}

// problem is what an error must look like.
func (r reply) problem(t *testing.T, name string, status int, kind string, locations ...string) {
	t.Helper()
	if r.status != status || r.body["type"] != kind || r.body["status"] != float64(status) {
		t.Errorf("%s: %d %s, want %d %s", name, r.status, r.text, status, kind)
		return
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: Content-Type %q", name, got)
	}
	if r.body["title"] == "" || r.body["detail"] == "" {
		t.Errorf("%s: a problem without words: %s", name, r.text)
	}
	for _, location := range locations {
		found := false
		faults, _ := r.body["errors"].([]any)
		for _, f := range faults {
			found = found || f.(map[string]any)["location"] == location && f.(map[string]any)["message"] != ""
		}
		if !found {
			t.Errorf("%s: no fault at %s: %s", name, location, r.text)
		}
	}
}
