package sipctl

import (
	"github.com/prometheus/client_golang/prometheus"

	"tollgate/sipctl/guard"
)

// watched are the metrics that are looked up when Prometheus asks.
func (m *metrics) watched(s *Server) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		gauge("tollgate_calls_active", "Calls on this node, ringing ones included.", func() float64 { return float64(s.calls.size.Load()) }),
		gauge("tollgate_calls_limit", "Calls that this node takes at a time (sip.max_calls).", func() float64 { return float64(s.config.MaxCalls) }),
		gauge("tollgate_spool_entries", "Steps on the local disk that the store has not seen.", func() float64 { return float64(s.deps.Spool.Entries()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tollgate_sip_malformed_total",
			Help: "SIP messages that the guard, the parser or the validation refused as malformed."},
			func() float64 { return float64(m.malformed.Load() + s.guard.Malformed()) }),
		dropWatch{s.guard},
		trunkWatch{s.trunks},
	}
}

// dropWatch shows what the guard has kept away, by reason.
type dropWatch struct{ guard *guard.Guard }

var dropped = prometheus.NewDesc("tollgate_sip_dropped_total", "Messages and connections that were refused before they were read, by reason.", []string{"reason"}, nil)

// Describe implements prometheus.Collector.
func (dropWatch) Describe(to chan<- *prometheus.Desc) { to <- dropped }

// Collect implements prometheus.Collector.
func (w dropWatch) Collect(to chan<- prometheus.Metric) {
	w.guard.Each(func(r guard.Reason, n uint64) {
		if r != guard.Passed && r != guard.Keepalive {
			to <- prometheus.MustNewConstMetric(dropped, prometheus.CounterValue, float64(n), r.String())
		}
	})
}

// trunkWatch shows how the trunks are, as this node sees them.
type trunkWatch struct{ trunks *trunks }

var (
	trunkUp         = trunkDesc("tollgate_trunk_up", "1 while the trunk answers OPTIONS, 0 when it has stopped to; absent while unknown, disabled, or not probed.")
	trunkCalls      = trunkDesc("tollgate_trunk_calls_active", "Calls on the trunk, ringing ones included.")
	trunkLimit      = trunkDesc("tollgate_trunk_calls_limit", "Calls that the trunk takes from this node at a time (max_calls); absent without a limit.")
	trunkRegistered = trunkDesc("tollgate_trunk_registered", "1 while this node is registered at the trunk, else 0; absent where the trunk does not want it.")
)

func trunkDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"trunk"}, nil)
}

// Describe implements prometheus.Collector.
func (trunkWatch) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{trunkUp, trunkCalls, trunkLimit, trunkRegistered} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w trunkWatch) Collect(to chan<- prometheus.Metric) {
	for _, t := range w.trunks.list() {
		config, state := t.config(), t.state()
		show := func(d *prometheus.Desc, value float64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, config.Name)
		}
		show(trunkCalls, float64(state.ActiveCalls))
		if !t.listed.Load() {
			continue // deleted: its last calls are still talking
		}
		if config.Enabled && config.ProbeInterval > 0 && state.Health != HealthUnknown {
			show(trunkUp, float64(weight(state.Health == HealthUp)))
		}
		if config.MaxCalls > 0 {
			show(trunkLimit, float64(config.MaxCalls))
		}
		if config.Enabled && config.Register {
			show(trunkRegistered, float64(weight(state.Registration.State == RegistrationRegistered)))
		}
	}
}
