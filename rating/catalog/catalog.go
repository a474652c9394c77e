package catalog

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// Options of a catalog. The zero value is usable.
type Options struct {
	SnapshotFile string        // where the last snapshot is kept for a start without store; "" = nowhere
	PollEvery    time.Duration // how often the store is asked for changes; default 400 ms, so that a lost message costs less than 1 s
	SaveEvery    time.Duration // the snapshot file is written at most this often; default 10 s
	FinishAfter  time.Duration // what another node began and left undone for so long is finished here; default 2 s
	Log          *slog.Logger  // default slog.Default()

	deaf     bool          // tests: no pub/sub
	patience time.Duration // tests: shorter than patience
	direct   int           // tests: smaller than maxDirect
	portion  int           // tests: smaller than batchPortion
}

const (
	defaultPollEvery   = 400 * time.Millisecond
	defaultSaveEvery   = 10 * time.Second
	defaultFinishAfter = 2 * time.Second
)

// Catalog is what operators edit. All methods are safe for concurrent use.
type Catalog struct {
	client   redis.UniversalClient
	accounts Accounts
	options  Options
	log      *slog.Logger

	view      atomic.Pointer[view]
	refresher chan *position // holds one token: where in the change log this node is; who has it may refresh
	contact   contact
	listeners listeners
	broken    brokenList
	undone    atomic.Int64 // account steps and batches that the store has, as of the last refresh

}

// New returns a catalog that shows the default settings and nothing else until Start. accounts applies the terms of
// extensions to their money; it may be nil where no extension is edited.
func New(client redis.UniversalClient, accounts Accounts, o Options) *Catalog {
	if o.PollEvery <= 0 {
		o.PollEvery = defaultPollEvery
	}
	if o.SaveEvery <= 0 {
		o.SaveEvery = defaultSaveEvery
	}
	if o.FinishAfter <= 0 {
		o.FinishAfter = defaultFinishAfter
	}
	if o.patience <= 0 {
		o.patience = patience
	}
	if o.direct <= 0 {
		o.direct, o.portion = maxDirect, batchPortion
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	c := &Catalog{client: client, accounts: accounts, options: o, log: o.Log, refresher: make(chan *position, 1)}
	c.refresher <- new(position)
	c.view.Store(newView(emptySnapshot(), 0))
	c.contact.lost(time.Now(), errNotStarted)
	return c
}

// emptySnapshot is what a new installation has.
func emptySnapshot() *rating.Snapshot {
	return rating.NewSnapshot(rating.Documents{Settings: rating.DefaultSettings(), Billing: defaultBilling()})
}

// Current returns the newest snapshot that this node has; never nil.
func (c *Catalog) Current() *rating.Snapshot { return c.view.Load().snapshot }

// Extensions returns all extensions of the current snapshot, shorter numbers first, then in the order of their
// characters: 99, 101, 102, 1001. The slice is shared: do not change it, nor what it points to.
func (c *Catalog) Extensions() []*rating.Extension { return c.view.Load().extensions() }
