package siptest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
)

// PhoneConfig says who a phone is and where it sends its calls.
type PhoneConfig struct {
	Config
	Server  netip.AddrPort // where INVITEs go, whatever their Request-URI says
	User    string         // From and Contact; default "101"
	Display string         // display name in From
	Domain  string         // host in From, To and Request-URI; default the server's address
	Headers []Header       // added to every INVITE, for example P-Asserted-Identity
	Auth    Authorizer     // answers 401 and 407, for example Digest; nil: they are final
}

// Authorizer answers a challenge (RFC 7616): it returns the Authorization or Proxy-Authorization header for a request of
// this method and URI, or false to give in.
type Authorizer func(challenge *Message, method, uri string) (Header, bool)

// Phone places calls. One phone, with its one socket, serves as many calls at a time as there is memory for.
type Phone struct {
	ua
	config PhoneConfig
}

// NewPhone opens the socket. Close it in the end.
func NewPhone(c PhoneConfig) (*Phone, error) {
	c.Config = c.Config.withDefaults("phone")
	if !c.Server.IsValid() {
		return nil, fmt.Errorf("%s: no server to call", c.Name)
	}
	if c.User == "" {
		c.User = "101"
	}
	if c.Domain == "" {
		c.Domain = c.Server.String()
	}
	p := &Phone{config: c}
	if err := p.open(c.Config, p, left); err != nil {
		return nil, err
	}
	return p, nil
}

// Call places an ordinary call to a number: INVITE with a session description, ACK, the rest as it comes.
func (p *Phone) Call(number string) *Call { return p.Place(Plan{Number: number}) }

// Place sends an INVITE at once and returns; the Call tells how it goes on.
func (p *Phone) Place(plan Plan) *Call {
	c := p.plan(plan)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.invite(nil)
	if plan.CancelAtOnce {
		c.sendCancel(nil)
	}
	return c
}

// SendRaw sends bytes to the server as they are.
func (p *Phone) SendRaw(message []byte) error {
	_, err := p.send(peer{addr: p.config.Server}, message)
	return err
}

// Request sends a request outside of any dialog, such as OPTIONS, and waits for its final response. An empty uri is the
// server's.
func (p *Phone) Request(ctx context.Context, method, uri string, script []Header, b Body) (*Message, error) {
	if uri == "" {
		uri = "sip:" + p.config.Domain
	}
	q := request{method: method, uri: uri, branch: p.newBranch(), from: p.from(p.config.User) + ";tag=" + p.token(),
		to: "<" + uri + ">", callID: p.newCallID(), cseq: 1}
	return p.exchange(ctx, q, q.write(&p.ua, p.contact(p.config.User), script, b))
}

// Hijack sends a request in somebody else's dialog from this phone's own socket, as one who has overheard the call would,
// and waits for the answer. The CSeq is one above the victim's; the victim does not know of it. Challenges are answered with
// this phone's credentials: with the right ones it is the victim, at a new address.
func (p *Phone) Hijack(ctx context.Context, victim *Call, method string, script []Header, b Body) (*Message, error) {
	given, plain := 0, script[:len(script):len(script)]
	for ; ; given++ {
		victim.mu.Lock()
		q := victim.dialog.next(method)
		victim.dialog.cseq--
		victim.mu.Unlock()
		m, err := p.exchange(ctx, q, q.write(&p.ua, p.contact(p.config.User), script, b))
		if p.config.Auth == nil || !challenged(m, given) {
			return m, err
		}
		credentials, known := p.config.Auth(m, method, q.uri)
		if !known {
			return m, err
		}
		script = append(plain, credentials)
	}
}

// exchange sends a request to the server and waits for its final response.
func (p *Phone) exchange(ctx context.Context, q request, message []byte) (*Message, error) {
	var lock sync.Mutex
	return p.await(ctx, q.method, &lock, func(over func(*Message, error)) {
		p.begin(&lock, q, message, peer{addr: p.config.Server}, &clientTx{over: over})
	})
}

// await starts something with the lock held and waits for its outcome.
func (a *ua) await(ctx context.Context, what string, lock *sync.Mutex, start func(over func(*Message, error))) (*Message, error) {
	var (
		bell     bell
		settled  bool
		response *Message
		failure  error
	)
	lock.Lock()
	start(func(m *Message, err error) {
		settled, response, failure = true, m, err
		bell.ring()
	})
	lock.Unlock()
	over := func() bool {
		lock.Lock()
		defer lock.Unlock()
		return settled
	}
	err := a.wait(ctx, &bell, over, "the answer to "+what, func() string { return "none has come" })
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, fmt.Errorf("%s: %s: %w", a.conf.Name, what, failure)
	}
	return response, nil
}

// outOfDialog answers what is no part of a call: OPTIONS by script, everything else as a phone that takes no calls.
func (p *Phone) outOfDialog(m *Message) {
	switch m.Method {
	case "OPTIONS":
		p.answer(m, p.reply("OPTIONS"))
	case "INVITE":
		p.count.strayRequests.Add(1)
		p.answer(m, Reply{Code: 480, Reason: "Temporarily Unavailable"})
	default:
		p.count.strayRequests.Add(1)
		p.answer(m, Reply{Code: 481})
	}
}

// ackedRefusal: a phone takes no calls, so it repeats no refusal.
func (p *Phone) ackedRefusal(*Message) bool { return false }

// calls are the calls in the tables, those just ended included.
func (p *Phone) calls() []*Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := make([]*Call, 0, len(p.dialogs))
	for _, s := range p.dialogs {
		if c, is := s.owner.(*Call); is {
			calls = append(calls, c)
		}
	}
	return calls
}

// from is the From value of a user, without a tag.
func (p *Phone) from(user string) string {
	uri := "<sip:" + user + "@" + p.config.Domain + ">"
	if p.config.Display == "" {
		return uri
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.config.Display) + `" ` + uri
}

func (p *Phone) newCallID() string { return p.token() + p.token() + "@" + p.config.LocalIP.String() }
