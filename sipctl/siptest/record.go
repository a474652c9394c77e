package siptest

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Row is what a carrier knows of one dialog: an INVITE and, when it was answered, one To tag of it. An INVITE with several
// answers has a row for each.
type Row struct {
	Number     string // user part of the Request-URI
	RequestURI string
	From       string // user part of From
	PAI        string // P-Asserted-Identity, whole
	CallID     string
	FromTag    string
	ToTag      string
	Fork       int // 0: the first To tag
	Headers    []Header
	Body       string

	Code       int       // final response, 0: none yet
	ReceivedAt time.Time // the INVITE
	AnsweredAt time.Time // the first 2xx, as it left
	AckedAt    time.Time
	EndedAt    time.Time // the first BYE, sent or received
	EndedBy    Side      // "": no BYE
	Reason     string    // Reason header of that BYE, else of the CANCEL
	Cancelled  time.Time // CANCEL received

	Talked time.Duration // from AnsweredAt to EndedAt, or to now while the dialog is up
}

// Answered tells that a 2xx was sent.
func (r Row) Answered() bool { return !r.AnsweredAt.IsZero() }

// Live tells that the dialog is answered and not ended.
func (r Row) Live() bool { return r.Answered() && r.EndedAt.IsZero() }

// Seconds is the answered time in begun seconds, at least 1 for a call that was answered: what a bill says.
func (r Row) Seconds() int64 {
	if !r.Answered() {
		return 0
	}
	return max(1, int64((r.Talked+time.Second-1)/time.Second))
}

// Agrees tells whether a bill of so many seconds is what the carrier has seen, give or take slack for the way between the one
// who bills and the carrier. A call that was not answered agrees with 0.
func (r Row) Agrees(seconds int64, slack time.Duration) bool {
	if !r.Answered() || seconds == 0 {
		return !r.Answered() && seconds == 0
	}
	billed := time.Duration(seconds) * time.Second
	return r.Talked <= billed+slack && (seconds == 1 || r.Talked > billed-time.Second-slack)
}

// Totals are the sums over all calls of a carrier since its start, also of those that its record has dropped.
type Totals struct {
	Calls    int           // INVITEs that began a call
	Answered int           // dialogs
	Ended    int           // dialogs that were answered
	Talked   time.Duration // of ended dialogs
}

// Totals are the sums so far.
func (k *Carrier) Totals() Totals {
	k.table.Lock()
	defer k.table.Unlock()
	return k.totals
}

// Record is one row for each dialog, in the order in which the INVITEs came. The oldest calls above the record's limit are missing;
// dropped says how many.
func (k *Carrier) Record() (rows []Row, dropped int) {
	k.table.Lock()
	legs, dropped := append([]*Leg(nil), k.record...), k.dropped
	k.table.Unlock()
	for _, l := range legs {
		rows = append(rows, l.Rows()...)
	}
	return rows, dropped
}

// Rows are the rows of one call.
func (l *Leg) Rows() []Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.invite
	row := Row{
		Number: l.number, RequestURI: m.URI, From: User(AddressURI(m.fromValue)), PAI: m.Get("P-Asserted-Identity"),
		CallID: m.callID, FromTag: m.FromTag(), Headers: m.Headers, Body: m.Body,
		Code: l.final, ReceivedAt: m.At, Cancelled: l.cancelled,
	}
	rows := []Row{row.of(&l.first, 0, l.why)}
	for i, s := range l.forks {
		rows = append(rows, row.of(s, i+1, l.why))
	}
	return rows
}

func (r Row) of(s *session, fork int, why string) Row {
	r.ToTag, r.Fork = s.key.localTag, fork
	r.AnsweredAt, r.AckedAt, r.Talked = s.answeredAt, s.ackedAt, s.talked()
	r.EndedAt, r.EndedBy, r.Reason = s.end.At, s.end.By, s.end.Reason
	if r.Reason == "" {
		r.Reason = why
	}
	return r
}

func (k *Carrier) state() string {
	t := k.Totals()
	return fmt.Sprintf("%d calls so far, %d answered, %d ended", t.Calls, t.Answered, t.Ended)
}

// Counters count messages of an user agent.
type Counters struct {
	Invites, Acks, Byes, Cancels, Options, Others int64 // requests received, copies included

	Repeats        int64 // messages received again: requests, and responses after the final one
	Retransmitted  int64 // messages that we have sent again
	StrayRequests  int64 // for no call that we know
	StrayResponses int64 // to no request that we know
	LateAnswers    int64 // 2xx after another final response
	Malformed      int64 // no SIP, or SIP that two readers could read differently
}

type counters struct {
	invites, acks, byes, cancels, options, others                                 atomic.Int64
	repeats, retransmitted, strayRequests, strayResponses, lateAnswers, malformed atomic.Int64
}

func (c *counters) method(method string) {
	switch method {
	case "INVITE":
		c.invites.Add(1)
	case "ACK":
		c.acks.Add(1)
	case "BYE":
		c.byes.Add(1)
	case "CANCEL":
		c.cancels.Add(1)
	case "OPTIONS":
		c.options.Add(1)
	default:
		c.others.Add(1)
	}
}

// Counters are the counts so far.
func (a *ua) Counters() Counters {
	c := &a.count
	return Counters{
		Invites: c.invites.Load(), Acks: c.acks.Load(), Byes: c.byes.Load(), Cancels: c.cancels.Load(),
		Options: c.options.Load(), Others: c.others.Load(), Repeats: c.repeats.Load(),
		Retransmitted: c.retransmitted.Load(), StrayRequests: c.strayRequests.Load(),
		StrayResponses: c.strayResponses.Load(), LateAnswers: c.lateAnswers.Load(), Malformed: c.malformed.Load(),
	}
}
