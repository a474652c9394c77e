package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
)

const scrapeLimit = 2 * time.Second // of a figure that is asked for when Prometheus asks

// registerMetrics adds what no single part knows: the state of the store, of the way to the archive, and of the audit.
func (a *app) registerMetrics() {
	gauge := func(name, help string, value func() float64) {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("tollgate_store_up", "1 while the store answers.", func() float64 { return oneIf(a.store.State().Up) })
	gauge("tollgate_store_ephemeral", "1 where balances live in memory and do not survive a restart.", func() float64 { return oneIf(a.store.Ephemeral) })
	gauge("tollgate_outbox_lag", "Records that the ledger has filed and the archive has not taken yet.", a.outboxLag)
	gauge("tollgate_archive_quarantined", "Records that could not be filed, since the start.", func() float64 { return float64(a.drain.Stats().Quarantined) })
	a.drift = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tollgate_audit_drift", Help: "Differences that the last audit found; it runs every ten minutes. Anything but 0 is a defect or a changed database."})
	a.registry.MustRegister(a.drift)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (a *app) outboxLag() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	n, err := a.ledger.OutboxLength(ctx)
	if err != nil {
		return -1
	}
	return float64(n)
}

// moneyMeter counts what is charged and recharged, in units of the currency.
type moneyMeter struct{ charged, recharged *prometheus.CounterVec }

func newMoneyMeter(registry prometheus.Registerer) moneyMeter {
	m := moneyMeter{
		charged:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_charged_total", Help: "What calls have cost, in units of the currency, when they are archived."}, []string{"currency"}),
		recharged: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_recharged_total", Help: "What was paid in, without adjustments, in units of the currency, when it is archived."}, []string{"currency"}),
	}
	registry.MustRegister(m.charged, m.recharged)
	return m
}

// count looks at a journal line.
func (m moneyMeter) count(e rating.Entry, currency string) {
	switch e.Kind {
	case rating.ChargeEntry:
		m.charged.WithLabelValues(currency).Add(units(-e.Amount))
	case rating.RechargeEntry:
		m.recharged.WithLabelValues(currency).Add(units(e.Amount))
	}
}

// units is an amount as a float, which is what Prometheus can show. It is never used for money.
func units(m rating.Money) float64 { return float64(m) / float64(rating.Unit) }

// auditAlong proves the money while everything runs, and says so where it does not add up.
func (a *app) auditAlong(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, auditTimeout)
	defer cancel()
	v, err := auditor{a.ledger, a.archive, a.catalog}.audit(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("the money could not be audited", "err", err)
		}
		return
	}
	a.drift.Set(float64(len(v.Differences)))
	for i, d := range v.Differences {
		if i == mostLogged {
			a.log.Error("audit: more differences: tollgate audit lists them all", "count", len(v.Differences))
			return
		}
		a.log.Error("audit", "account", d.Extension, "law", d.Law, "detail", d.Detail, "want", d.Want, "have", d.Have)
	}
}

const mostLogged = 20
