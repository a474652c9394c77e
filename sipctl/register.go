package sipctl

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// Registration is how this node stands with the registrar of a trunk (RFC 3261 §10).
type Registration struct {
	State     RegistrationState
	Code      int       // of the last answer; 0 = none came
	Reason    string    // why it failed, in words
	ExpiresAt time.Time // of the binding; zero = there is none
}

// RegistrationState of a trunk.
type RegistrationState string

// The states of a registration.
const (
	RegistrationOff        RegistrationState = "off" // the trunk does not want it
	RegistrationPending    RegistrationState = "pending"
	RegistrationRegistered RegistrationState = "registered"
	RegistrationFailed     RegistrationState = "failed" // it is tried again, ever more slowly
)

const (
	registerFirst = 5 * time.Second // pause after the first failure, doubled with each one that follows
	registerMost  = 5 * time.Minute
	longestExpiry = 24 * time.Hour // that a registrar may demand with Min-Expires
)

// registrar keeps one trunk registered. Each node has a binding of its own, so a trunk may ring any of them; but calls go
// out only, and what it rings is refused.
type registrar struct {
	trunk *trunkState

	mu       sync.Mutex
	dialog   dialog // Call-ID and CSeq, the same for every refresh (RFC 3261 §10.2.4)
	state    Registration
	expires  int64     // seconds to ask for; 0 = what the trunk's configuration says
	next     time.Time // when it is due
	busy     bool
	failures int
}

// look begins what is due: a first registration, a refresh, the end of one that is wanted no more.
func (r *registrar) look(now time.Time, config *rating.Trunk, wanted bool) {
	r.mu.Lock()
	bound := now.Before(r.state.ExpiresAt)
	if r.busy || !wanted && !bound || wanted && now.Before(r.next) {
		if !r.busy && !wanted {
			r.state, r.next, r.failures = Registration{State: RegistrationOff}, time.Time{}, 0
		}
		r.mu.Unlock()
		return
	}
	r.busy = true
	if r.state.State == RegistrationOff || r.state.State == "" {
		r.state.State = RegistrationPending
	}
	expires := config.RegisterExpires
	if expires == 0 {
		expires = int64(time.Hour / time.Second)
	}
	expires = max(expires, r.expires)
	if !wanted {
		expires = 0
	}
	r.mu.Unlock()
	r.trunk.server.work.goDo(func() { r.send(config, expires, nil, 0) })
}

// send sends one REGISTER.
func (r *registrar) send(config *rating.Trunk, expires int64, credentials []byte, asked int) {
	t, s := r.trunk, r.trunk.server
	flow, err := t.flow()
	if err != nil {
		r.failed(0, err.Error(), 0)
		return
	}
	user := escapeUser(config.Username)
	if config.FromUser != "" {
		user = escapeUser(config.FromUser)
	}
	var h text
	h.header("Expires", strconv.FormatInt(expires, 10))
	h = append(h, credentials...)
	r.mu.Lock()
	d := &r.dialog
	if d.CallID == "" {
		d.CallID, d.LocalTag = transaction.NewTag()+transaction.NewTag(), transaction.NewTag()
	}
	d.Target = t.requestURI("", flow)
	d.Remote = "<" + t.requestURI(user, flow) + ">"
	d.Local, d.Flow, d.SentBy, d.Contact = d.Remote, flow, s.sentBy(flow), s.contact(flow, user)
	out := d.request(outgoing{method: sip.REGISTER, contact: true, headers: h})
	target, contact := d.Target, d.Contact
	r.mu.Unlock()
	out.Flow = flow
	user1 := &registering{registrar: r, config: config, expires: expires, asked: asked, target: target, contact: contact, flow: flow}
	if _, err := s.tx.Begin(out, user1); err != nil {
		user1.Failed(nil, err)
		return
	}
}

// registering is a REGISTER that is out.
type registering struct {
	registrar *registrar
	config    *rating.Trunk
	expires   int64 // seconds asked for; 0 ends the binding
	asked     int   // how often it was challenged
	target    string
	contact   string
	flow      transport.Flow
}

// Response implements transaction.ClientUser.
func (g *registering) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
	r, s := g.registrar, g.registrar.trunk.server
	switch code := res.StatusCode; {
	case res.IsProvisional():
	case res.IsSuccess():
		r.bound(g, res)
	case challenged(res):
		line, err := r.trunk.credentials(res, g.asked, sip.REGISTER, g.target, nil)
		if err != nil {
			r.failed(code, err.Error(), 0)
			return
		}
		s.work.goDo(func() { r.send(g.config, g.expires, line, g.asked+1) })
	case code == 423: // Interval Too Brief
		least := seconds(res, "Min-Expires")
		if g.expires == 0 || least <= g.expires || least > int64(longestExpiry/time.Second) {
			r.failed(code, fmt.Sprintf("the registrar wants an interval of %d s", least), 0)
			return
		}
		r.mu.Lock()
		r.expires = least
		r.mu.Unlock()
		s.work.goDo(func() { r.send(g.config, least, nil, 0) })
	default:
		r.failed(code, fmt.Sprintf("%d %s", code, phrase(res)), retryAfterOf(res))
	}
}

// Failed implements transaction.ClientUser.
func (g *registering) Failed(_ *transaction.Client, err error) {
	g.registrar.trunk.silent(g.flow.Remote)
	g.registrar.failed(0, err.Error(), 0)
}

// seconds reads a header that is a number of seconds; 0 where it is none.
func seconds(res *sip.Response, name string) int64 {
	h := res.GetHeader(name)
	if h == nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(h.Value()), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// granted is how long the binding holds: what the registrar says of our Contact, else of all, else what we asked for.
func (g *registering) granted(res *sip.Response) time.Duration {
	ours := strings.Trim(g.contact, "<>")
	ours, _, _ = strings.Cut(ours, ";")
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || !strings.HasPrefix(c.Address.String(), ours) {
			continue
		}
		if text, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.ParseInt(text, 10, 32); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	if n := seconds(res, "Expires"); n > 0 {
		return time.Duration(n) * time.Second
	}
	return time.Duration(g.expires) * time.Second
}

// bound notes a good answer, and when to ask again: well before the binding ends.
func (r *registrar) bound(g *registering, res *sip.Response) {
	now := time.Now()
	r.mu.Lock()
	before := r.state.State
	r.busy, r.failures = false, 0
	if g.expires == 0 {
		r.state, r.next = Registration{State: RegistrationOff, Code: res.StatusCode}, time.Time{}
	} else {
		granted := min(g.granted(res), longestExpiry)
		r.state = Registration{State: RegistrationRegistered, Code: res.StatusCode, ExpiresAt: now.Add(granted)}
		r.next = now.Add(max(granted*4/5-rand.N(granted/20+1), time.Second))
	}
	after := r.state.State
	r.mu.Unlock()
	if before != after {
		r.trunk.server.log.Info("the registration at a trunk has changed", "trunk", r.trunk.config().Name, "state", string(after))
	}
}

// failed notes a bad one, and tries again ever more slowly; never sooner than the registrar wishes.
func (r *registrar) failed(code int, reason string, after time.Duration) {
	now := time.Now()
	r.mu.Lock()
	r.busy = false
	pause := min(registerFirst<<min(r.failures, 10), registerMost)
	pause += rand.N(pause/4 + 1)
	r.next = now.Add(max(pause, min(after, longestRest)))
	r.failures++
	expires := r.state.ExpiresAt
	if !now.Before(expires) {
		expires = time.Time{}
	}
	r.state = Registration{State: RegistrationFailed, Code: code, Reason: reason, ExpiresAt: expires}
	first := r.failures == 1
	r.mu.Unlock()
	if first {
		r.trunk.server.log.Warn("a trunk does not take our registration", "trunk", r.trunk.config().Name, "code", code, "err", reason)
	}
}

// holds reports whether a binding is there that has to be ended.
func (r *registrar) holds() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy || time.Now().Before(r.state.ExpiresAt)
}

func (r *registrar) get() Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.State == "" {
		return Registration{State: RegistrationOff}
	}
	return r.state
}
