package main

import (
	"context"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
	"tollgate/rating/embedded"
)

const scrapeLimit = time.Second // of a figure that the store is asked for when Prometheus asks

// registerMetrics adds what no single part knows: the state of the store, of the way to the archive, and of the audit.
func (a *app) registerMetrics() {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	counter := func(name, help string, value func() int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	a.drift = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tollgate_audit_drift",
		Help: "Differences that the last audit found; it runs every hour. Anything but 0 is a defect or a changed database."})
	a.audited = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tollgate_audit_last_timestamp_seconds",
		Help: "When the last audit was completed, in seconds since 1970; 0 before the first one, a minute after the start."})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tollgate_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "commit": builtFrom(), "go": runtime.Version()}})
	build.Set(1)
	a.registry.MustRegister(a.drift, a.audited, build, outboxWatch{a.outboxLag},
		gauge("tollgate_store_up", "1 while the store answers.", func() float64 { return oneIf(a.store.State().Up) }),
		gauge("tollgate_store_ephemeral", "1 where balances live in memory and do not survive a restart.", func() float64 { return oneIf(a.store.Ephemeral) }),
		gauge("tollgate_store_durable", "1 where the store has every write on disk before it acknowledges it; 0 where the last moment may be lost, or nobody knows.",
			func() float64 { return oneIf(a.store.Report().Durability == embedded.Always) }),
		gauge("tollgate_archive_lag_seconds", "Since the archive last had everything that the outbox held; 0 on a node that does not file.",
			func() float64 { return a.drain.Stats().Lag.Seconds() }),
		counter("tollgate_archive_filed_total", "Records filed in the archive by this node.", func() int64 { return a.drain.Stats().Filed }),
		counter("tollgate_archive_failures_total", "Rounds in which the archive did not take the records.", func() int64 { return a.drain.Stats().Failures }),
		counter("tollgate_archive_quarantined_total", "Records that could not be filed, and were set aside.", func() int64 { return a.drain.Stats().Quarantined }))
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// outboxWatch shows how far the archive is behind; nothing while the store does not answer.
type outboxWatch struct {
	length func(context.Context) (int64, error)
}

var outboxLag = prometheus.NewDesc("tollgate_outbox_lag", "Records that the ledger has filed and the archive has not taken yet, of all nodes; absent while the store does not answer.", nil, nil)

// Describe implements prometheus.Collector.
func (outboxWatch) Describe(to chan<- *prometheus.Desc) { to <- outboxLag }

// Collect implements prometheus.Collector.
func (w outboxWatch) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	if n, err := w.length(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(outboxLag, prometheus.GaugeValue, float64(n))
	}
}

// outboxLag asks the store, where it is up.
func (a *app) outboxLag(ctx context.Context) (int64, error) {
	if !a.store.Up() {
		return 0, rating.ErrUnavailable
	}
	return a.ledger.OutboxLength(ctx)
}

// storeMeter times what the ledger asks of the store.
type storeMeter struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

func newStoreMeter(registry prometheus.Registerer) *storeMeter {
	m := &storeMeter{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tollgate_store_operation_seconds", Help: "Time of one operation on the store, by script.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}, []string{"op"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_store_errors_total",
			Help: "Operations that the store did not answer, or not as it should, by script. A refusal of money is none."}, []string{"op"}),
	}
	registry.MustRegister(m.seconds, m.errors)
	return m
}

func (m *storeMeter) observe(op string, took time.Duration, err error) {
	m.seconds.WithLabelValues(op).Observe(took.Seconds())
	failed := m.errors.WithLabelValues(op)
	if err != nil {
		failed.Inc()
	}
}
