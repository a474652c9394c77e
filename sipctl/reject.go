package sipctl

import (
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

// warnAgent names us in a Warning header (RFC 3261 §20.43): a pseudonym, since the address says nothing to a caller.
const warnAgent = "tollgate"

// refusals: what a caller is told. The first match counts; what is not listed is a fault of ours, 500.
//
// text is what a phone can show: it stands in the Reason header (RFC 3326, with a cause of Q.850 as RFC 6432 allows in
// responses) where the contract has it there, and always in the Warning.
var refusalTable = []struct {
	err      error
	reason   rating.Reason
	code     int
	cause    int // Q.850
	inReason bool
	text     string
}{
	{rating.ErrNoCredit, rating.ReasonNoCredit, 402, 21, true, "insufficient balance"},
	{rating.ErrLocked, rating.ReasonLocked, 403, 21, true, "extension locked"},
	{rating.ErrUnknownExtension, rating.ReasonUnknownExtension, 403, 21, true, "unknown extension"},
	{rating.ErrNoRate, rating.ReasonNoRate, 403, 21, true, "no rate for destination"},
	{rating.ErrLimit, rating.ReasonLimit, 403, 21, true, "limit reached"},
	{rating.ErrBadNumber, rating.ReasonBadNumber, 484, 28, false, "number not understood"},
	{rating.ErrNoRoute, rating.ReasonNoRoute, 404, 3, false, "no route to destination"},
	{errTrunkFull, rating.ReasonTrunk, 503, 34, false, "all lines busy"},
	{errTrunkGone, rating.ReasonTrunk, 503, 41, false, "no trunk answers"},
	{rating.ErrTrunk, rating.ReasonTrunk, 503, 38, false, "no trunk took the call"},
	{errBusy, rating.ReasonUnavailable, 503, 42, false, "too busy, try again"},
	{rating.ErrUnavailable, rating.ReasonUnavailable, 503, 41, false, "billing not available, try again"},
	{rating.ErrRingTimeout, "", 480, 19, false, "no answer"},
}

// phrases of the codes that refuse an INVITE (RFC 3261 §21).
var phrases = map[int]string{402: "Payment Required", 403: "Forbidden", 404: "Not Found", 480: "Temporarily Unavailable",
	484: "Address Incomplete", 486: "Busy Here", 500: "Server Internal Error", 503: "Service Unavailable", 603: "Decline"}

// rejection is the refusal of an INVITE for a reason of ours, with the codes that the settings choose.
func (s *Server) rejection(err error, settings rating.Settings) failure {
	return refusalOf(err, settings)
}

// refusalOf looks the error up.
func refusalOf(err error, settings rating.Settings) failure {
	for _, r := range refusalTable {
		if !errors.Is(err, r.err) {
			continue
		}
		code := r.code
		switch {
		case r.reason == rating.ReasonNoCredit && settings.InsufficientFundsCode != 0:
			code = settings.InsufficientFundsCode
		case r.reason == rating.ReasonLimit && settings.LimitCode != 0:
			code = settings.LimitCode
		}
		var h text
		h.add("Reason: Q.850;cause=")
		h.number(int64(r.cause))
		if r.inReason {
			h.add(`;text="`, r.text, `"`)
		}
		h.add("\r\nWarning: 399 ", warnAgent, ` "`, r.text, "\"\r\n")
		if r.reason == rating.ReasonUnavailable {
			h.add(retryAfter)
		}
		return failure{code: code, phrase: phrases[code], headers: h, reason: r.reason}
	}
	return failure{code: sip.StatusInternalServerError, phrase: phrases[500], reason: rating.ReasonUnavailable, unexpected: true,
		headers: []byte("Reason: Q.850;cause=41\r\nWarning: 399 " + warnAgent + " \"internal error\"\r\n")}
}
