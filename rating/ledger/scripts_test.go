package ledger

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

// quiet swallows what the client library prints about servers that are killed on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

var scriptHead = regexp.MustCompile(`^-- [A-Z][^\n]+\.( Once\.)?\n-- KEYS  1 [^\n]+\n-- ARGV  1 [^\n]+\n(--   [^\n]+\n)*-- Reply [^\n]+\n(--   [^\n]+\n)*-- Invariant: [^\n]+`)

func TestEveryScriptSaysWhatItNeedsAnswersAndKeeps(t *testing.T) {
	files, err := fs.Glob(sources, "lua/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(sources, name)
		if err != nil {
			t.Fatal(err)
		}
		if !scriptHead.Match(text) {
			t.Errorf("%s does not begin with what it does, KEYS, ARGV, Reply and Invariant", name)
		}
		if strings.Contains(string(text), "cjson") || strings.Contains(string(text), `'{`) {
			t.Errorf("%s decodes JSON, or builds a key: keys come in KEYS", name)
		}
	}
}

func TestScriptsAreSentAgainWhenTheServerForgotThem(t *testing.T) {
	client := redistest.Start(t)
	l := New(client, Options{Node: "gw1"})
	for range 2 {
		if err := l.Heartbeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryScriptIsObserved(t *testing.T) {
	seen := make(map[string]int)
	l := New(redistest.Memory(t), Options{Node: "gw1", Observe: func(op string, took time.Duration, err error) { seen[op]++ }})
	openRich(t, l, "101")
	settleGranted(t, l, rating.Tariff{InitialCost: 1}, 0, 1, "101")
	for _, op := range []string{"terms", "authorize", "settle", "accounts"} {
		if seen[op] == 0 {
			t.Errorf("%s was not observed: %v", op, seen)
		}
	}
}

// said is an error that a server sent.
type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

func TestALostStoreIsToldFromAFault(t *testing.T) {
	for _, err := range []error{
		said("LOADING Redis is loading the dataset in memory"), said("READONLY You can't write against a read only replica."),
		said("OOM command not allowed when used memory > 'maxmemory'."), said("MISCONF Redis is configured to save RDB snapshots"),
		said("CLUSTERDOWN The cluster is down"), said("NOPERM this user has no permissions"), said("MASTERDOWN Link with MASTER is down"),
		said("ERR max number of clients reached"), context.DeadlineExceeded, net.ErrClosed, redis.ErrClosed, redis.ErrPoolTimeout,
		&net.OpError{Op: "dial", Err: errors.New("connection refused")},
	} {
		if got := storeError(err); !errors.Is(got, rating.ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	for _, err := range []error{said("WRONGTYPE Operation against a key"), said("ERR user_script:1: attempt to index"), context.Canceled} {
		if got := storeError(err); errors.Is(got, rating.ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if storeError(nil) != nil {
		t.Error("no error became one")
	}
}

func TestAStoreThatIsGoneFrozenOrFullIsUnavailable(t *testing.T) {
	server := redistest.StartServer(t)
	client := server.Client()
	l := New(client, Options{Node: "gw1"})
	openRich(t, l, "101")
	authorize := func() error {
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer stop()
		id := rating.NewCallID("101", time.Now().String(), "tag", 1)
		_, err := l.Authorize(ctx, rating.Authorization{Call: id, Extension: "101", Tariff: rating.Tariff{InitialCost: 1}, Day: "2019-05-31", Ring: time.Minute})
		return err
	}
	for name, damage := range map[string]func() (mend func()){
		"frozen": func() func() { server.Freeze(); return server.Thaw },
		"killed": func() func() { server.Kill9(); return server.Restart },
		"full": func() func() {
			client.ConfigSet(t.Context(), "maxmemory", "1")
			return func() { client.ConfigSet(t.Context(), "maxmemory", "0") }
		},
		"replica": func() func() {
			client.ReplicaOf(t.Context(), "127.0.0.1", "1")
			return func() { client.ReplicaOf(t.Context(), "NO", "ONE") }
		},
	} {
		mend := damage()
		if err := authorize(); !errors.Is(err, rating.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		mend()
		for end := time.Now().Add(5 * time.Second); authorize() != nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the ledger does not recover: %v", name, authorize())
			}
		}
	}
}
