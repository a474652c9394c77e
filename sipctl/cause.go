package sipctl

import (
	"tollgate/rating"
)

// cause is why a call ended: the words of its CDR and the Reason header (RFC 3326) that both legs are given.
type cause uint8

const (
	causeNone       cause = iota
	causeCaller           // BYE or CANCEL of the caller
	causeCallee           // BYE of the trunk, or its refusal
	causeCredit           // the money is gone
	causeLimit            // call_seconds, daily_spend or max_call_seconds
	causeOperator         // hung up by hand
	causeRing             // nobody answered within ring_timeout
	causeNoAck            // the caller never acknowledged our 200
	causeCallerDead       // the caller's leg does not answer any more
	causeTrunkDead        // the trunk's leg does not answer any more
	causeStoreLost        // the paid time is over and the store does not reply
	causeDrain            // we are going down
	causeSystem           // anything else of ours
	causes
)

// endWords are what a cause is called outside.
type endWords struct {
	by     rating.EndedBy
	reason string // value of the Reason header; "" = none of ours
}

var endings = [causes]endWords{
	causeNone:       {rating.BySystem, ""},
	causeCaller:     {rating.ByCaller, ""},
	causeCallee:     {rating.ByCallee, ""},
	causeCredit:     {rating.ByCredit, `SIP;cause=402;text="credit exhausted"`},
	causeLimit:      {rating.ByLimit, `SIP;cause=403;text="limit reached"`},
	causeOperator:   {rating.ByOperator, `Q.850;cause=31;text="ended by operator"`},
	causeRing:       {rating.ByTimeout, `Q.850;cause=19;text="no answer"`},
	causeNoAck:      {rating.ByTimeout, `SIP;cause=408;text="no ACK"`},
	causeCallerDead: {rating.ByTimeout, `Q.850;cause=27;text="caller is gone"`},
	causeTrunkDead:  {rating.ByTimeout, `Q.850;cause=27;text="called party is gone"`},
	causeStoreLost:  {rating.BySystem, `SIP;cause=503;text="billing not available"`},
	causeDrain:      {rating.BySystem, `Q.850;cause=41;text="going down"`},
	causeSystem:     {rating.BySystem, `Q.850;cause=41;text="internal error"`},
}

// by is who or what ended the call, as the CDR says it.
func (c cause) by() rating.EndedBy { return endings[c].by }

// reason is the Reason header line for the legs, "" where the other side's own is passed on.
func (c cause) reason() string {
	if r := endings[c].reason; r != "" {
		return "Reason: " + r + "\r\n"
	}
	return ""
}

func (c cause) String() string {
	return [causes]string{"none", "caller", "callee", "credit", "limit", "operator", "ring_timeout", "no_ack", "caller_dead",
		"trunk_dead", "store_lost", "drain", "system"}[c]
}
