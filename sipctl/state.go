package sipctl

// state is how far a call has come.
type state uint8

const (
	authorizing state = iota // the ledger has been asked
	withdrawn                // the caller has his answer, the ledger's is still to come
	calling                  // an INVITE is out, nothing that rings has come back
	ringing                  // an 18x was passed on: no other trunk is tried any more
	storing                  // the trunk's 2xx is being recorded; the caller does not know of it
	answered                 // our 200 is out, its ACK has not come
	talking                  // both legs are up
	ending                   // BYE is out
	over                     // settled, or being settled
	states
)

// happening is what the state machine sees of an event.
type happening uint8

const (
	onAuthorized happening = iota // the money is held
	onRefused                     // admission or ledger said no
	onRinging                     // a trunk's 18x
	onAccepted                    // a trunk's 2xx
	onDeclined                    // a trunk's refusal, silence or failure, and another trunk is left
	onExhausted                   // the same, and none is left or may be tried
	onCancel                      // the caller's CANCEL, before our 200
	onGiveUp                      // ring timeout, operator, draining: before the answer
	onStored                      // the answer is recorded, in the store or in the spool
	onAck                         // the caller's ACK
	onNoAck                       // 64·T1 without it
	onCallerBye                   // BYE of the caller
	onTrunkBye                    // BYE of the trunk
	onStop                        // credit, limit, operator, a dead leg: after the answer
	onByesDone                    // our BYEs are answered, or have been waited for long enough
	happenings
)

// action is what has to be done, in the order of the bits.
type action uint16

const (
	refuse      action = 1 << iota // the caller gets a final refusal
	abandon                        // the INVITE that is out is cancelled; a late 2xx gets ACK and BYE
	hangUpTrunk                    // ACK and BYE for the 2xx that nobody will hear of
	dial                           // INVITE to the next trunk
	ring                           // the 18x goes to the caller
	store                          // the answer is recorded
	connect                        // ACK to the trunk, 200 to the caller, the clock of the money runs
	confirm                        // the caller's ACK is noted, and relayed if it carries the answer
	byeCaller                      // BYE to the caller; only once his ACK is here or will not come
	byeTrunk                       // BYE to the trunk
	file                           // the CDR of a call that the ledger never let in
	settle                         // money and CDR
)

// step is the whole life of a call (RFC 3261 §13, §15). It is total: an event that means nothing in a state changes
// nothing and does nothing, because it is late, repeated, or crossed another on the way.
func step(s state, h happening) (state, action) {
	switch s {
	case authorizing, withdrawn:
		return stepAuthorizing(s, h)
	case calling, ringing:
		return stepCalling(s, h)
	case storing:
		return stepStoring(h)
	case answered, talking:
		return stepAnswered(s, h)
	case ending:
		switch h {
		case onAck:
			return ending, confirm // a BYE to the caller may have waited for it
		case onNoAck:
			return ending, byeCaller
		case onByesDone:
			return over, settle
		}
	}
	return s, 0
}

func stepAuthorizing(s state, h happening) (state, action) {
	switch {
	case h == onAuthorized && s == authorizing:
		return calling, dial
	case h == onAuthorized:
		return over, settle
	case h == onRefused && s == authorizing:
		return over, refuse | file
	case h == onRefused:
		return over, file
	case (h == onCancel || h == onGiveUp) && s == authorizing:
		return withdrawn, refuse
	}
	return s, 0
}

func stepCalling(s state, h happening) (state, action) {
	switch h {
	case onRinging:
		return ringing, ring
	case onAccepted:
		return storing, store
	case onDeclined:
		if s == ringing {
			return over, refuse | settle // the called party was reached
		}
		return calling, dial
	case onExhausted:
		return over, refuse | settle
	case onCancel, onGiveUp:
		return over, refuse | abandon | settle
	}
	return s, 0
}

func stepStoring(h happening) (state, action) {
	switch h {
	case onStored:
		return answered, connect
	case onCancel, onGiveUp, onStop:
		return over, refuse | hangUpTrunk | settle
	case onTrunkBye:
		return over, refuse | settle
	}
	return storing, 0
}

func stepAnswered(s state, h happening) (state, action) {
	switch h {
	case onAck:
		return talking, confirm
	case onNoAck:
		if s == answered {
			return ending, byeTrunk | byeCaller
		}
	case onCallerBye:
		return ending, confirm | byeTrunk
	case onTrunkBye:
		return ending, byeCaller
	case onStop:
		return ending, byeTrunk | byeCaller
	}
	return s, 0
}
