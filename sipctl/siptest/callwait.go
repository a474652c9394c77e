package siptest

import (
	"context"
	"errors"
	"slices"
	"time"
)

var errAnswered = errors.New("the call was answered without it")

// ID is the Call-ID of the call.
func (c *Call) ID() string { return c.plan.CallID }

// Ringing waits for a 180 or 183 and returns it; a final response before it is an error.
func (c *Call) Ringing(ctx context.Context) (*Message, error) {
	var ringing *Message
	err := c.wait(ctx, "ringing", func() bool {
		if c.early != nil && c.early.Code > 100 {
			ringing = c.early
		}
		return ringing != nil || c.failure != nil || c.answer != nil
	})
	if err == nil && ringing == nil {
		if _, err = c.outcome(); err == nil {
			err = errAnswered
		}
	}
	return ringing, err
}

// WaitFor waits for the first response with this code; a final one with another code is an error.
func (c *Call) WaitFor(ctx context.Context, code int) (*Message, error) {
	var found *Message
	err := c.wait(ctx, "a "+reasonPhrase(code), func() bool {
		i := slices.IndexFunc(c.responses, func(m *Message) bool { return m.Code == code })
		if i >= 0 {
			found = c.responses[i]
		}
		return found != nil || c.settled()
	})
	if err == nil && found == nil {
		if _, err = c.outcome(); err == nil {
			err = errAnswered
		}
	}
	return found, err
}

// Answered waits for the 2xx and returns it; its At is when the call was answered. A refusal is a *Rejected.
func (c *Call) Answered(ctx context.Context) (*Message, error) {
	if err := c.wait(ctx, "an answer", c.settled); err != nil {
		return nil, err
	}
	return c.outcome()
}

// Final waits for the final response, whichever it is.
func (c *Call) Final(ctx context.Context) (*Message, error) {
	m, err := c.Answered(ctx)
	if rejected, is := err.(*Rejected); is {
		return rejected.Response, nil
	}
	return m, err
}

func (c *Call) settled() bool { return c.answer != nil || c.failure != nil }

func (c *Call) outcome() (*Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer, c.failure
}

// Ended waits for the first BYE of an answered call, sent or received. Of a call that never was answered it is the error.
func (c *Call) Ended(ctx context.Context) (End, error) {
	err := c.wait(ctx, "the end", func() bool { return c.dialog.end.By != "" || c.failure != nil })
	if err != nil {
		return End{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dialog.end, c.failure
}

// WaitRequest waits for a request of the other side in this call, such as a re-INVITE, and returns the first of this method.
func (c *Call) WaitRequest(ctx context.Context, method string) (*Message, error) {
	var found *Message
	err := c.wait(ctx, method+" from the other side", func() bool {
		i := slices.IndexFunc(c.dialog.heard, func(m *Message) bool { return m.Method == method })
		if i >= 0 {
			found = c.dialog.heard[i]
		}
		return found != nil
	})
	return found, err
}

// Responses are the responses to the INVITE so far, copies included.
func (c *Call) Responses() []*Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.responses)
}

// Requests are the requests of the other side so far, without copies and ACKs.
func (c *Call) Requests() []*Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.dialog.heard)
}

// Forks counts the further dialogs that 2xx with other To tags have opened.
func (c *Call) Forks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.forks)
}

// Talked is the time from the arrival of the 2xx to the first BYE, or to now; 0 before an answer.
func (c *Call) Talked() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dialog.talked()
}

// SentAt is when the first INVITE left.
func (c *Call) SentAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sentAt
}
