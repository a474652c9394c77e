package ledgertest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger"
	"tollgate/rating/ledger/ledgertest"
)

const (
	loadWorkers, loadAccounts = 16, 7
	patience                  = 30 * time.Second // for one operation, with all its attempts
)

// load is workers that run calls and recharges on a few shared accounts through failing clients. Each operation is
// repeated with the same ids until it is acknowledged; what was acknowledged is kept.
type load struct {
	*testing.T
	steady   *ledger.Ledger // to look with
	mu       sync.Mutex
	calls    map[rating.CallID]rating.Settled
	paid     map[string]rating.Money // by idempotency key
	failed   int                     // attempts that had to be repeated
	patience time.Duration           // for one attempt, at most: each is given up after a random part of it
}

func newLoad(t *testing.T, client redis.UniversalClient) *load {
	t.Helper()
	l := &load{T: t, steady: ledger.New(client, ledger.Options{Node: "auditor"}), calls: map[rating.CallID]rating.Settled{}, paid: map[string]rating.Money{}, patience: 40 * time.Millisecond}
	for i := range loadAccounts {
		open(t, l.steady, fmt.Sprintf("load%d", i), rating.Money(i)*rating.Unit/3)
	}
	return l
}

// run has every worker do so many calls, each through a client of its own.
func (l *load) run(calls int, client func() redis.UniversalClient) {
	l.Helper()
	var all sync.WaitGroup
	for w := range loadWorkers {
		node := ledger.New(client(), ledger.Options{Node: "gw1"})
		all.Go(func() {
			for n := range calls {
				l.call(node, fmt.Sprintf("%d-%d", w, n))
			}
		})
	}
	all.Wait()
}

// again repeats an operation until the store has answered it: an answer is nil or a refusal of the ledger.
func (l *load) again(op func(context.Context) error) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		ctx, stop := context.WithTimeout(l.Context(), time.Duration(rand.Int64N(int64(l.patience)))+500*time.Microsecond)
		err := op(ctx)
		stop()
		if !errors.Is(err, rating.ErrUnavailable) {
			return err
		}
		l.mu.Lock()
		l.failed++
		l.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("the store did not come back")
}

var loadTariffs = []rating.Tariff{
	{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55},
	{PerUnit: 3_333, BillingUnit: 1}, {InitialTime: 30, PerUnit: 70_001, BillingUnit: 6}, {InitialCost: 50_000, PerUnit: 50_000, BillingUnit: 60},
}

func (l *load) call(node *ledger.Ledger, name string) {
	extension := fmt.Sprintf("load%d", rand.IntN(loadAccounts))
	if rand.IntN(4) == 0 {
		l.recharge(node, extension, name)
	}
	tariff := loadTariffs[rand.IntN(len(loadTariffs))]
	rate := rating.Rate{Tariff: tariff}
	id := rating.NewCallID(extension, name, "tag", uint32(l.failedSoFar()))
	a := rating.Authorization{Call: id, Extension: extension, Tariff: tariff, Day: "2019-05-31", At: time.Now(), Ring: time.Hour,
		Limits: rating.CallLimits{DailySpend: rating.Money(rand.IntN(2)) * 900 * rating.Unit}, Draft: rating.CDR{Extension: extension, Rate: &rate}}
	var g rating.Grant
	err := l.again(func(ctx context.Context) (err error) { g, err = node.Authorize(ctx, a); return err })
	if errors.Is(err, rating.ErrNoCredit) || errors.Is(err, rating.ErrLimit) {
		return
	}
	seconds := int64(0)
	if err == nil && rand.IntN(5) > 0 {
		seconds = 1 + rand.Int64N(200)
		err = l.again(func(ctx context.Context) (err error) {
			g, err = node.Answer(ctx, rating.Answer{Call: id, At: time.Now(), Dialog: []byte("dialog"), Draft: a.Draft})
			return err
		})
		for paid, _ := tariff.PaidFor(g.Units); err == nil && paid < seconds; paid, _ = tariff.PaidFor(g.Units) {
			have := g.Units
			err = l.again(func(ctx context.Context) (err error) {
				g, err = node.Extend(ctx, rating.Extend{Call: id, Extension: extension, HaveUnits: have})
				return err
			})
		}
	}
	if err != nil && !errors.Is(err, rating.ErrNoCredit) && !errors.Is(err, rating.ErrLimit) {
		l.Errorf("call %s: %v", id, err)
		return
	}
	l.settle(node, id, a, seconds, g)
}

func (l *load) settle(node *ledger.Ledger, id rating.CallID, a rating.Authorization, seconds int64, g rating.Grant) {
	s := rating.Settlement{Call: id, Ended: time.Now(), Talked: time.Duration(seconds) * time.Second, CDR: a.Draft}
	if seconds > 0 {
		s.Answered = s.Ended.Add(-s.Talked)
	}
	var settled rating.Settled
	if err := l.again(func(ctx context.Context) (err error) { settled, err = node.Settle(ctx, s); return err }); err != nil {
		l.Errorf("settle %s: %v", id, err)
		return
	}
	paid, _ := a.Tariff.PaidFor(g.Units)
	if want := a.Tariff.Cost(min(seconds, paid)); settled.Cost != want {
		l.Errorf("call %s of %d s at %+v with %d units costs %s, want %s", id, seconds, a.Tariff, g.Units, settled.Cost, want)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[id] = settled
}

func (l *load) recharge(node *ledger.Ledger, extension, name string) {
	r := rating.Recharge{Key: "key " + name, Amount: 2 * rating.Unit, By: "test", At: time.Now(),
		Payees: []rating.Payee{{Extension: extension}, {Extension: "load0"}}}
	if extension == "load0" {
		r.Payees = r.Payees[1:]
	}
	if err := l.again(func(ctx context.Context) error { _, err := node.Recharge(ctx, r); return err }); err != nil {
		l.Errorf("recharge %s: %v", r.Key, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paid[r.Key] = r.Amount * rating.Money(len(r.Payees))
}

func (l *load) done() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}

func (l *load) failedSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// check proves that everything acknowledged is in the store, once, and that the laws hold.
func (l *load) check() {
	l.Helper()
	paid := make(map[string]rating.Money)
	charged := make(map[rating.CallID]rating.Money)
	for shard := range rating.Shards {
		records, err := l.steady.Read(l.Context(), shard, "", 1_000_000)
		if err != nil {
			l.Fatal(err)
		}
		for _, f := range records {
			switch {
			case f.CDR != nil:
				charged[f.CDR.ID] += f.CDR.Cost
			case f.Entry != nil && f.Entry.Kind == rating.RechargeEntry:
				paid[f.Entry.Ref] += f.Entry.Amount
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.calls {
		if cost, ok := charged[id]; !ok || cost != s.Cost {
			l.Errorf("call %s was settled at %s; the outbox says %s, %v", id, s.Cost, cost, ok)
		}
	}
	for key, amount := range l.paid {
		if paid[key] != amount {
			l.Errorf("recharge %q paid in %s; the outbox says %s", key, amount, paid[key])
		}
	}
	if len(paid) != len(l.paid) || len(charged) != len(l.calls) {
		l.Errorf("%d recharges and %d calls were acknowledged, %d and %d are in the outbox", len(l.paid), len(l.calls), len(paid), len(charged))
	}
	ledgertest.Laws(l.T, l.steady)
	l.Logf("%d calls, %d recharges acknowledged; %d attempts failed and were repeated", len(l.calls), len(l.paid), l.failed)
}

func TestConcurrentWorkThroughFailingClients(t *testing.T) {
	server := redistest.StartServer(t, redistest.Config("appendfsync", "no"))
	l := newLoad(t, server.Client())
	l.run(20, func() redis.UniversalClient {
		client := server.Client()
		client.AddHook(unreliable())
		return client
	})
	if l.failed == 0 {
		t.Error("no attempt failed: nothing was tested")
	}
	l.check()
}

// TestKill9LosesNothingAcknowledged kills redis-server under load again and again; it syncs every write.
func TestKill9LosesNothingAcknowledged(t *testing.T) {
	slow(t)
	server := redistest.StartServer(t)
	l := newLoad(t, server.Client())
	l.patience = 2 * time.Second
	var work sync.WaitGroup
	work.Go(func() { l.run(60, func() redis.UniversalClient { return server.Client() }) })
	for range 6 {
		before := l.done()
		time.Sleep(time.Duration(300+rand.IntN(600)) * time.Millisecond)
		server.Kill9()
		server.Restart()
		t.Logf("killed after %d more calls", l.done()-before)
	}
	work.Wait()
	if l.failed == 0 {
		t.Error("no attempt failed: nothing was tested")
	}
	l.check()
}

// TestConcurrentWorkOnCluster runs the same load where accounts live on three servers.
func TestConcurrentWorkOnCluster(t *testing.T) {
	slow(t)
	cluster := redistest.NewCluster(t, redistest.Config("appendfsync", "no"))
	l := newLoad(t, cluster.Client())
	l.run(40, func() redis.UniversalClient {
		client := cluster.Client()
		client.AddHook(unreliable())
		return client
	})
	l.check()
}
