package siptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Summary is how a Load has gone so far. Placed = Up + Failed + Completed + ByeFailed + Cut + Crossed.
type Summary struct {
	Elapsed   time.Duration // since the first call
	Placing   time.Duration // of it, until the last call was placed
	Placed    int
	LeftOut   int           // not placed, because MaxUp calls were up
	Behind    time.Duration // what the generator itself was too slow for
	Up        int           // in set-up, talking, or being ended
	MostUp    int
	Answered  int
	Completed int         // answered, talked, ended with BYE and 200
	Failed    int         // not answered
	Failures  map[int]int // of them by final response; 0: none came
	ByeFailed int         // our BYE got no 200
	Cut       int         // ended by the other side
	Crossed   int         // answered while we were cancelling

	Retransmitted int64 // requests that we have sent again
	Repeats       int64 // messages that came again
	Strays        int64 // messages for no call that we know

	Ring       Latency // INVITE to the first provisional above 100
	AnswerTime Latency // INVITE to 2xx
	ByeTime    Latency // BYE to 200
}

func (s *Summary) clone() *Summary {
	c := *s
	c.Failures = maps.Clone(s.Failures)
	return &c
}

// Rate is the calls placed per second.
func (s *Summary) Rate() float64 {
	if s.Placing <= 0 {
		return 0
	}
	return float64(s.Placed) / s.Placing.Seconds()
}

// Clean tells that every call placed has been answered and ended in order, and none was left out.
func (s *Summary) Clean() bool {
	return s.Completed == s.Placed && s.LeftOut == 0 && s.Behind == 0
}

// String is a table of a few lines.
func (s *Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "calls    %d placed in %s (%.0f/s), %d answered, %d completed, at most %d at a time\n",
		s.Placed, s.Elapsed.Round(10*time.Millisecond), s.Rate(), s.Answered, s.Completed, s.MostUp)
	fmt.Fprintf(&b, "trouble  %d failed%s, %d cut by the other side, %d crossed, %d BYE unanswered, %d left out, %d still up\n",
		s.Failed, s.byCode(), s.Cut, s.Crossed, s.ByeFailed, s.LeftOut, s.Up)
	fmt.Fprintf(&b, "packets  %d sent again, %d came again, %d strays\n", s.Retransmitted, s.Repeats, s.Strays)
	fmt.Fprintf(&b, "ring     %s\nanswer   %s\nbye      %s\n", s.Ring.String(), s.AnswerTime.String(), s.ByeTime.String())
	return b.String()
}

func (s *Summary) byCode() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(s.Failures)) {
		name := fmt.Sprint(code)
		if code == 0 {
			name = "no answer"
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, s.Failures[code]))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
