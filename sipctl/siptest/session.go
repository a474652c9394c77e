package siptest

import (
	"slices"
	"sync"
	"time"
)

// Side says which end of a dialog did something, seen from the user agent that tells it.
type Side string

// The ends of a dialog.
const (
	Local  Side = "local"
	Remote Side = "remote"
)

// End is how a dialog ended: with the first BYE, sent or received.
type End struct {
	By     Side
	Reason string // the Reason header of that BYE (RFC 3326)
	At     time.Time
}

type dialogKey struct{ callID, localTag string }

const (
	maxHeard  = 256 // requests kept of one dialog
	maxStored = 8   // answers kept of one dialog, for repeated requests
)

// session is a dialog (RFC 3261 §12) and the requests in it, in both directions; the same for either end of the wire. Its
// owner, a Call or a Leg, lends it its lock: every method but receive is called with it held.
type session struct {
	a    *ua
	lock *sync.Mutex
	key  dialogKey

	local, remote string // From and To of our requests, with tags
	contact       string
	target        string   // the remote target: where our requests are addressed
	routes        []string // the route set, first hop first
	way           peer     // where the other side was last heard: the way when target names no address
	cseq          uint32   // of our latest request
	remoteCSeq    int64    // of theirs; -1: none yet

	answeredAt, ackedAt time.Time
	end                 End
	offer               Body       // our session description
	accept              *repeater  // our 2xx until its ACK comes
	acceptCSeq          uint32     // CSeq of the INVITE that it answers
	reinviting          *clientTx  // our re-INVITE while it waits for its answer
	acks                []ackedTag // our ACKs, for repeated 2xx
	stored              []storedReply
	heard               []*Message
	replies             Replies
	auth                Authorizer // answers challenges to our requests; nil: they are final
	deaf                bool

	owner owner
}

// owner is told what happens in a session, with the lock held.
type owner interface {
	changed(*session) // something a waiter may wait for, the ACK for example
	ended(*session)   // the first BYE
}

type storedReply struct {
	key     txKey
	message []byte
}

type ackedTag struct {
	cseq    uint32
	message []byte
	to      peer
}

// receive takes a request in the dialog from the socket.
func (s *session) receive(m *Message) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.deaf {
		return
	}
	if m.Method == "ACK" {
		s.acknowledged(m)
		return
	}
	key := txKey{m.Branch(), m.Method}
	if i := slices.IndexFunc(s.stored, func(r storedReply) bool { return r.key == key }); i >= 0 {
		s.a.count.repeats.Add(1)
		if s.stored[i].message != nil {
			_, _ = s.a.send(replyTo(m), s.stored[i].message)
		}
		return
	}
	if m.Method != "CANCEL" {
		if int64(m.cseq) <= s.remoteCSeq {
			s.answer(m, key, Reply{Code: 500, Reason: "CSeq Out Of Order"}) // RFC 3261 §12.2.2
			return
		}
		s.remoteCSeq = int64(m.cseq)
	}
	s.way = m.from
	if !s.a.conf.Lean && len(s.heard) < maxHeard {
		s.heard = append(s.heard, m)
	}
	answer := s.choose(m)
	if m.Method == "BYE" && answer.code() != 401 && answer.code() != 407 { // noted before it is answered: who has the 200 finds it in the record
		s.finish(Remote, m.Get("Reason"), m.At)
	}
	s.answer(m, key, answer)
	s.owner.changed(s)
}

// choose is the script's answer, but where the state of the dialog leaves no choice.
func (s *session) choose(m *Message) Reply {
	switch {
	case m.Method == "CANCEL":
		return Reply{Code: 481} // nothing of ours takes long enough to be cancelled
	case s.end.By != "" && m.Method != "BYE":
		return Reply{Code: 481}
	case m.Method == "INVITE" && (s.reinviting != nil || s.accept != nil):
		return Reply{Code: 491} // RFC 3261 §14.2
	}
	r, scripted := s.replies[m.Method]
	if !scripted {
		r = s.a.reply(m.Method)
	}
	if r.Unless != nil && r.Unless(m) {
		r = Reply{}
	}
	if (m.Method == "INVITE" || m.Method == "UPDATE" && m.Body != "") && r.code() < 300 {
		if r.Body.Text == "" {
			r.Body = s.offer
		}
		if contact := m.Get("Contact"); contact != "" {
			s.target = AddressURI(contact) // target refresh (RFC 3261 §12.2.2)
		}
	}
	return r
}

// answer replies to m, keeps the answer for repetitions, and repeats a 2xx to a re-INVITE until its ACK comes.
func (s *session) answer(m *Message, key txKey, r Reply) {
	var message []byte
	if !r.Silent {
		contact := ""
		if m.Method == "INVITE" || m.Method == "UPDATE" {
			contact = s.contact
		}
		message = writeReply(m, r.code(), r.Reason, "", contact, r.Headers, r.Body)
	}
	if len(s.stored) == maxStored {
		s.stored = s.stored[1:]
	}
	if r.Silent || r.After == 0 {
		s.stored = append(s.stored, storedReply{key, message})
		s.deliver(m, r, message)
		return
	}
	s.stored = append(s.stored, storedReply{key, nil})
	s.a.after(r.After, func() {
		s.lock.Lock()
		defer s.lock.Unlock()
		if i := slices.IndexFunc(s.stored, func(r storedReply) bool { return r.key == key }); i >= 0 {
			s.stored[i].message = message
		}
		s.deliver(m, r, message)
	})
}

func (s *session) deliver(m *Message, r Reply, message []byte) {
	switch {
	case r.Silent:
	case m.Method == "INVITE" && r.code() < 300:
		s.accepted(m, message)
	default:
		_, _ = s.a.send(replyTo(m), message)
	}
}

// accepted sends our 2xx to an INVITE until its ACK comes; without one the dialog is over (RFC 3261 §13.3.1.4).
func (s *session) accepted(invite *Message, message []byte) (sent time.Time) {
	s.accept = &repeater{a: s.a, lock: s.lock, message: message, to: replyTo(invite), giveUp: func() {
		s.accept = nil
		s.bye(nil, nil)
	}}
	s.acceptCSeq = invite.cseq
	sent, _ = s.accept.start(false, t2*s.a.t1)
	return sent
}

func (s *session) acknowledged(m *Message) {
	if m.cseq != s.acceptCSeq {
		return // of a refused re-INVITE: nothing of ours waits for it
	}
	if s.accept == nil {
		s.a.count.repeats.Add(1)
		return
	}
	s.accept.stop()
	s.accept = nil
	if s.ackedAt.IsZero() {
		s.ackedAt = m.At
	}
	s.owner.changed(s)
}

// next is the next request of ours in the dialog.
func (s *session) next(method string) request {
	s.cseq++
	q := request{method: method, uri: s.target, branch: s.a.newBranch(), from: s.local, to: s.remote,
		callID: s.key.callID, cseq: s.cseq, routes: s.routes}
	return q
}

// destination is the first route's address or the target's (loose routing, RFC 3261 §12.2.1.1).
func (s *session) destination() peer {
	uri := s.target
	if len(s.routes) > 0 {
		uri = AddressURI(s.routes[0])
	}
	if addr, found := hostPort(uri); found {
		return peer{addr: addr, conn: s.way.conn}
	}
	return s.way
}

// do sends a request in the dialog, and again with credentials where it is challenged; over is called once, with the lock
// held.
func (s *session) do(method string, script []Header, b Body, over func(*Message, error)) {
	given := 0
	var answered func(*Message, error)
	answered = func(m *Message, err error) {
		if s.auth != nil && challenged(m, given) {
			if credentials, known := s.auth(m, method, s.target); known {
				given++
				s.send(method, append(script[:len(script):len(script)], credentials), b, answered)
				return
			}
		}
		over(m, err)
	}
	s.send(method, script, b, answered)
}

// send sends a request in the dialog; over is called once, with the lock held.
func (s *session) send(method string, script []Header, b Body, over func(*Message, error)) {
	q := s.next(method)
	contact := ""
	if method == "INVITE" || method == "UPDATE" {
		contact = s.contact
	}
	tx := &clientTx{over: over}
	if method == "INVITE" {
		s.reinviting = tx
		tx.heard = func(m *Message) { s.reinviteAnswered(tx, m) }
		tx.over = func(m *Message, err error) {
			s.reinviting = nil
			over(m, err)
		}
	}
	s.a.begin(s.lock, q, q.write(s.a, contact, script, b), s.destination(), tx)
}

func (s *session) reinviteAnswered(tx *clientTx, m *Message) {
	if m.Code < 200 || m.Code >= 300 {
		return
	}
	if contact := m.Get("Contact"); contact != "" {
		s.target = AddressURI(contact)
	}
	s.ack(tx.request.cseq, nil)
}

// ack acknowledges a 2xx, again if it has been before (RFC 3261 §13.2.2.4: the same ACK for every copy).
func (s *session) ack(cseq uint32, script []Header) {
	i := slices.IndexFunc(s.acks, func(k ackedTag) bool { return k.cseq == cseq })
	if i < 0 {
		q := request{method: "ACK", uri: s.target, branch: s.a.newBranch(), from: s.local, to: s.remote,
			callID: s.key.callID, cseq: cseq, routes: s.routes}
		if len(s.acks) == maxStored {
			s.acks = s.acks[1:]
		}
		s.acks = append(s.acks, ackedTag{cseq, q.write(s.a, "", script, Body{}), s.destination()})
		i = len(s.acks) - 1
	}
	_, _ = s.a.send(s.acks[i].to, s.acks[i].message)
}

// bye sends BYE; the dialog is over when it leaves, whatever comes back. A second BYE is sent too, if a script says so.
func (s *session) bye(script []Header, over func(*Message, error)) {
	if over == nil {
		over = func(*Message, error) {}
	}
	reason := ""
	for _, h := range script {
		if sameName(h.Name, "Reason") {
			reason = h.Value
		}
	}
	at := time.Now()
	s.do("BYE", script, Body{}, over)
	s.finish(Local, reason, at)
	s.owner.changed(s)
}

// finish notes the first BYE and stops what still waits for an ACK.
func (s *session) finish(by Side, reason string, at time.Time) {
	if s.end.By != "" {
		return
	}
	s.end = End{by, reason, at}
	if s.accept != nil {
		s.accept.stop()
		s.accept = nil
	}
	s.a.bury(s)
	s.owner.ended(s)
}

func (s *session) forget(a *ua) {
	a.mu.Lock()
	if a.dialogs[s.key] == s { // a script may have placed a second call under the same name
		delete(a.dialogs, s.key)
	}
	a.mu.Unlock()
	s.lock.Lock()
	defer s.lock.Unlock()
	s.acks, s.stored = nil, nil
}

// talked is the answered time until the end, or until now while there is none.
func (s *session) talked() time.Duration {
	switch {
	case s.answeredAt.IsZero():
		return 0
	case s.end.By == "":
		return time.Since(s.answeredAt)
	}
	return s.end.At.Sub(s.answeredAt)
}
