package transaction

import (
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// ClientUser is told what comes back for a request of ours. Its methods must not block.
type ClientUser interface {
	// Response is called for each response, repeated provisionals included; of finals only for the first.
	Response(c *Client, res *sip.Response, m transport.Message)
	// Failed is called once, instead of a final response.
	Failed(c *Client, err error)
}

// Outgoing is a request of ours, composed.
type Outgoing struct {
	Method  sip.RequestMethod
	Branch  string
	Flow    transport.Flow
	Message []byte
	Ack     func(to string) []byte // of an INVITE: composes the ACK for a refusal, with the To of the response
}

type clientState uint8

const (
	calling clientState = iota
	heard               // a provisional came
	refused             // of an INVITE: acknowledged, copies are acknowledged again
	ended
)

// Client is a request of ours.
type Client struct {
	layer *Layer
	key   clientKey
	out   Outgoing

	mu       sync.Mutex
	state    clientState
	user     ClientUser
	timer    *time.Timer
	pause    time.Duration
	deadline time.Time
	quiet    bool
	ack      []byte
}

// Begin sends a request. A transport error is returned, and then the user hears nothing.
func (l *Layer) Begin(out Outgoing, user ClientUser) (*Client, error) {
	c := &Client{layer: l, key: clientKey{out.Branch, out.Method}, out: out, user: user, pause: l.timers.T1,
		deadline: time.Now().Add(l.timers.Timeout)}
	l.mu.Lock()
	l.clients[c.key] = c
	l.mu.Unlock()
	if err := l.send(out.Flow, out.Message); err != nil {
		c.Terminate()
		return nil, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != calling && c.invite() || c.state == ended {
		return c, nil // the answer was faster
	}
	wait := c.pause
	if out.Flow.Stream() {
		wait = l.timers.Timeout
	}
	c.timer = time.AfterFunc(wait, c.tick)
	return c, nil
}

func (c *Client) invite() bool { return c.out.Method == sip.INVITE }

// SetUser hands the transaction to somebody else.
func (c *Client) SetUser(u ClientUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user = u
}

// Quiet stops the retransmissions: the request is wanted no more, but its answer must still be met. The transaction ends
// after 64·T1.
func (c *Client) Quiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state >= refused {
		return
	}
	c.quiet = true
	c.deadline = time.Now().Add(c.layer.timers.Timeout)
	c.stop()
	c.timer = time.AfterFunc(c.layer.timers.Timeout, c.tick)
}

// Heard reports whether any response has come: only then may an INVITE be cancelled (RFC 3261 §9.1).
func (c *Client) Heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state != calling
}

// Terminate forgets the transaction: answers to it are strays from now on.
func (c *Client) Terminate() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.layer.mu.Lock()
	delete(c.layer.clients, c.key)
	c.layer.mu.Unlock()
}

// end is called with c.mu held.
func (c *Client) end() {
	c.stop()
	c.state, c.user = ended, nil
}

func (c *Client) stop() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// tick repeats the request, or gives up.
func (c *Client) tick() {
	c.mu.Lock()
	if c.timer == nil || c.state >= refused {
		c.mu.Unlock()
		return
	}
	if !time.Now().Before(c.deadline) {
		user := c.user
		c.mu.Unlock()
		c.Terminate()
		if user != nil {
			user.Failed(c, ErrTimeout)
		}
		return
	}
	c.pause *= 2
	if !c.invite() {
		c.pause = min(c.pause, c.layer.timers.T2)
		if c.state == heard {
			c.pause = c.layer.timers.T2
		}
	}
	c.timer.Reset(min(c.pause, time.Until(c.deadline)))
	c.mu.Unlock()
	_ = c.layer.send(c.out.Flow, c.out.Message) // the deadline takes care of a failure
}

// receive takes a response.
func (c *Client) receive(res *sip.Response, m transport.Message) {
	c.mu.Lock()
	user := c.user
	switch {
	case c.state == refused:
		ack := c.ack
		c.mu.Unlock()
		if !res.IsProvisional() && !res.IsSuccess() {
			_ = c.layer.send(c.out.Flow, ack)
		}
		return
	case c.state == ended:
		c.mu.Unlock()
		c.layer.core.Stray(res, m)
		return
	case res.IsProvisional():
		c.state = heard
		if c.invite() && !c.quiet {
			c.stop() // RFC 3261 §17.1.1.2: the ringing has no end here; the user limits it
		}
		c.mu.Unlock()
	case !c.invite() || res.IsSuccess():
		c.mu.Unlock()
		c.Terminate()
	default:
		c.refuse(res)
	}
	if user != nil {
		user.Response(c, res, m)
	}
}

// refuse acknowledges a refusal of an INVITE, and lingers to do so again. c.mu is held, and released.
func (c *Client) refuse(res *sip.Response) {
	c.end()
	c.state = refused
	to := ""
	if h := res.To(); h != nil {
		to = h.Value()
	}
	c.ack = c.out.Ack(to)
	c.out.Message = nil
	ack := c.ack
	c.mu.Unlock()
	c.layer.bury(grave{client: c})
	_ = c.layer.send(c.out.Flow, ack)
}
