package siptest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rejected is the error of waiting for an answer that turned out to be a refusal.
type Rejected struct{ Response *Message }

func (r *Rejected) Error() string { return "rejected: " + r.Response.String() }

const (
	maxResponses = 256 // responses kept of one call
	maxForks     = 64  // further dialogs of one call
)

// Call is one call of a Phone, from the INVITE to the BYE.
type Call struct {
	phone *Phone
	plan  Plan
	bell  bell

	mu        sync.Mutex // guards what follows
	dialog    session
	tx        *clientTx // the INVITE's
	sentAt    time.Time // the first INVITE
	challenge int       // so many challenges have been answered
	responses []*Message
	early     *Message   // the last provisional
	answer    *Message   // the first 2xx
	failure   error      // why there is none: *Rejected, ErrTimeout, or no way to send
	cancel    bool       // to be cancelled as soon as a provisional permits it
	cancelled bool       // CANCEL has been sent
	lostAcks  int        // see Plan.LoseAcks
	forks     []*session // further dialogs that 2xx have opened

	rang  bool        // for the load generator: the ring time has been taken
	limit *time.Timer // for the load generator: of ringing, then of talking
}

// invite sends the INVITE, or the INVITE with credentials.
func (c *Call) invite(credentials *Header) {
	s := &c.dialog
	q := s.next("INVITE")
	q.uri = c.plan.RequestURI
	script := append(c.phone.config.Headers[:len(c.phone.config.Headers):len(c.phone.config.Headers)], c.plan.Headers...)
	if credentials != nil {
		script = append(script, *credentials)
	}
	message := q.write(s.a, s.contact, script, c.plan.Body)
	if c.plan.Rewrite != nil {
		message = c.plan.Rewrite(message)
	}
	c.tx = &clientTx{heard: c.onResponse, over: c.onFinal}
	if credentials == nil {
		c.sentAt = time.Now()
		if err := s.a.enlist(s); err != nil {
			c.onFinal(nil, err)
			return
		}
	}
	s.a.begin(&c.mu, q, message, peer{addr: c.phone.config.Server}, c.tx)
}

// onResponse takes every response to the INVITE.
func (c *Call) onResponse(m *Message) {
	if !c.phone.conf.Lean && len(c.responses) < maxResponses {
		c.responses = append(c.responses, m)
	}
	switch {
	case m.Code < 200:
		c.onProvisional(m)
	case m.Code < 300:
		c.onAccept(m)
	}
	c.bell.ring()
}

func (c *Call) onProvisional(m *Message) {
	if c.answer != nil || c.failure != nil {
		return // overtaken by its final response
	}
	c.early = m
	if m.ToTag() != "" { // an early dialog (RFC 3261 §12.1.2)
		c.establish(&c.dialog, m)
	}
	if c.cancel && !c.cancelled {
		c.sendCancel(nil)
	}
	if c.plan.watch != nil {
		c.plan.watch.provisional(c, m)
	}
}

// establish fills in the other side of a dialog from a response (RFC 3261 §12.1.2).
func (c *Call) establish(s *session, m *Message) {
	s.remote, s.way = m.toValue, m.from
	if contact := m.Get("Contact"); contact != "" {
		s.target = AddressURI(contact)
	}
	s.routes = m.All("Record-Route")
	for i, j := 0, len(s.routes)-1; i < j; i, j = i+1, j-1 {
		s.routes[i], s.routes[j] = s.routes[j], s.routes[i]
	}
}

// onAccept takes a 2xx: the first, a copy of it, another branch of a fork, or one that comes after a refusal.
func (c *Call) onAccept(m *Message) {
	switch {
	case c.failure != nil: // two final answers that contradict each other: end the second, and let it be seen
		c.phone.count.lateAnswers.Add(1)
		c.onFork(m)
	case c.answer == nil:
		c.answer = m
		c.establish(&c.dialog, m)
		c.dialog.answeredAt = m.At
		c.ackFirst()
		if c.cancelled { // it crossed our CANCEL (RFC 3261 §9.1)
			c.dialog.bye(nil, nil)
		}
	case m.ToTag() == c.answer.ToTag():
		c.phone.count.repeats.Add(1)
		if !c.dialog.ackedAt.IsZero() {
			c.sendAck()
		}
	default:
		c.onFork(m)
	}
}

// ackFirst acknowledges as the plan says. A phone that does not answer its peers any more does not acknowledge either.
func (c *Call) ackFirst() {
	switch {
	case c.plan.NoAck || c.dialog.deaf:
	case c.plan.AckAfter > 0:
		c.phone.after(c.plan.AckAfter, func() { c.Ack() })
	default:
		c.sendAck()
	}
}

func (c *Call) sendAck() {
	if c.dialog.ackedAt.IsZero() {
		c.dialog.ackedAt = time.Now()
	}
	if c.lostAcks < c.plan.LoseAcks {
		c.lostAcks++
		return
	}
	c.dialog.ack(c.answer.cseq, nil)
}

// onFork acknowledges a 2xx of another branch, and ends that branch (RFC 3261 §13.2.2.4).
func (c *Call) onFork(m *Message) {
	if i := slices.IndexFunc(c.forks, func(s *session) bool { return s.remote == m.toValue }); i >= 0 {
		c.phone.count.repeats.Add(1)
		c.forks[i].ack(m.cseq, nil)
		return
	}
	if len(c.forks) == maxForks {
		return
	}
	d := &c.dialog
	fork := &session{a: d.a, lock: d.lock, key: d.key, local: d.local, contact: d.contact, cseq: m.cseq, owner: nobody{}}
	c.forks = append(c.forks, fork)
	c.establish(fork, m)
	fork.ack(m.cseq, nil)
	if !c.plan.KeepForks {
		fork.do("BYE", nil, Body{}, func(*Message, error) {})
	}
}

// nobody owns the dialogs that a fork has opened too many: they are ended unseen.
type nobody struct{}

func (nobody) changed(*session) {}
func (nobody) ended(*session)   {}

// onFinal takes the outcome of the INVITE.
func (c *Call) onFinal(m *Message, err error) {
	switch {
	case err != nil:
		c.failure = fmt.Errorf("%s: INVITE: %w", c.phone.conf.Name, err)
	case m.Code >= 300:
		if c.authorize(m) {
			return
		}
		c.failure = &Rejected{m}
	}
	if c.failure != nil {
		c.dialog.a.bury(&c.dialog)
	}
	if c.phone.conf.Lean {
		c.early = nil
	}
	c.bell.ring()
	if c.plan.watch != nil {
		c.plan.watch.final(c)
	}
}

// authorize answers a challenge, once, and again where only the nonce was outdated.
func (c *Call) authorize(m *Message) bool {
	if c.plan.Auth == nil || c.cancelled || !challenged(m, c.challenge) {
		return false
	}
	credentials, known := c.plan.Auth(m, "INVITE", c.plan.RequestURI)
	if !known {
		return false
	}
	c.challenge++
	c.dialog.remote = "<sip:" + c.plan.Number + "@" + c.phone.config.Domain + ">"
	c.invite(&credentials)
	return true
}

func (c *Call) changed(*session) { c.bell.ring() }

func (c *Call) ended(*session) {
	c.bell.ring()
	if c.plan.watch != nil {
		c.plan.watch.ended(c)
	}
}

// sendCancel cancels the INVITE (RFC 3261 §9.1): same Request-URI, branch and CSeq number.
func (c *Call) sendCancel(over func(*Message, error)) {
	if over == nil {
		over = func(*Message, error) {}
	}
	c.cancelled = true
	q := c.tx.request
	q.method = "CANCEL"
	c.phone.begin(&c.mu, q, q.write(&c.phone.ua, "", nil, Body{}), peer{addr: c.phone.config.Server}, &clientTx{over: over})
}

// abandon cancels as soon as RFC 3261 §9.1 permits it: after a provisional.
func (c *Call) abandon() {
	switch {
	case c.cancelled || c.answer != nil || c.failure != nil:
	case c.early == nil:
		c.cancel = true
	default:
		c.sendCancel(nil)
	}
}

func (c *Call) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandon()
}

// state tells how far the call has come, for the error of a wait.
func (c *Call) state() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var heard []string
	for _, m := range c.responses {
		heard = append(heard, fmt.Sprint(m.Code))
	}
	if len(heard) == 0 {
		heard = []string{"nothing"}
	}
	return fmt.Sprintf("call %s to %s has heard %s", c.plan.CallID, c.plan.Number, strings.Join(heard, " "))
}

// wait waits for something that the call's lock guards.
func (c *Call) wait(ctx context.Context, what string, so func() bool) error {
	return c.phone.wait(ctx, &c.bell, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return so()
	}, what, c.state)
}
