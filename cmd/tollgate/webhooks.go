package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/admin/webhook"
	"tollgate/rating"
	"tollgate/rating/hooks"
	"tollgate/sipctl"
)

// announcer queues events for the webhooks that want them. It is used where records go to the archive, and by who watches
// trunks and licence; never by a call.
type announcer struct {
	queue    *hooks.Queue
	settings func() rating.Settings
	log      *slog.Logger
	queued   *prometheus.CounterVec
	dropped  prometheus.Counter
	now      func() time.Time
}

// staleEvent is the age from which an event is not told any more: it was told when it was young, or nobody cares.
const staleEvent = 48 * time.Hour

// openWebhooks makes the queue of events and the courier that tells them.
func (a *app) openWebhooks(context.Context) (err error) {
	settings := func() rating.Settings { return a.catalog.Current().Settings }
	a.hooks = hooks.New(a.store.Client)
	if a.courier, err = webhook.NewCourier(a.hooks, webhook.NewSender(), settings, a.registry, a.log); err != nil {
		return err
	}
	a.announcer = &announcer{queue: a.hooks, settings: settings, log: a.log, now: time.Now,
		queued:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_webhook_events_total", Help: "Events that some webhook wants, as this node came upon them; one that several nodes come upon is delivered once."}, []string{"event"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "tollgate_webhook_events_dropped_total", Help: "Events that some webhook is not told of, because 20000 wait for its URL already."})}
	for _, name := range rating.EventNames() {
		a.announcer.queued.WithLabelValues(string(name))
	}
	a.registry.MustRegister(a.announcer.queued, a.announcer.dropped)
	return nil
}

// announce queues an event, once, however often it is announced. An error says that the store did not take it.
func (n *announcer) announce(ctx context.Context, e rating.Event) error {
	var urls []string
	for _, hook := range n.settings().Webhooks {
		if hook.Wants(e.Name) && !slices.Contains(urls, hook.URL) {
			urls = append(urls, hook.URL)
		}
	}
	if len(urls) == 0 || n.now().Sub(e.At) > staleEvent {
		return nil
	}
	err := n.queue.Put(ctx, e, urls)
	full := errors.Is(err, hooks.ErrFull)
	if err != nil && !full {
		return err
	}
	n.queued.WithLabelValues(string(e.Name)).Inc()
	if full {
		n.dropped.Inc()
		n.log.Error("a webhook is not told of an event; see to the receivers of the webhooks", "event", e.Name, "err", err)
	}
	return nil
}

// tellingOutbox is the outbox, and announces what its records have to tell when the archive reads them. A record that is
// read again tells the same events, and they are queued once.
type tellingOutbox struct {
	*outbox
	announcer *announcer
}

// Read returns records. They are read again later when their events cannot be queued.
func (o tellingOutbox) Read(ctx context.Context, shard int, after string, most int) ([]rating.Filed, error) {
	records, err := o.outbox.Read(ctx, shard, after, most)
	settings := o.announcer.settings()
	if err != nil || len(settings.Webhooks) == 0 {
		return records, err
	}
	for _, f := range records {
		for _, e := range rating.EventsOf(f, settings.LowBalanceThreshold) {
			if err := o.announcer.announce(ctx, e); err != nil {
				return nil, err
			}
		}
	}
	return records, nil
}

const (
	trunksEvery = 500 * time.Millisecond // how often the health of trunks is looked at
	tellLimit   = 5 * time.Second
)

// trunkData is what webhooks are told of a trunk.
type trunkData struct {
	Trunk string `json:"trunk"`
	URI   string `json:"uri"`
	Node  string `json:"node"` // that sees it so
}

// trunkWatch announces trunks that this node does not reach any more, and those that it reaches again. What was told last
// is kept in the store, so that a restart neither repeats it nor swallows the end of it.
type trunkWatch struct {
	*app
	told map[string]string // by trunk
}

func (a *app) watchTrunks(ctx context.Context) error {
	w := trunkWatch{a, map[string]string{}}
	return every(trunksEvery, w.look)(ctx)
}

func (w trunkWatch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	for _, t := range w.sip.Trunks() {
		now := string(t.Health)
		if t.Health == sipctl.HealthUnknown || w.told[t.Name] == now {
			continue
		}
		if err := w.tell(ctx, t.Name, now); err != nil {
			if ctx.Err() == nil && !errors.Is(err, rating.ErrUnavailable) {
				w.log.Error("webhooks", "err", err)
			}
			continue // the next look tries again
		}
		w.told[t.Name] = now
	}
}

// tell announces the health of a trunk where it is another than the one last told. A trunk that was never down is not told
// to be up.
func (w trunkWatch) tell(ctx context.Context, trunk, now string) error {
	what := "trunk " + trunk + " " + w.config.Node
	before, err := w.hooks.Told(ctx, what)
	if err != nil || before == now {
		return err
	}
	if name := map[string]rating.EventName{string(sipctl.HealthDown): rating.TrunkDown, string(sipctl.HealthUp): rating.TrunkUp}[now]; before != "" || name == rating.TrunkDown {
		var uri string
		if t, ok := w.catalog.Current().Plan.Trunk(trunk); ok {
			uri = t.URI
		}
		at := time.Now()
		e, err := rating.NewEvent(fmt.Sprintf("trunk-%s-%s-%d", w.config.Node, trunk, at.UnixMilli()), name, at, trunkData{trunk, uri, w.config.Node})
		if err == nil {
			err = w.announcer.announce(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	return w.hooks.Tell(ctx, what, now)
}
