package rating

import "time"

// Disposition is how a call attempt ended.
type Disposition string

// EndedBy is who or what ended a call.
type EndedBy string

// Reason is why we refused a call; "" where we did not.
type Reason string

// The words of a CDR.
const (
	Answered  Disposition = "answered"
	Busy      Disposition = "busy"      // the trunk said 486, 600 or 603
	NoAnswer  Disposition = "no_answer" // 480, 408, or the ring timeout
	Failed    Disposition = "failed"    // any other answer of the trunks
	Cancelled Disposition = "cancelled" // the caller hung up first
	Rejected  Disposition = "rejected"  // by us, see Reason

	ByCaller   EndedBy = "caller"
	ByCallee   EndedBy = "callee"
	ByCredit   EndedBy = "credit"
	ByLimit    EndedBy = "limit"
	ByOperator EndedBy = "operator"
	ByTimeout  EndedBy = "timeout"
	BySystem   EndedBy = "system"

	ReasonNoCredit         Reason = "no_credit"
	ReasonLocked           Reason = "locked"
	ReasonUnknownExtension Reason = "unknown_extension"
	ReasonNoRate           Reason = "no_rate"
	ReasonLimit            Reason = "limit"
	ReasonBadNumber        Reason = "bad_number"
	ReasonNoRoute          Reason = "no_route"
	ReasonTrunk            Reason = "trunk"
	ReasonUnavailable      Reason = "unavailable"
)

// Attempt is one trunk that a call was offered to, and the last SIP code that came back; 0 is no answer at all.
type Attempt struct {
	Trunk string `json:"trunk"`
	Code  int    `json:"code"`
}

// CDR is a call detail record: one for every INVITE that was authorised, or refused by us.
type CDR struct {
	ID          CallID      `json:"id"`
	Extension   string      `json:"extension"`
	Username    string      `json:"username"` // at that time
	Dialled     string      `json:"dialled"`  // what was rated
	Sent        string      `json:"sent"`     // what went to the trunk
	Trunk       string      `json:"trunk"`    // that answered, or the last one tried
	RateID      int64       `json:"rate_id"`  // 0 = none
	Rate        *Rate       `json:"rate"`     // as it was when the INVITE arrived
	Units       int64       `json:"units"`
	StartedAt   time.Time   `json:"started_at"`
	AnsweredAt  *time.Time  `json:"answered_at"`
	EndedAt     *time.Time  `json:"ended_at"` // nil only in a draft
	Duration    int64       `json:"duration"` // billed seconds
	Cost        Money       `json:"cost"`
	Currency    string      `json:"currency"`
	Disposition Disposition `json:"disposition"`
	Reason      Reason      `json:"reason"`
	Unbilled    *Unbilled   `json:"unbilled"`
	SIPCode     int         `json:"sip_code"` // the caller got
	EndedBy     EndedBy     `json:"ended_by"`
	Attempts    []Attempt   `json:"attempts"`
	Count       int64       `json:"count"` // refusals that this record stands for; else 1
	Node        string      `json:"node"`
	CallIDA     string      `json:"call_id_a"`    // Call-ID of the caller's leg
	CallIDB     string      `json:"call_id_b"`    // and of the trunk's
	PostDial    int64       `json:"post_dial_ms"` // INVITE to the first ringing, milliseconds; 0 = never rang
}

// DispositionOf maps the final answer of the trunks to a disposition.
func DispositionOf(code int) Disposition {
	switch code {
	case 486, 600, 603:
		return Busy
	case 480, 408:
		return NoAnswer
	}
	if code >= 200 && code < 300 {
		return Answered
	}
	return Failed
}
