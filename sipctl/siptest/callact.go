package siptest

import (
	"context"
	"errors"
	"time"
)

var errNotYet = errors.New("the call has no 2xx to act on")

// Cancel cancels the call as RFC 3261 §9.1 wants it, after the first provisional, and waits for the answer to the CANCEL.
// What became of the call, Final tells: 487, or a 2xx that crossed the CANCEL and has been ended with BYE.
func (c *Call) Cancel(ctx context.Context) (*Message, error) {
	err := c.wait(ctx, "a provisional, to cancel", func() bool { return c.early != nil || c.settled() })
	if err != nil {
		return nil, err
	}
	return c.CancelNow(ctx)
}

// CancelNow sends the CANCEL at once and waits for its answer.
func (c *Call) CancelNow(ctx context.Context) (*Message, error) {
	return c.phone.await(ctx, "CANCEL", &c.mu, c.sendCancel)
}

// Bye hangs up and waits for the answer to the BYE.
func (c *Call) Bye(ctx context.Context, script ...Header) (*Message, error) {
	return c.phone.await(ctx, "BYE", &c.mu, func(over func(*Message, error)) { c.dialog.bye(script, over) })
}

// Reinvite offers another session in mid-call, acknowledges a 2xx, and waits for the final response.
func (c *Call) Reinvite(ctx context.Context, offer Body, script ...Header) (*Message, error) {
	return c.Request(ctx, "INVITE", offer, script...)
}

// Info sends an INFO with a body, DTMF for example.
func (c *Call) Info(ctx context.Context, b Body, script ...Header) (*Message, error) {
	return c.Request(ctx, "INFO", b, script...)
}

// Request sends any request in the dialog and waits for its final response.
func (c *Call) Request(ctx context.Context, method string, b Body, script ...Header) (*Message, error) {
	return c.phone.await(ctx, method, &c.mu, func(over func(*Message, error)) { c.dialog.do(method, script, b, over) })
}

// Ack sends the ACK that the plan has held back, or the same once more.
func (c *Call) Ack() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil {
		return errNotYet
	}
	c.sendAck()
	return nil
}

// Retransmit sends the INVITE once more as it was, as a network that duplicates would.
func (c *Call) Retransmit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.phone.send(c.tx.repeater.to, c.tx.repeater.message)
	return err
}

// SkipCSeq leaves a number out, as after a request of this call that went out by another socket (Phone.Hijack).
func (c *Call) SkipCSeq() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialog.cseq++
}

// Vanish makes the phone forget this call: nothing in it is answered or acknowledged any more, nothing is sent.
func (c *Call) Vanish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialog.deaf = true
	if c.tx != nil {
		c.tx.repeater.stop()
	}
}

// RingTime is the time from the INVITE to the first provisional above 100, AnswerTime to the 2xx; 0 when there was none.
func (c *Call) RingTime() time.Duration {
	for _, m := range c.Responses() {
		if m.Code > 100 && m.Code < 200 {
			return m.At.Sub(c.SentAt())
		}
	}
	return 0
}

// AnswerTime is described at RingTime.
func (c *Call) AnswerTime() time.Duration {
	m, _ := c.outcome()
	if m == nil {
		return 0
	}
	return m.At.Sub(c.SentAt())
}
