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
	Unless  func(*Message) bool // if set and true of the request: 200 instead
}

func (r Reply) code() int {
	if r.Code == 0 {
		return 200
	}
	return r.Code
}

// Replies chooses by method. It covers requests in a dialog (BYE, re-INVITE, INFO, OPTIONS, …) and OPTIONS outside of one.
type Replies map[string]Reply

// SetReply changes the user agent's answer to requests of a method, from the next one on.
func (a *ua) SetReply(method string, r Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.replies[method] = r
}

func (a *ua) reply(method string) Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.replies[method]
}
