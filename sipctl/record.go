package sipctl

import (
	"time"

	"tollgate/rating"
)

// maxNamed is how many extensions the rate in a CDR names; a rate for more is recorded as being for this one.
const maxNamed = 20

// describe fills a call's record with what its admission says.
func describe(cdr rating.CDR, s *rating.Snapshot, a rating.Admission) rating.CDR {
	cdr.Currency = s.Settings.Currency
	if a.Dialled != "" {
		cdr.Dialled = a.Dialled
	}
	cdr.Sent = a.Route.Sent
	if a.Extension != nil {
		cdr.Username = a.Extension.Username
	}
	if a.Rate != nil {
		rate := *a.Rate
		if len(rate.Extensions) > maxNamed {
			rate.Extensions = []string{cdr.Extension}
		}
		cdr.RateID, cdr.Rate = rate.ID, &rate
	}
	if a.Unbilled != rating.Billed {
		unbilled := a.Unbilled
		cdr.Unbilled = &unbilled
	}
	cdr.Disposition, cdr.EndedBy = rating.Failed, rating.BySystem // what is filed if nobody comes back
	return cdr
}

// draft is the record as it would be filed if we died now.
func (c *Call) draft() rating.CDR {
	cdr := c.cdr
	cdr.EndedBy = rating.BySystem
	if !c.answered.IsZero() {
		cdr.Disposition, cdr.SIPCode = rating.Answered, 200
	}
	return cdr
}

// final is the record of a call that is over; duration, units and cost are the ledger's.
func (c *Call) final() rating.CDR {
	cdr := c.cdr
	ended := c.ended.Round(0)
	cdr.EndedAt, cdr.EndedBy = &ended, c.cause.by()
	if !c.answered.IsZero() {
		at := c.wallAnswered()
		cdr.AnsweredAt, cdr.Disposition = &at, rating.Answered
	}
	return cdr
}

// wallAnswered is the answer as the wall clock said then.
func (c *Call) wallAnswered() time.Time { return c.answered.Round(0) }

// count shows a call that is over in the metrics; talked counts where it was answered.
func (s *Server) count(cdr rating.CDR, talked time.Duration) {
	s.metrics.calls.WithLabelValues(string(cdr.Disposition), cdr.Trunk).Inc()
	if cdr.AnsweredAt != nil {
		s.metrics.duration.WithLabelValues(cdr.Trunk).Observe(float64(rating.BilledSeconds(talked)))
	}
}

// countAttempt shows what came of the last trunk that a call was offered to, where it did not lead to an answer: those before
// it were counted when the call went on, an answer when it came.
func (c *Call) countAttempt(cdr rating.CDR) {
	if last := len(cdr.Attempts) - 1; last >= 0 && cdr.AnsweredAt == nil {
		c.server.metrics.attempts.WithLabelValues(cdr.Attempts[last].Trunk, string(cdr.Outcome(last))).Inc()
	}
}
