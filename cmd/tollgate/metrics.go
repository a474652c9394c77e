package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
	"tollgate/rating/auditlog"
	"tollgate/rating/ledger"
)

// outbox is what the archive drains: the ledger's streams, and the audit log. It counts, on the way, what is charged and recharged: each record once,
// however often it is read.
type outbox struct {
	*ledger.Ledger
	audits             *auditlog.Log
	currency           func() string
	charged, recharged *prometheus.CounterVec
	counted            [rating.Shards]string // position of the last record counted, by shard; the drain reads from one goroutine
}

func (a *app) newOutbox() *outbox {
	o := &outbox{
		Ledger:    a.ledger,
		audits:    a.changes,
		currency:  func() string { return a.catalog.Current().Settings.Currency },
		charged:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_charged_total", Help: "What calls have cost, in units of the currency, as it goes to the archive."}, []string{"currency"}),
		recharged: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_recharged_total", Help: "What was paid in, without adjustments, in units of the currency, as it goes to the archive."}, []string{"currency"}),
	}
	o.charged.WithLabelValues(o.currency())
	o.recharged.WithLabelValues(o.currency())
	a.registry.MustRegister(o.charged, o.recharged)
	return o
}

// Shards is how many streams there are.
func (o *outbox) Shards() int { return rating.AuditShard + 1 }

// Trim forgets what is archived.
func (o *outbox) Trim(ctx context.Context, shard int, upTo string) error {
	if shard == rating.AuditShard {
		if kept, err := o.OutboxKept(ctx); kept || err != nil {
			return err // a backup reads it
		}
		return o.audits.Trim(ctx, upTo)
	}
	return o.Ledger.Trim(ctx, shard, upTo)
}

// Read returns records and counts those that it has not returned before.
func (o *outbox) Read(ctx context.Context, shard int, after string, most int) ([]rating.Filed, error) {
	if shard == rating.AuditShard {
		return o.audits.Read(ctx, after, most)
	}
	records, err := o.Ledger.Read(ctx, shard, after, most)
	for _, f := range records {
		if !rating.Follows(f.Position, o.counted[shard]) {
			continue
		}
		o.counted[shard] = f.Position
		if f.Entry == nil || o.charged == nil { // a restore counts nothing
			continue
		}
		switch f.Entry.Kind {
		case rating.ChargeEntry:
			o.charged.WithLabelValues(o.currency()).Add(units(-f.Entry.Amount))
		case rating.RechargeEntry:
			o.recharged.WithLabelValues(o.currency()).Add(units(f.Entry.Amount))
		}
	}
	return records, err
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
	a.audited.SetToCurrentTime()
	for i, d := range v.Differences {
		if i == mostLogged {
			a.log.Error("audit: more differences: tollgate audit lists them all", "count", len(v.Differences))
			return
		}
		a.log.Error("audit", "account", d.Extension, "law", d.Law, "detail", d.Detail, "want", d.Want, "have", d.Have)
	}
}

const mostLogged = 20
