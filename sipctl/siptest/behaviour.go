package siptest

import "time"

// Behaviour is what a carrier does with one INVITE: a script in time, and answers to what the other side does meanwhile.
// The zero value says 100 Trying and nothing else, ever.
type Behaviour struct {
	Script   []Step
	NoTrying bool         // no 100 Trying before the script
	Cancel   CancelPolicy // what a CANCEL meets
	Replies  Replies      // answers to requests in the dialog, before the carrier's own
	Session  Body         // our session description; default a small one
	Demand   *Challenge   // credentials that the INVITE must carry
	Headers  []Header     // in every response above 100 of the script
}

// Step is one thing to do, After the step before it (the first: after the INVITE). HangUp and Send wait for the ACK too.
type Step struct {
	After time.Duration
	Do    Action
}

// Action does something with a call. It is called without any lock, so that it may use every method of Leg, but should not
// wait: further steps of the same call come after it.
type Action func(*Leg)

// CancelPolicy is what a CANCEL of a call in set-up meets.
type CancelPolicy int

// The policies.
const (
	CancelObeyed   CancelPolicy = iota // 200 to the CANCEL, 487 to the INVITE
	CancelAnswered                     // 200 to the CANCEL and 200 to the INVITE: it was answered in that instant
	CancelUnheard                      // neither: the CANCEL is lost, the script goes on
	CancelHollow                       // 200 to the CANCEL, then the script goes on as if nothing had been
)

// Challenge is a demand for credentials: the INVITE gets Code with the header, unless Accept finds credentials in it.
type Challenge struct {
	Code   int // 401 or 407
	Header Header
	Accept func(*Message) bool // nil: any Authorization or Proxy-Authorization header will do
}

func (c *Challenge) satisfied(m *Message) bool {
	if c == nil {
		return true
	}
	if c.Accept != nil {
		return c.Accept(m)
	}
	return m.Get("Authorization") != "" || m.Get("Proxy-Authorization") != ""
}

// Actions.

// Provisional sends an 18x; with early media when b is not empty.
func Provisional(code int, b Body, script ...Header) Action {
	return func(l *Leg) { l.Provisional(code, b, script...) }
}

// Accept sends 200 with the leg's session description.
func Accept(script ...Header) Action { return func(l *Leg) { l.Accept(script...) } }

// AcceptFork sends one more 200 with a To tag of its own, as a forking proxy behind the carrier would.
func AcceptFork(script ...Header) Action { return func(l *Leg) { l.AcceptFork(script...) } }

// Refuse sends a final response that is no 2xx.
func Refuse(code int, reason string, script ...Header) Action {
	return func(l *Leg) { l.Refuse(code, reason, script...) }
}

// HangUp sends BYE in every dialog of the leg that is up.
func HangUp(script ...Header) Action { return func(l *Leg) { l.HangUp(script...) } }

// Send sends any other request in the dialog, a re-INVITE or an INFO for example. Its answer is not waited for.
func Send(method string, b Body, script ...Header) Action {
	return func(l *Leg) { l.Send(method, b, script...) }
}

// GoDeaf makes the carrier deaf as a whole, in the middle of this call.
func GoDeaf(l *Leg) { l.carrier.Deaf(true) }
