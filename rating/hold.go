package rating

import "time"

// CallID names a call in the ledger. It is derived from the caller's Call-ID, From tag and CSeq, so the same INVITE
// has the same id on every node. It holds only letters and digits.
type CallID string

// Unbilled says why a call costs nothing although it passes; "" is a billed call.
type Unbilled string

// Why a call is not billed.
const (
	Billed             Unbilled = ""
	BillingDeactivated Unbilled = "deactivated" // billing as a whole is off
	BillingDisabled    Unbilled = "extension"   // not enabled for the extension
	EmergencyCall      Unbilled = "emergency"
	Unrated            Unbilled = "unrated" // no rate matches, and unrated calls are allowed
	FreeRate           Unbilled = "free"    // the rate costs nothing
)

// Authorization asks the ledger to let a call in: the account is open and unlocked, the limits leave room, and what is
// available covers the first charge, which is held. An emergency call is let in whatever the account says.
type Authorization struct {
	Call      CallID
	Extension string
	Node      string
	Tariff    Tariff // of a billed call; zero otherwise
	Unbilled  Unbilled
	Limits    CallLimits    // ConcurrentCalls and DailySpend are checked here
	Day       string        // 2006-01-02 in the installation's time zone; daily_spend counts the call on it
	At        time.Time     // arrival of the INVITE
	Ring      time.Duration // lease while ringing: longer than the ring timeout
	Draft     CDR           // what is filed if nobody comes back to settle the call
	Dialog    []byte        // what the SIP side needs to answer the caller after a crash; opaque here
}

// Answer tells the ledger that the trunk sent its 2xx, before that is relayed.
type Answer struct {
	Call   CallID
	Node   string
	At     time.Time // arrival of the trunk's 2xx: charging begins
	Dialog []byte    // both legs as the SIP side needs them to go on after a crash; opaque here
	Draft  CDR       // with what is known by now: trunk, sent number, attempts, Call-IDs
}

// Extend buys the next units of a running call. HaveUnits makes a repeat harmless: it returns the grant that the first one gave.
type Extend struct {
	Call      CallID
	Extension string // who pays; where it is empty the ledger looks it up, in one more round trip
	Node      string
	HaveUnits int64 // granted so far, as the caller knows it
}

// Grant is what a call may talk for: Units are paid, the first charge included.
type Grant struct {
	Units     int64    // units that the hold pays for; see Tariff.PaidFor
	Held      Money    // by this call
	Available Money    // left on the account
	Settled   bool     // the call is over already (swept, or ended on another node): stop it
	Tariff    Tariff   // on which the call was let in; where an Authorization repeats an earlier one, that one's
	Unbilled  Unbilled // likewise
	Answered  bool     // the call was answered before; only where an Authorization takes over a dead node's call
}

// Settlement ends a call in the ledger, once.
type Settlement struct {
	Call     CallID
	Node     string
	Answered time.Time     // zero: not answered, cost 0
	Ended    time.Time     // first BYE received or sent
	Talked   time.Duration // measured on a monotonic clock where the node lived through the call; < 0: take Ended - Answered
	CDR      CDR           // everything but Duration, Units and Cost, which the ledger fills in
}

// Settled is what a settlement did; a repeat returns the same.
type Settled struct {
	Duration int64 // billed seconds
	Units    int64
	Cost     Money
	Balance  Money // of the account afterwards
}

// Hold is a running call in the ledger.
type Hold struct {
	Call      CallID
	Extension string
	Node      string
	Amount    Money
	Units     int64
	Tariff    Tariff
	Unbilled  Unbilled
	Started   time.Time
	Answered  time.Time // zero while ringing
	Lease     time.Time // lapses when nobody extends or settles the call
	Seen      time.Time // when somebody last looked after the talking call; zero where that is not known
	Draft     CDR
	Dialog    []byte // of the Authorization while ringing, else of the Answer or what was saved since
}

// CutAfter returns how long a call may talk from its answer before it outlives its money or its limit; ok is false
// where neither ends it. limit is the seconds of talk allowed (CallSeconds, max_call_seconds), 0 for none.
func (h Hold) CutAfter(limit int64) (time.Duration, bool) {
	var paid int64
	bounded := false
	if h.Unbilled == Billed {
		paid, bounded = h.Tariff.PaidFor(h.Units)
	}
	if limit > 0 && (!bounded || limit < paid) {
		paid, bounded = limit, true
	}
	return time.Duration(paid) * time.Second, bounded
}
