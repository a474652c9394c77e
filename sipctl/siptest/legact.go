package siptest

import (
	"context"
	"fmt"
	"slices"
)

// Invite is the INVITE as it came.
func (l *Leg) Invite() *Message { return l.invite }

// Provisional sends a provisional response, unless the final one is out.
func (l *Leg) Provisional(code int, b Body, script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.final == 0 {
		l.respond(code, "", script, b, l.first.key.localTag)
	}
}

// Accept answers with 200, unless a final response is out.
func (l *Leg) Accept(script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.final == 0 {
		l.accept(&l.first, script)
	}
}

// AcceptFork answers with a further 200 that has a To tag of its own. It comes after Accept, or after a refusal, in which
// case the two contradict each other.
func (l *Leg) AcceptFork(script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fork := &session{}
	l.open(fork)
	if l.carrier.enlist(fork) == nil {
		l.forks = append(l.forks, fork)
		l.accept(fork, script)
	}
}

// Refuse sends a final response that is no 2xx, unless a final one is out.
func (l *Leg) Refuse(code int, reason string, script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.final == 0 {
		l.refuse(code, reason, script)
	}
}

// HangUp sends BYE in every dialog that is up, as soon as the answer is acknowledged (RFC 3261 §15).
func (l *Leg) HangUp(script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whenAcked(func() {
		for _, s := range append([]*session{&l.first}, l.forks...) {
			if !s.answeredAt.IsZero() && s.end.By == "" {
				s.bye(script, nil)
			}
		}
	})
}

// Send sends a request in the first dialog, as soon as the answer is acknowledged, and does not wait for its answer.
func (l *Leg) Send(method string, b Body, script ...Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whenAcked(func() { l.first.do(method, script, b, func(*Message, error) {}) })
}

// Request sends a request in the first dialog, as soon as the answer is acknowledged, and waits for its final response.
func (l *Leg) Request(ctx context.Context, method string, b Body, script ...Header) (*Message, error) {
	return l.carrier.await(ctx, method, &l.mu, func(over func(*Message, error)) {
		l.whenAcked(func() { l.first.do(method, script, b, over) })
	})
}

func (l *Leg) whenAcked(do func()) {
	switch {
	case l.first.accept == nil:
		do()
	case len(l.held) < maxHeld:
		l.held = append(l.held, do)
	}
}

// Vanish makes the carrier forget this call: nothing in its dialogs is answered any more.
func (l *Leg) Vanish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first.deaf = true
	for _, s := range l.forks {
		s.deaf = true
	}
}

// Acked waits for the ACK to the 200.
func (l *Leg) Acked(ctx context.Context) error {
	return l.wait(ctx, "the ACK", func() bool { return !l.first.ackedAt.IsZero() })
}

// Cancelled waits for a CANCEL.
func (l *Leg) Cancelled(ctx context.Context) error {
	return l.wait(ctx, "a CANCEL", func() bool { return !l.cancelled.IsZero() })
}

// Ended waits for the first BYE of the first dialog, sent or received.
func (l *Leg) Ended(ctx context.Context) (End, error) {
	err := l.wait(ctx, "the end", func() bool { return l.first.end.By != "" })
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first.end, err
}

// WaitRequest waits for a request of the other side in the first dialog and returns the first of this method.
func (l *Leg) WaitRequest(ctx context.Context, method string) (*Message, error) {
	var found *Message
	err := l.wait(ctx, method, func() bool {
		i := slices.IndexFunc(l.first.heard, func(m *Message) bool { return m.Method == method })
		if i >= 0 {
			found = l.first.heard[i]
		}
		return found != nil
	})
	return found, err
}

// Requests are the requests of the other side in the first dialog so far, without copies and ACKs.
func (l *Leg) Requests() []*Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.first.heard)
}

func (l *Leg) wait(ctx context.Context, what string, so func() bool) error {
	return l.carrier.wait(ctx, &l.carrier.bell, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return so()
	}, what, func() string { return fmt.Sprintf("call %s to %s", l.invite.callID, l.number) })
}
