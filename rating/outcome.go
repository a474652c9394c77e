package rating

// Outcome is what came of offering a call to a trunk: of one entry of CDR.Attempts. ITU-T E.425 calls the offer a seizure.
// Our own refusals are none: they never reach a trunk.
//
//	ASR  answer seizure ratio         answered ÷ all
//	NER  network effectiveness ratio  (answered + busy + no_answer + cancelled) ÷ all: the trunk has reached the called party
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeAnswered  Outcome = "answered"
	OutcomeBusy      Outcome = "busy"      // 486, 600 or 603: busy, or turned down
	OutcomeNoAnswer  Outcome = "no_answer" // 480 or 408, or rang until our ring timeout
	OutcomeCancelled Outcome = "cancelled" // given up on this side after it had rung
	OutcomeAbandoned Outcome = "abandoned" // given up on this side before it rang: the caller may have waited too long
	OutcomeFailed    Outcome = "failed"    // any other answer, or none
)

// Outcomes are all of them.
var Outcomes = []Outcome{OutcomeAnswered, OutcomeBusy, OutcomeNoAnswer, OutcomeCancelled, OutcomeAbandoned, OutcomeFailed}

// Outcome is what came of the i-th attempt of a call that is over.
func (c CDR) Outcome(i int) Outcome {
	code := c.Attempts[i].Code
	switch {
	case i < len(c.Attempts)-1:
		return c.PassedOver(i)
	case c.Disposition == Answered:
		return OutcomeAnswered
	case code >= 300:
		return c.PassedOver(i)
	case c.EndedBy == ByCallee, c.Reason == ReasonTrunk: // fell silent, could not be reached, or hung up with its own 2xx
		return OutcomeFailed
	case code < 180: // it has not rung
		if c.EndedBy == ByTimeout {
			return OutcomeFailed
		}
		return OutcomeAbandoned
	case c.EndedBy == ByTimeout:
		return OutcomeNoAnswer
	}
	return OutcomeCancelled
}

// PassedOver is what came of the i-th attempt, from which the call has gone on to another trunk: its last code tells; below
// 200 there was no final one.
func (c CDR) PassedOver(i int) Outcome {
	switch DispositionOf(c.Attempts[i].Code) {
	case Busy:
		return OutcomeBusy
	case NoAnswer:
		return OutcomeNoAnswer
	}
	return OutcomeFailed
}
