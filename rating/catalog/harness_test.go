package catalog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

// ledger stands for the money side: it does what Accounts promises, remembers what it was told, and can be out of order.
type ledger struct {
	mutex    sync.Mutex
	accounts map[string]account
	calls    int // that changed something
	down     error
	busy     map[string]bool // extensions with calls up
}

type account struct {
	rating.Terms
	version         int64
	balance         rating.Money
	ref, by, called string
	closed          bool
}

func newLedger() *ledger {
	return &ledger{accounts: make(map[string]account), busy: make(map[string]bool)}
}

func (l *ledger) SetTerms(_ context.Context, extension string, terms rating.Terms, version int64, username, by string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.down != nil {
		return l.down
	}
	a, known := l.accounts[extension]
	if known && version <= a.version {
		return nil
	}
	l.calls++
	a.Terms, a.version, a.called, a.by, a.closed = terms, version, username, by, false
	l.accounts[extension] = a
	return nil
}

func (l *ledger) Open(_ context.Context, o rating.Opening) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.down != nil {
		return l.down
	}
	if a, known := l.accounts[o.Extension]; known && !a.closed {
		if a.ref == o.Ref {
			return nil
		}
		return rating.ErrAccountExists
	}
	l.calls++
	l.accounts[o.Extension] = account{o.Terms, o.Version, o.Balance, o.Ref, o.By, o.Username, false}
	return nil
}

func (l *ledger) Close(_ context.Context, extension string, version int64, by string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.down != nil {
		return l.down
	}
	a, known := l.accounts[extension]
	switch {
	case !known:
		return rating.ErrUnknownExtension
	case a.version > version:
		return nil
	case l.busy[extension]:
		return rating.ErrActiveCalls
	}
	l.calls++
	a.closed, a.balance, a.by = true, 0, by
	l.accounts[extension] = a
	return nil
}

func (l *ledger) account(number string) account {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.accounts[number]
}

func (l *ledger) set(change func()) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change()
}

// quiet keeps expected complaints out of the test's output.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// node is a running catalog.
func node(t testing.TB, client redis.UniversalClient, accounts Accounts, o Options) *Catalog {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet
	}
	c := New(client, accounts, o)
	c.Start(t.Context())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// everyStore runs a test on a real server, on the in-process engine and, with TOLLGATE_SLOW=1, on a cluster.
func everyStore(t *testing.T, f func(t *testing.T, client redis.UniversalClient)) {
	t.Run("server", func(t *testing.T) { f(t, redistest.Start(t)) })
	t.Run("memory", func(t *testing.T) { f(t, redistest.Memory(t)) })
	if os.Getenv("TOLLGATE_SLOW") != "" {
		t.Run("cluster", func(t *testing.T) { f(t, redistest.StartCluster(t)) })
	}
}

// within waits until a condition holds, and reports how long that took.
func within(t testing.TB, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("after %s still not: %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func extension(number string) rating.Extension {
	e := rating.NewExtension(number)
	e.Username = "Extension " + number
	return e
}

func rate(prefix string) rating.Rate {
	r := rating.NewRate()
	r.Prefix, r.InitialCost, r.InitialTime = prefix, rating.Unit/10, 60
	return r
}

func trunk(name string) rating.Trunk {
	t := rating.NewTrunk()
	t.Name, t.URI = name, "sip:127.0.0.1:5070"
	return t
}

func rule(prefix string, trunks ...string) rating.DialRule {
	r := rating.NewDialRule()
	r.Prefix, r.Trunks = prefix, trunks
	return r
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(1000 + i)
	}
	return list
}

func lock(e rating.Extension) (rating.Extension, error) {
	e.Status = rating.Locked
	return e, nil
}

// flush empties a store, all of a cluster.
func flush(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	one := func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() }
	var err error
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), one)
	case *redis.Client:
		err = one(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}
