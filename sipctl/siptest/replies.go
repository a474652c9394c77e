package siptest

import "time"

// Reply is a scripted answer to a request. The zero value is 200 OK, with a session description when it answers an INVITE.
type Reply struct {
	Silent  bool          // no answer at all
	After   time.Duration // in a dialog: how much later; repetitions meanwhile get nothing
	Code    int           // 0: 200
	Reason  string
	Headers []Header
	Body    Body
}

func (r Reply) code() int {
	if r.Code == 0 {
		return 200
	}
	return r.Code
}

// Replies chooses by method. It covers requests in a dialog (BYE, re-INVITE, INFO, OPTIONS, …) and OPTIONS outside of one.
type Replies map[string]Reply

// over is the answer for a method: the first table that lists it decides.
func (r Replies) over(others Replies, method string) Reply {
	if answer, listed := r[method]; listed {
		return answer
	}
	return others[method]
}
