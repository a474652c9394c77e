package sipctl

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
)

// Refusals of ours that are more precise than the error they wrap.
var (
	errBusy      = fmt.Errorf("%w: too many calls, or going down", rating.ErrUnavailable)
	errTrunkFull = fmt.Errorf("%w: all lines are in use", rating.ErrTrunk)
	errTrunkGone = fmt.Errorf("%w: none answers", rating.ErrTrunk)
)

// warnAgent names us in a Warning header (RFC 3261 §20.43): a pseudonym, since our address says nothing to a caller.
const warnAgent = "tollgate"

// denial is what a caller is told. Its text is what a phone can show: it stands in the Warning, and in the Reason header
// where told. That header (RFC 3326) has a cause of Q.850, which RFC 6432 allows in responses.
type denial struct {
	err    error
	reason rating.Reason
	code   int
	cause  int
	told   bool
	text   string
}

// unheard is the answer where the store has not answered: any error that is not in the table says so (Ledger).
var unheard = denial{rating.ErrUnavailable, rating.ReasonUnavailable, 503, 41, false, "billing not available, try again"}

// denials: the first match counts.
var denials = []denial{
	{rating.ErrNoCredit, rating.ReasonNoCredit, 402, 21, true, "insufficient balance"},
	{rating.ErrLocked, rating.ReasonLocked, 403, 21, true, "extension locked"},
	{rating.ErrUnknownExtension, rating.ReasonUnknownExtension, 403, 21, true, "unknown extension"},
	{rating.ErrNoRate, rating.ReasonNoRate, 403, 21, true, "no rate for destination"},
	{rating.ErrLimit, rating.ReasonLimit, 403, 21, true, "limit reached"},
	{rating.ErrBadNumber, rating.ReasonBadNumber, 484, 28, false, "number not understood"},
	{rating.ErrNoRoute, rating.ReasonNoRoute, 404, 3, false, "no route to destination"},
	{errTrunkFull, rating.ReasonTrunk, 503, 34, false, "all lines are busy"},
	{errTrunkGone, rating.ReasonTrunk, 503, 41, false, "no trunk answers"},
	{rating.ErrTrunk, rating.ReasonTrunk, 503, 38, false, "no trunk took the call"},
	{errBusy, rating.ReasonUnavailable, 503, 42, false, "too busy, try again"},
	unheard,
	{rating.ErrRingTimeout, "", 480, 19, false, "no answer"},
	{rating.ErrOwnedElsewhere, "", 482, 25, false, "the call is here already"}, // merged (RFC 3261 §8.2.2.2)
	{rating.ErrSettled, "", 482, 25, false, "the call was here already"},
}

// phrases of the codes that refuse an INVITE (RFC 3261 §21).
var phrases = map[int]string{402: "Payment Required", 403: "Forbidden", 404: "Not Found", 480: "Temporarily Unavailable",
	482: "Loop Detected", 484: "Address Incomplete", 486: "Busy Here", 503: "Service Unavailable", 603: "Decline"}

// rejection is the refusal of an INVITE for a reason of ours, with the codes that the settings choose.
func (s *Server) rejection(err error, settings rating.Settings) failure {
	return refusalOf(err, settings)
}

// refusalOf looks the error up.
func refusalOf(err error, settings rating.Settings) failure {
	for _, r := range denials {
		switch {
		case !errors.Is(err, r.err):
			continue
		case r.reason == rating.ReasonNoCredit:
			r.code = cmp.Or(settings.InsufficientFundsCode, r.code)
		case r.reason == rating.ReasonLimit:
			r.code = cmp.Or(settings.LimitCode, r.code)
		}
		return r.failure()
	}
	f := unheard.failure()
	f.unexpected = true
	return f
}

// failure is the denial as an answer.
func (r denial) failure() failure {
	var h text
	h.add("Reason: Q.850;cause=")
	h.number(int64(r.cause))
	if r.told {
		h.add(`;text="`, r.text, `"`)
	}
	h.add("\r\nWarning: 399 ", warnAgent, ` "`, r.text, "\"\r\n")
	if r.code == sip.StatusServiceUnavailable && r.reason == rating.ReasonUnavailable {
		h.add(retryAfter)
	}
	return failure{code: r.code, phrase: phrases[r.code], headers: h, reason: r.reason}
}
