package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

// Times that hold for every ledger. They are stored nowhere: all nodes must use the same.
const (
	// Horizon is how far ahead units are held on a rich account.
	Horizon = 60 * time.Second
	// burnHorizons: an account is rich while it can pay all its calls for that many horizons.
	burnHorizons = 2
	// resultsKept is how long the result of a call is remembered, for repeats of its settlement.
	resultsKept = 2 * time.Hour
	// intentKept is how long the idempotency key of a recharge is remembered.
	intentKept = 30 * 24 * time.Hour
	// preparedKept is how long a recharge's steps on the accounts are remembered: longer than any request in flight.
	preparedKept = 24 * time.Hour
	// daysKept is how long the spending of a day is remembered: a call may last seven days.
	daysKept = 9 * 24 * time.Hour
	// nodesKept is how long a node that is gone is remembered.
	nodesKept = 7 * 24 * time.Hour
)

// Options of a ledger. The zero value of a duration takes the default.
type Options struct {
	Node  string        // who we are, unique per process
	Lease time.Duration // of a talking call: how long it stays without Extend or Touch; 60 s
	// Alive is how long after its last heartbeat a node counts as alive, after which its calls are taken over; 10 s.
	Alive time.Duration
	// Steady is how long this node must have reached the store without a gap before it takes over the calls of others, so
	// that after an outage of the store their owners come back first; as Alive.
	Steady time.Duration
	// Calm is how long this node must have reached the store without a gap before it sweeps, so that after an outage
	// the owners of calls come back first; 30 s.
	Calm    time.Duration
	Observe func(op string, took time.Duration, err error) // called after every script; nil = nobody looks
	Log     *slog.Logger                                   // names records that cannot be read; nil = slog.Default()
}

// Ledger is the money of all extensions, safe for concurrent use. All methods that change money are idempotent by call
// id or idempotency key: after a timeout, call again. Where the store cannot be reached or refuses to work, errors wrap
// rating.ErrUnavailable.
type Ledger struct {
	redis redis.UniversalClient
	Options
}

// New returns a ledger on a Redis: a single server, a Sentinel or a Cluster.
func New(client redis.UniversalClient, o Options) *Ledger {
	setDefault(&o.Lease, time.Minute)
	setDefault(&o.Alive, 10*time.Second)
	setDefault(&o.Steady, o.Alive)
	setDefault(&o.Calm, 30*time.Second)
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Ledger{redis: client, Options: o}
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}

// TouchEvery is how often the leases of talking calls must be renewed.
func (l *Ledger) TouchEvery() time.Duration { return l.Lease / 3 }

// HeartbeatEvery is how often Heartbeat must be called.
func (l *Ledger) HeartbeatEvery() time.Duration { return l.Alive / 4 }

// gap is how long a node may go unseen and still count as having been here all the time. With a shorter outage of the store
// nobody's heartbeat is older than gap + HeartbeatEvery, which is less than Alive; after a longer one everybody is new, and
// takes nothing over before Steady.
func (l *Ledger) gap() time.Duration { return l.Alive / 2 }

// Ping reports whether the store answers, on every node of a cluster.
func (l *Ledger) Ping(ctx context.Context) error {
	began := time.Now()
	err := l.ping(ctx)
	l.Observe("ping", time.Since(began), err)
	if err != nil {
		return fmt.Errorf("ping the store: %w", storeError(err))
	}
	return nil
}

func (l *Ledger) ping(ctx context.Context) error {
	if cluster, ok := l.redis.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() })
	}
	return l.redis.Ping(ctx).Err()
}

// node is who acts: the one named, else the ledger's own.
func (l *Ledger) node(named string) string {
	if named != "" {
		return named
	}
	return l.Node
}

// eachShard calls f for every shard until one fails.
func eachShard(f func(shard int) error) error {
	for shard := range rating.Shards {
		if err := f(shard); err != nil {
			return err
		}
	}
	return nil
}
