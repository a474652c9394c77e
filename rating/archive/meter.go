package archive

import (
	"sync/atomic"
	"time"
)

// Stats says how a drain is doing, for metrics.
type Stats struct {
	Filed       int64         // records archived since the start
	Duplicates  int64         // that were archived already, and were passed over
	Quarantined int64         // that could not be filed
	Failures    int64         // rounds that failed
	Lag         time.Duration // since the archive last had everything that the outbox held; 0 on a node that does not drain
}

// meter counts; anybody may read it.
type meter struct {
	records, duplicates, quarantined, failures atomic.Int64
	current                                    atomic.Int64 // Unix nanoseconds of the last time that nothing was left; 0 = not draining
}

func (m *meter) filed(o outcome) {
	m.records.Add(o.filed)
	m.duplicates.Add(o.duplicates)
	m.quarantined.Add(int64(len(o.quarantined)))
}

func (m *meter) failed() {
	m.failures.Add(1)
	m.current.CompareAndSwap(0, time.Now().UnixNano()) // a drain that has failed from its start lags since then
}

func (m *meter) caughtUp() { m.current.Store(time.Now().UnixNano()) }

func (m *meter) idle() { m.current.Store(0) }

// Stats may be called at any time.
func (d *Drain) Stats() Stats {
	s := Stats{Filed: d.meter.records.Load(), Duplicates: d.meter.duplicates.Load(), Quarantined: d.meter.quarantined.Load(), Failures: d.meter.failures.Load()}
	if current := d.meter.current.Load(); current != 0 {
		s.Lag = time.Since(time.Unix(0, current))
	}
	return s
}
