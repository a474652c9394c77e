package rating

import (
	"slices"
	"testing"
)

func TestOutcomeOfAnAttempt(t *testing.T) {
	for _, c := range []struct {
		what  string
		codes []int
		cdr   CDR
		want  []Outcome
	}{
		{"talked", []int{200}, CDR{Disposition: Answered, EndedBy: ByCaller}, []Outcome{OutcomeAnswered}},
		{"taken up by another process, which knows only that it rang", []int{180}, CDR{Disposition: Answered, EndedBy: BySystem}, []Outcome{OutcomeAnswered}},
		{"busy", []int{486}, CDR{Disposition: Busy, EndedBy: ByCallee}, []Outcome{OutcomeBusy}},
		{"turned down", []int{603}, CDR{Disposition: Busy, EndedBy: ByCallee}, []Outcome{OutcomeBusy}},
		{"not there", []int{480}, CDR{Disposition: NoAnswer, EndedBy: ByCallee}, []Outcome{OutcomeNoAnswer}},
		{"no such number", []int{404}, CDR{Disposition: Failed, EndedBy: ByCallee}, []Outcome{OutcomeFailed}},
		{"the first trunk fails, the second one is answered", []int{503, 200}, CDR{Disposition: Answered, EndedBy: ByCallee}, []Outcome{OutcomeFailed, OutcomeAnswered}},
		{"the first trunk is silent, the second one busy", []int{0, 486}, CDR{Disposition: Busy, EndedBy: ByCallee}, []Outcome{OutcomeFailed, OutcomeBusy}},
		{"the caller hears the 480 of the first, the second was silent", []int{480, 0}, CDR{Disposition: NoAnswer, Reason: ReasonTrunk, EndedBy: ByCallee}, []Outcome{OutcomeNoAnswer, OutcomeFailed}},
		{"could not be reached at all", []int{0}, CDR{Disposition: Failed, Reason: ReasonTrunk, EndedBy: BySystem}, []Outcome{OutcomeFailed}},
		{"hung up after it rang", []int{180}, CDR{Disposition: Cancelled, EndedBy: ByCaller}, []Outcome{OutcomeCancelled}},
		{"hung up before it rang", []int{100}, CDR{Disposition: Cancelled, EndedBy: ByCaller}, []Outcome{OutcomeAbandoned}},
		{"hung up before any sign", []int{0}, CDR{Disposition: Cancelled, EndedBy: ByCaller}, []Outcome{OutcomeAbandoned}},
		{"hung up as the answer came", []int{200}, CDR{Disposition: Cancelled, EndedBy: ByCaller}, []Outcome{OutcomeCancelled}},
		{"the trunk hung up with its answer", []int{200}, CDR{Disposition: NoAnswer, EndedBy: ByCallee}, []Outcome{OutcomeFailed}},
		{"rang until the timeout", []int{183}, CDR{Disposition: NoAnswer, EndedBy: ByTimeout}, []Outcome{OutcomeNoAnswer}},
		{"said 100 until the timeout", []int{100}, CDR{Disposition: NoAnswer, EndedBy: ByTimeout}, []Outcome{OutcomeFailed}},
		{"hung up by an operator", []int{180}, CDR{Disposition: Failed, Reason: ReasonUnavailable, EndedBy: ByOperator}, []Outcome{OutcomeCancelled}},
		{"cancelled as we went down", []int{180}, CDR{Disposition: Rejected, Reason: ReasonUnavailable, EndedBy: BySystem}, []Outcome{OutcomeCancelled}},
	} {
		for _, code := range c.codes {
			c.cdr.Attempts = append(c.cdr.Attempts, Attempt{Trunk: "T", Code: code})
		}
		for i, want := range c.want {
			if got := c.cdr.Outcome(i); got != want || !slices.Contains(Outcomes, got) {
				t.Errorf("%s: attempt %d is %q, want %q", c.what, i+1, got, want)
			}
		}
	}
}
