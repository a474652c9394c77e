package sipctl_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
	"tollgate/sipctl/spool"
)

// world is everything that a call needs, for real: Redis, ledger, spool, a server on UDP, a phone and a carrier.
type world struct {
	t        *testing.T
	store    *redistest.Server
	ledger   *ledger.Ledger
	catalog  *catalog
	registry *prometheus.Registry
	server   *sipctl.Server
	phone    *siptest.Phone
	carrier  *siptest.Carrier
	ladder   *siptest.Ladder
	config   sipctl.Config
	dir      string
	spool    *spool.Spool
	stop     func()
	wrap     func(sipctl.Ledger) sipctl.Ledger
	log      *slog.Logger // nil: quiet
	resolver sipctl.Resolver
}

// catalog is a snapshot that a test can change.
type catalog struct {
	mu       sync.Mutex
	docs     rating.Documents
	current  atomic.Pointer[rating.Snapshot]
	accounts *ledger.Ledger
}

func (c *catalog) Current() *rating.Snapshot { return c.current.Load() }

func (c *catalog) edit(change func(*rating.Documents)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.docs)
	docs := c.docs
	docs.Extensions = append([]rating.Extension(nil), docs.Extensions...)
	c.current.Store(rating.NewSnapshot(docs))
}

func (c *catalog) CreateExtension(ctx context.Context, e rating.Extension) (rating.Extension, error) {
	if err := c.accounts.Open(ctx, rating.Opening{Extension: e.Number, Terms: e.Terms}); err != nil {
		return e, err
	}
	c.edit(func(d *rating.Documents) { d.Extensions = append(d.Extensions, e) })
	return e, nil
}

const second = time.Second

// perSecond costs a cent for every begun second.
var perSecond = rating.Tariff{PerUnit: 10_000, BillingUnit: 1}

// newWorld has one rate for everything, one trunk, the extension 101 with a balance, and is running.
func newWorld(t *testing.T, balance rating.Money, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), ladder: &siptest.Ladder{}, wrap: func(l sipctl.Ledger) sipctl.Ledger { return l }}
	w.store = redistest.StartServer(t)
	w.ledger = ledger.New(w.store.Client(), ledger.Options{Node: "gw1", Log: quiet()})
	w.carrier = must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond, Patience: 20 * time.Second, Ladder: w.ladder}, Default: siptest.Answer(20 * time.Millisecond)}))
	t.Cleanup(w.carrier.Close)
	w.catalog = &catalog{accounts: w.ledger}
	trunk := w.trunkTo("T1", w.carrier)
	rate := rating.NewRate()
	rate.ID, rate.Tariff = 1, perSecond
	rule := rating.NewDialRule()
	rule.ID, rule.Prefix, rule.Strip, rule.Trunks = 1, "9", 1, []string{"T1"}
	w.catalog.edit(func(d *rating.Documents) {
		d.Settings, d.Billing.Active = rating.DefaultSettings(), true
		d.Settings.KeepaliveInterval = 0
		d.Trunks, d.Rates, d.DialRules = []rating.Trunk{trunk}, []rating.Rate{rate}, []rating.DialRule{rule}
	})
	w.extension("101", balance, nil)
	w.config = sipctl.Config{Node: "gw1", Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"},
		Trusted: []sipctl.Trusted{{Net: netip.MustParsePrefix("127.0.0.2/32"), Identity: "from"}},
		Timers:  sipctl.Timers{T1: 100 * time.Millisecond, DrainRing: 300 * time.Millisecond, Refresh: 5 * second}}
	for _, f := range change {
		f(w)
	}
	w.start()
	w.phone = w.newPhone(siptest.PhoneConfig{})
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Log("\n" + w.ladder.String())
		}
	})
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func quiet() *slog.Logger {
	if os.Getenv("TOLLGATE_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

func (w *world) trunkTo(name string, c *siptest.Carrier) rating.Trunk {
	trunk := rating.NewTrunk()
	trunk.Name, trunk.URI, trunk.ProbeInterval, trunk.ResponseTimeout = name, "sip:"+c.Addr().String(), 0, 1
	return trunk
}

// extension adds one with a balance.
func (w *world) extension(number string, balance rating.Money, change func(*rating.Extension)) {
	w.t.Helper()
	e := rating.NewExtension(number)
	e.BillingEnabled, e.Username = true, "Extension"+number
	if change != nil {
		change(&e)
	}
	if err := w.ledger.Open(w.t.Context(), rating.Opening{Extension: number, Username: e.Username, Terms: e.Terms, Balance: balance, Ref: "test"}); err != nil {
		w.t.Fatal(err)
	}
	w.catalog.edit(func(d *rating.Documents) { d.Extensions = append(d.Extensions, e) })
}

// start runs a server, as a new process would. The returned world's stop ends it.
func (w *world) start() {
	w.t.Helper()
	var s *sipctl.Server
	var err error
	w.spool, err = spool.Open(filepath.Join(w.dir, "spool"), func(ctx context.Context, e sipctl.SpoolEntry) error { return s.Replay(ctx, e) }, sipctl.Refused, quiet())
	if err != nil {
		w.t.Fatal(err)
	}
	w.registry = prometheus.NewRegistry()
	s, err = sipctl.New(w.config, sipctl.Deps{Ledger: w.wrap(w.ledger), Catalog: w.catalog, Spool: w.spool, Registry: w.registry, Log: cmp.Or(w.log, quiet()), Resolve: w.resolver})
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = s
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = s.Run(ctx) })
	group.Go(func() { _ = w.spool.Run(ctx) })
	w.stop = sync.OnceFunc(func() { cancel(); group.Wait(); w.spool.Close() })
	for i, addr := range s.Addrs() { // the same ports after a restart
		network, _, _ := strings.Cut(w.config.Listen[i], "://")
		w.config.Listen[i] = fmt.Sprintf("%s://%s", network, addr)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func (w *world) newPhone(c siptest.PhoneConfig) *siptest.Phone {
	w.t.Helper()
	if !c.LocalIP.IsValid() {
		c.LocalIP = netip.MustParseAddr("127.0.0.2")
	}
	if !c.Server.IsValid() {
		c.Server = w.server.Addrs()[0]
		if c.Transport == "tcp" {
			c.Server = w.server.Addrs()[1]
		}
	}
	c.T1, c.Patience, c.Ladder = 100*time.Millisecond, 20*second, w.ladder
	p, err := siptest.NewPhone(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	return p
}

// cdrs waits until there are n records, and no hold is left.
func (w *world) cdrs(n int) []rating.CDR {
	w.t.Helper()
	var cdrs []rating.CDR
	for deadline := time.Now().Add(15 * second); ; time.Sleep(5 * time.Millisecond) {
		cdrs = w.filed()
		holds, err := w.ledger.Calls(w.t.Context())
		if err == nil && len(cdrs) >= n && len(holds) == 0 {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d records and %d holds, want %d and none: %+v", len(cdrs), len(holds), n, cdrs)
		}
	}
	if len(cdrs) != n {
		w.t.Fatalf("%d records, want %d: %+v", len(cdrs), n, cdrs)
	}
	return cdrs
}

func (w *world) filed() []rating.CDR {
	w.t.Helper()
	var cdrs []rating.CDR
	for shard := range rating.Shards {
		records, err := w.ledger.Read(w.t.Context(), shard, "0", 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range records {
			if r.CDR != nil {
				cdrs = append(cdrs, *r.CDR)
			}
		}
	}
	return cdrs
}

func (w *world) balance(extension string) rating.Money {
	w.t.Helper()
	a, err := w.ledger.Account(w.t.Context(), extension)
	if err != nil {
		w.t.Fatal(err)
	}
	if a.Held != 0 {
		w.t.Errorf("%s is held of %s with no call up", a.Held, extension)
	}
	return a.Balance
}

// agreed checks a record against what the carrier has seen.
func (w *world) agreed(cdr rating.CDR) {
	w.t.Helper()
	rows, _ := w.carrier.Record()
	for _, row := range rows {
		if row.CallID != cdr.CallIDB || row.Fork != 0 {
			continue
		}
		if row.Live() {
			w.t.Errorf("call %s is still up at the carrier", cdr.ID)
		}
		if !row.Agrees(cdr.Duration, 150*time.Millisecond) {
			w.t.Errorf("billed %d s, the carrier saw %v", cdr.Duration, row.Talked)
		}
		return
	}
	w.t.Errorf("the carrier has no call %s", cdr.CallIDB)
}
