package siptest

import (
	"slices"
	"sync"
	"time"
)

// Leg is one INVITE that a carrier has got, and the dialogs that come of it.
type Leg struct {
	carrier   *Carrier
	invite    *Message
	behaviour Behaviour
	number    string
	branch    string
	offer     Body // our session description

	mu        sync.Mutex // guards what follows
	first     session    // the dialog of our first To tag, answered or not
	forks     []*session // further dialogs, by AcceptFork
	step      int        // the next of the script
	last      []byte     // the latest response, for a repeated INVITE
	final     int        // code of the final response, 0: none yet
	refusal   *repeater  // our non-2xx until its ACK comes
	held      []func()   // what waits for the ACK
	cancelled time.Time  // when the CANCEL came
	why       string     // its Reason header
}

const maxHeld = 64 // actions of a leg that wait for its ACK

func (k *Carrier) newLeg(m *Message, b Behaviour) *Leg {
	l := &Leg{carrier: k, invite: m, behaviour: b, number: User(m.URI), branch: m.Branch(), offer: b.Session}
	if l.offer.Text == "" {
		l.offer = k.ua.offer
	}
	l.open(&l.first)
	return l
}

// open makes a dialog with a To tag of its own (RFC 3261 §12.1.1).
func (l *Leg) open(s *session) {
	m, k := l.invite, l.carrier
	tag := k.token()
	*s = session{
		a: &k.ua, lock: &l.mu, key: dialogKey{m.callID, tag},
		local: m.toValue + ";tag=" + tag, remote: m.fromValue, contact: k.contact(l.number),
		target: AddressURI(m.Get("Contact")), routes: m.All("Record-Route"), way: m.from, remoteCSeq: int64(m.cseq),
		offer: l.offer, replies: l.behaviour.Replies, owner: l,
	}
	if s.target == "" { // no Contact: the INVITE is at fault, but its BYE must go somewhere
		s.target = AddressURI(m.fromValue)
	}
}

// begin answers the INVITE with 100 and plays the script.
func (l *Leg) begin() {
	if !l.behaviour.NoTrying {
		l.mu.Lock()
		l.respond(100, "", nil, Body{}, "")
		l.mu.Unlock()
	}
	l.play()
}

// play does the steps that are due and sets a timer for the next.
func (l *Leg) play() {
	for step := l.next(); step != nil; step = l.next() {
		if step.After > 0 {
			l.carrier.after(step.After, func() {
				if l.going() {
					step.Do(l)
					l.play()
				}
			})
			return
		}
		step.Do(l)
	}
}

func (l *Leg) next() *Step {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.step >= len(l.behaviour.Script) || l.over() {
		return nil
	}
	l.step++
	return &l.behaviour.Script[l.step-1]
}

func (l *Leg) going() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over()
}

// over tells that the script has nothing more to do: refused, or all dialogs ended.
func (l *Leg) over() bool { return l.final >= 300 || l.final >= 200 && !l.up() }

func (l *Leg) up() bool {
	return l.first.end.By == "" || slices.ContainsFunc(l.forks, func(s *session) bool { return s.end.By == "" })
}

// ackedRefusal takes an ACK with the INVITE's branch (RFC 3261 §17.1.1.3). After a 2xx it is no such ACK: some phones use the
// branch again for the ACK to a 2xx.
func (l *Leg) ackedRefusal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refusal != nil {
		l.refusal.stop()
		l.refusal = nil
	}
	return l.final >= 300
}

// receive takes the INVITE when it is repeated, and its CANCEL.
func (l *Leg) receive(m *Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch m.Method {
	case "INVITE":
		l.carrier.count.repeats.Add(1)
		if l.last != nil && l.final/100 != 2 { // a 2xx repeats itself (RFC 6026 §7.1)
			_, _ = l.carrier.send(replyTo(m), l.last)
		}
	case "CANCEL":
		l.onCancel(m)
	}
}

func (l *Leg) onCancel(m *Message) {
	if l.cancelled.IsZero() {
		l.cancelled, l.why = m.At, m.Get("Reason")
		l.carrier.bell.ring()
	} else {
		l.carrier.count.repeats.Add(1)
	}
	if l.behaviour.Cancel == CancelUnheard {
		return
	}
	_, _ = l.carrier.send(replyTo(m), writeReply(m, 200, "", l.first.key.localTag, "", nil, Body{}))
	switch {
	case l.final != 0:
	case l.behaviour.Cancel == CancelObeyed:
		l.refuse(487, "", nil)
	case l.behaviour.Cancel == CancelAnswered:
		l.accept(&l.first, nil)
	}
}

// respond writes a response to the INVITE and keeps it for repetitions; a provisional is sent at once.
func (l *Leg) respond(code int, reason string, script []Header, b Body, toTag string) []byte {
	contact := ""
	if code > 100 && code < 300 {
		contact = l.first.contact
	}
	if len(l.behaviour.Headers) > 0 && code > 100 {
		script = append(slices.Clone(l.behaviour.Headers), script...)
	}
	l.last = writeReply(l.invite, code, reason, toTag, contact, script, b)
	if code < 200 {
		_, _ = l.carrier.send(replyTo(l.invite), l.last)
	}
	return l.last
}

func (l *Leg) refuse(code int, reason string, script []Header) {
	l.final = code
	message := l.respond(code, reason, script, Body{}, l.first.key.localTag)
	r := &repeater{a: &l.carrier.ua, lock: &l.mu, message: message, to: replyTo(l.invite), giveUp: func() { l.refusal = nil }}
	_, _ = r.start(l.carrier.wire.reliable(), t2*l.carrier.t1)
	l.refusal = r
	l.carrier.bury(&l.first)
	l.carrier.bury(l)
	l.carrier.bell.ring()
}

func (l *Leg) accept(s *session, script []Header) {
	l.final = 200
	message := l.respond(200, "", script, l.offer, s.key.localTag)
	l.carrier.note(func(t *Totals) { t.Answered++ }) // before it is sent: who has the 200 finds it in the record
	s.answeredAt = s.accepted(l.invite, message)
}

// changed does what has waited for the ACK.
func (l *Leg) changed(s *session) {
	if s == &l.first && s.accept == nil && len(l.held) > 0 {
		held := l.held
		l.held = nil
		for _, do := range held {
			do()
		}
	}
	l.carrier.bell.ring()
}

// ended notes the first BYE of a dialog. A BYE before the answer takes the INVITE with it (RFC 3261 §15.1.2).
func (l *Leg) ended(s *session) {
	if s.answeredAt.IsZero() {
		if l.final == 0 {
			l.refuse(487, "", nil)
		}
		return
	}
	talked := s.talked()
	l.carrier.note(func(t *Totals) {
		t.Ended++
		t.Talked += talked
	})
	if !l.up() {
		l.held = nil
		l.carrier.bury(l)
	}
}

// forget frees what only repetitions needed; the record keeps the rest.
func (l *Leg) forget(*ua) {
	l.carrier.table.Lock()
	if l.carrier.invites[l.branch] == l {
		delete(l.carrier.invites, l.branch)
	}
	l.carrier.table.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.behaviour = nil, Behaviour{}
}
