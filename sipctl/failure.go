package sipctl

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
)

// failure is the final answer that a caller gets where it is no 2xx, and what his CDR says.
type failure struct {
	code       int
	phrase     string
	headers    []byte // complete lines
	body       []byte
	reason     rating.Reason
	trunk      bool // the trunk's own words
	unexpected bool // not a refusal but a fault
}

// trunkFailure is a trunk's refusal, to be passed on.
func trunkFailure(res *sip.Response) failure {
	var h text
	h.passed(res.Headers(), fromTrunk)
	return failure{code: res.StatusCode, phrase: phrase(res), headers: h, body: res.Body(), trunk: true}
}

// ourFailure is what the caller is told when no trunk gave an answer that may be passed on.
func ourFailure(err error) failure { return refusalOf(err, rating.Settings{}) }

// keep notes a failure unless a trunk has spoken for itself: the caller hears the last trunk that did.
func (f *failure) keep(other failure) {
	if !f.trunk {
		*f = other
	}
}

// disposition is how the CDR calls it.
func (f failure) disposition(why cause) rating.Disposition {
	switch {
	case why == causeCaller:
		return rating.Cancelled
	case why == causeRing:
		return rating.NoAnswer
	case f.trunk:
		return rating.DispositionOf(f.code)
	case f.reason == rating.ReasonTrunk, why == causeOperator:
		return rating.Failed
	}
	return rating.Rejected
}

// result is the label of the metric: why we refused, or how it went.
func (f failure) result(why cause) string {
	if d := f.disposition(why); d != rating.Rejected || f.reason == "" {
		return string(d)
	}
	return string(f.reason)
}

// phrase is a response's reason phrase, harmless in a message of ours.
func phrase(res *sip.Response) string {
	if !cleanText(res.Reason) || len(res.Reason) > 100 {
		return ""
	}
	return res.Reason
}
