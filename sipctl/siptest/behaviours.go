package siptest

import "time"

// Answer rings, and answers after a while.
func Answer(after time.Duration) Behaviour {
	return Behaviour{Script: []Step{{Do: Provisional(180, Body{})}, {After: after, Do: Accept()}}}
}

// AnswerSilently answers after a while without having said a word before, not even 100.
func AnswerSilently(after time.Duration) Behaviour {
	return Behaviour{NoTrying: true, Script: []Step{{After: after, Do: Accept()}}}
}

// EarlyMedia sends 183 with a session description, and answers after a while.
func EarlyMedia(after time.Duration) Behaviour {
	return Behaviour{Script: []Step{{Do: earlyMedia}, {After: after, Do: Accept()}}}
}

func earlyMedia(l *Leg) { l.Provisional(183, l.offer) }

// Reject refuses at once, with headers such as Retry-After or Reason.
func Reject(code int, reason string, script ...Header) Behaviour {
	return Behaviour{Script: []Step{{Do: Refuse(code, reason, script...)}}}
}

// Busy refuses with 486.
func Busy() Behaviour { return Reject(486, "Busy Here") }

// Overloaded refuses with 503 and a Retry-After.
func Overloaded(retryAfter string) Behaviour {
	return Reject(503, "Service Unavailable", Header{"Retry-After", retryAfter})
}

// Redirect refuses with 302 to a contact.
func Redirect(uri string) Behaviour {
	return Reject(302, "Moved Temporarily", Header{"Contact", "<" + uri + ">"})
}

// RejectAfter rings, and refuses after a while.
func RejectAfter(after time.Duration, code int, reason string) Behaviour {
	return Behaviour{Script: []Step{{Do: Provisional(180, Body{})}, {After: after, Do: Refuse(code, reason)}}}
}

// Silent gives no sign at all, like a dead host.
func Silent() Behaviour { return Behaviour{NoTrying: true, Cancel: CancelUnheard} }

// TryingForever says 100 and nothing more; a CANCEL is obeyed.
func TryingForever() Behaviour { return Behaviour{} }

// RingForever rings and never answers; a CANCEL is obeyed.
func RingForever() Behaviour { return Behaviour{Script: []Step{{Do: Provisional(180, Body{})}}} }

// EarlyMediaForever plays early media and never answers: the free call by 183.
func EarlyMediaForever() Behaviour { return Behaviour{Script: []Step{{Do: earlyMedia}}} }

// Many18x sends n times 183 and then answers.
func Many18x(n int, every time.Duration) Behaviour {
	var b Behaviour
	for range n {
		b.Script = append(b.Script, Step{every, earlyMedia})
	}
	b.Script = append(b.Script, Step{every, Accept()})
	return b
}

// Forked answers with n 200s, each with a To tag of its own, back to back.
func Forked(n int) Behaviour {
	b := Answer(0)
	for range n - 1 {
		b.Script = append(b.Script, Step{0, AcceptFork()})
	}
	return b
}

// AnswerOnCancel rings until the CANCEL comes and answers then: the CANCEL that crosses a 200.
func AnswerOnCancel() Behaviour {
	b := RingForever()
	b.Cancel = CancelAnswered
	return b
}

// AnswerDespiteCancel obeys no CANCEL but confirms it, and answers after a while: the late 200.
func AnswerDespiteCancel(after time.Duration) Behaviour {
	b := Answer(after)
	b.Cancel = CancelHollow
	return b
}

// HangUpAfter answers at once and hangs up when it has talked for d.
func HangUpAfter(d time.Duration, script ...Header) Behaviour {
	b := Answer(0)
	b.Script = append(b.Script, Step{d, HangUp(script...)})
	return b
}

// ReinviteAfter answers at once and sends a re-INVITE when it has talked for d.
func ReinviteAfter(d time.Duration, offer Body) Behaviour {
	b := Answer(0)
	b.Script = append(b.Script, Step{d, Send("INVITE", offer)})
	return b
}

// DeafToBye answers at once and never answers a BYE.
func DeafToBye() Behaviour {
	b := Answer(0)
	b.Replies = Replies{"BYE": {Silent: true}}
	return b
}

// CrashAfter answers at once; when it has talked for d, the whole carrier goes deaf.
func CrashAfter(d time.Duration) Behaviour {
	b := Answer(0)
	b.Script = append(b.Script, Step{d, GoDeaf})
	return b
}

// Challenged demands credentials with 401 before it does as the rest says; any credentials will do.
func Challenged(realm string, then Behaviour) Behaviour {
	then.Demand = &Challenge{Code: 401, Header: Header{"WWW-Authenticate",
		`Digest realm="` + realm + `", nonce="4f9b1c", algorithm=MD5, qop="auth"`}}
	return then
}
