package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
)

// Queue is where deliveries wait, in a line for each URL. A delivery that was taken is the courier's for a minute.
type Queue interface {
	Lines(ctx context.Context) (urls []string, err error)
	Take(ctx context.Context, url string) (d rating.Delivery, some bool, err error)
	Done(ctx context.Context, d rating.Delivery) error
	Later(ctx context.Context, d rating.Delivery, pause time.Duration) error
	Bury(ctx context.Context, d rating.Delivery) error
	Sizes(ctx context.Context) (waiting, dead int64, err error)
}

const (
	atOnce      = 4                      // deliveries under way to one URL
	lookEvery   = 250 * time.Millisecond // for URLs that something is due for
	giveUpAfter = 24 * time.Hour
	storeLimit  = 5 * time.Second
)

// pauses after the attempts that failed; the last one is repeated until a day is over.
var pauses = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// pauseAfter is how long a delivery waits after so many failed attempts, up to a fifth longer, so that what failed
// together is not tried again together.
func pauseAfter(attempts int) time.Duration {
	pause := pauses[min(max(attempts, 1), len(pauses))-1]
	return pause + rand.N(pause/5+1)
}

// Courier makes the deliveries that wait. Each URL has workers of its own, so a receiver that is slow, or does not answer
// at all, keeps nobody else waiting.
type Courier struct {
	queue    Queue
	sender   *Sender
	settings func() rating.Settings
	log      *slog.Logger
	results  *prometheus.CounterVec

	mu    sync.Mutex
	under map[string]int // workers, by URL
	all   sync.WaitGroup
}

// NewCourier returns a Courier that registers its metrics; settings says what webhooks there are now.
func NewCourier(q Queue, s *Sender, settings func() rating.Settings, registry prometheus.Registerer, log *slog.Logger) (*Courier, error) {
	c := &Courier{queue: q, sender: s, settings: settings, log: log, under: map[string]int{},
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_webhook_attempts_total", Help: "Requests to webhooks, by what came of them: delivered, failed, dead (given up after a day)."}, []string{"result"})}
	for _, result := range []string{"delivered", "failed", "dead"} {
		c.results.WithLabelValues(result)
	}
	size := func(name, help string, pick func(waiting, dead int64) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), storeLimit/2)
			defer cancel()
			waiting, dead, err := q.Sizes(ctx)
			if err != nil {
				return -1
			}
			return float64(pick(waiting, dead))
		})
	}
	for _, collector := range []prometheus.Collector{c.results,
		size("tollgate_webhook_waiting", "Deliveries that wait, of all nodes; -1 while the store does not answer.", func(w, _ int64) int64 { return w }),
		size("tollgate_webhook_dead_letters", "Deliveries that were given up, of all nodes; -1 while the store does not answer.", func(_, d int64) int64 { return d })} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Run delivers until ctx ends, and finishes what is under way.
func (c *Courier) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer c.all.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.look(ctx)
		}
	}
}

// look sets one more to work for each URL that something is due for, unless there are enough.
func (c *Courier) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	urls, err := c.queue.Lines(limited)
	if err != nil {
		c.complain(ctx, err)
		return
	}
	for _, url := range urls {
		if c.begin(url) {
			c.all.Go(func() { c.work(ctx, url) })
		}
	}
}

// work delivers to a URL, one after the other, until nothing is due or ctx ends.
func (c *Courier) work(ctx context.Context, url string) {
	defer c.end(url)
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, storeLimit)
		d, some, err := c.queue.Take(limited, url)
		cancel()
		if err != nil {
			c.complain(ctx, err)
		}
		if !some {
			return
		}
		c.deliver(context.WithoutCancel(ctx), d)
	}
}

// complain logs an error of the queue; a lost store is told by its own line.
func (c *Courier) complain(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, rating.ErrUnavailable) {
		c.log.Error("webhooks", "err", err)
	}
}

// deliver makes one attempt, with the URL's secret of now. A webhook that is no longer there, or no longer wants the event,
// is not told.
func (c *Courier) deliver(ctx context.Context, d rating.Delivery) {
	settings := c.settings()
	at := slices.IndexFunc(settings.Webhooks, func(w rating.Webhook) bool { return w.URL == d.URL && w.Wants(d.Event.Name) })
	if at < 0 {
		c.done(d)
		return
	}
	err := c.sender.Send(ctx, settings.Webhooks[at], d.Event, settings.WebhookAllowPrivate)
	if err == nil {
		c.results.WithLabelValues("delivered").Inc()
		c.done(d)
		return
	}
	d.Attempts, d.LastAt, d.LastError = d.Attempts+1, time.Now().UTC(), err.Error()
	if time.Since(d.FirstAt) < giveUpAfter {
		c.results.WithLabelValues("failed").Inc()
		c.log.Debug("a webhook was not delivered", "event", d.Event.Name, "id", d.Event.ID, "attempts", d.Attempts, "err", err)
		c.put(d, pauseAfter(d.Attempts))
		return
	}
	c.results.WithLabelValues("dead").Inc()
	c.log.Warn("a webhook is given up", "event", d.Event.Name, "id", d.Event.ID, "attempts", d.Attempts, "err", err)
	c.keep(func(ctx context.Context) error { return c.queue.Bury(ctx, d) })
}

func (c *Courier) done(d rating.Delivery) {
	c.keep(func(ctx context.Context) error { return c.queue.Done(ctx, d) })
}

func (c *Courier) put(d rating.Delivery, pause time.Duration) {
	c.keep(func(ctx context.Context) error { return c.queue.Later(ctx, d, pause) })
}

// keep writes down what came of a delivery. Where the store is away it is tried again in a minute, when the lease is over.
func (c *Courier) keep(write func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeLimit)
	defer cancel()
	if err := write(ctx); err != nil {
		c.complain(ctx, err)
	}
}

func (c *Courier) begin(url string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under[url] >= atOnce {
		return false
	}
	c.under[url]++
	return true
}

func (c *Courier) end(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under[url]--; c.under[url] == 0 {
		delete(c.under, url)
	}
}
