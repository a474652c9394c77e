package sipctl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/digest"
	"tollgate/sipctl/grammar"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// account is what a trunk knows us by (RFC 3261 §22). Credentials go to this trunk alone, and to one realm of it: whoever
// gets the trunk to ask in another name learns nothing.
type account struct {
	mu    sync.Mutex
	realm string // the first one that asked; "" = none yet
	nonce string // the newest one
	count uint32 // requests sent with it
}

func (a *account) forget() {
	a.mu.Lock()
	a.realm, a.nonce, a.count = "", "", 0
	a.mu.Unlock()
}

// maxChallenges is how often one request is sent again with credentials: once, and once more where the nonce was stale.
const maxChallenges = 2

var (
	errNoCredentials = errors.New("the trunk wants credentials, and none are set")
	errOtherRealm    = errors.New("the trunk asks in another realm")
	errRefused       = errors.New("the trunk refuses the credentials")
)

// credentials answers a challenge of the trunk: one header line for the same request with its next CSeq. asked is how often
// this request has been challenged before.
func (t *trunkState) credentials(res *sip.Response, asked int, method sip.RequestMethod, uri string, body []byte) ([]byte, error) {
	config := t.config()
	if config.Username == "" {
		return nil, errNoCredentials
	}
	ask, answer := "www-authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "proxy-authenticate", "Proxy-Authorization"
	}
	var inRealm []string
	err := fmt.Errorf("%w: nothing is asked", errRefused)
	for _, h := range res.Headers() {
		if grammar.LongName(h.Name()) != ask {
			continue
		}
		c, parseErr := digest.ParseChallenge(h.Value())
		switch {
		case parseErr != nil:
			err = parseErr
		case !t.account.pin(config.Realm, c.Realm):
			err = fmt.Errorf("%w: %q", errOtherRealm, c.Realm)
		default:
			inRealm = append(inRealm, h.Value())
		}
	}
	if len(inRealm) == 0 {
		return nil, err
	}
	c, err := digest.Choose(inRealm)
	if err != nil {
		return nil, err
	}
	if asked > 0 && (!c.Stale || asked >= maxChallenges) {
		return nil, errRefused
	}
	value, err := c.Answer(digest.Credentials{Username: config.Username, Password: config.Password}, string(method), uri, t.account.use(c.Nonce), transaction.NewTag(), body)
	if err != nil {
		return nil, err
	}
	var line text
	line.header(answer, value)
	return line, nil
}

// pin reports whether credentials may go to a realm: the configured one, else the first that asked.
func (a *account) pin(configured, realm string) bool {
	if configured != "" {
		return realm == configured
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.realm == "" {
		a.realm = realm
	}
	return a.realm == realm
}

// use counts a request with a nonce (RFC 7616 §3.4: nc).
func (a *account) use(nonce string) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if nonce != a.nonce {
		a.nonce, a.count = nonce, 0
	}
	a.count++
	return a.count
}

// challenged reports whether a response asks for credentials.
func challenged(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// satisfy sends the INVITE again with credentials, if the trunk has asked for some that we have: in the same dialog, with
// the next CSeq (RFC 3261 §22.2).
func (c *Call) satisfy(a *attempt, res *sip.Response) bool {
	if !challenged(res) || c.state != calling {
		return false
	}
	line, err := a.trunk.credentials(res, a.asked, sip.INVITE, a.dialog.requestURI(), a.out.body)
	if err == nil {
		a.asked++
		a.dialog.LocalSeq++
		a.dialog.InviteSeq = a.dialog.LocalSeq
		a.branch, a.login = transaction.NewBranch(), line
		err = a.send(line)
	}
	if err != nil {
		c.log().Warn("a trunk wants credentials and gets none", "code", res.StatusCode, "err", err)
		return false
	}
	c.set(silentTimer, time.Now().Add(c.server.seconds(a.trunk.config().ResponseTimeout)))
	return true
}

// petition is a request in the trunk's leg that may be challenged. It is told on to whoever sent it, but for a challenge
// that can be answered: then the request goes out again.
type petition struct {
	transaction.ClientUser
	call  *Call
	leg   *leg
	out   outgoing
	asked int
}

// renewed is told when its request has gone out again, in another transaction. It runs in the call's goroutine.
type renewed interface {
	onRenewed(client *transaction.Client, out transaction.Outgoing, seq uint32, credentials []byte)
}

// Response implements transaction.ClientUser.
func (p *petition) Response(client *transaction.Client, res *sip.Response, m transport.Message) {
	if !challenged(res) {
		p.ClientUser.Response(client, res, m)
		return
	}
	p.call.post(func(c *Call) {
		if !p.again(c, res) {
			p.ClientUser.Response(client, res, m)
		}
	})
}

func (p *petition) again(c *Call, res *sip.Response) bool {
	line, err := p.leg.peer.trunk.credentials(res, p.asked, p.out.method, p.leg.requestURI(), p.out.body)
	if err != nil {
		c.log().Warn("a trunk wants credentials and gets none", "method", p.out.method, "code", res.StatusCode, "err", err)
		return false
	}
	p.asked++
	o := p.out
	o.headers = append(append([]byte(nil), o.headers...), line...)
	out := p.leg.dialog.request(o)
	client, err := c.server.tx.Begin(out, p)
	if err != nil {
		return false
	}
	if r, ok := p.ClientUser.(renewed); ok {
		r.onRenewed(client, out, p.leg.LocalSeq, line)
	}
	return true
}

// strayBye is the BYE for an answer that nobody wants. A trunk that challenges it would go on ringing up a bill.
type strayBye struct {
	server *Server
	trunk  *trunkState
	dialog dialog
	asked  int
}

// Response implements transaction.ClientUser.
func (b *strayBye) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
	if !challenged(res) || b.trunk == nil {
		return
	}
	line, err := b.trunk.credentials(res, b.asked, sip.BYE, b.dialog.requestURI(), nil)
	if err == nil {
		b.asked++
		_, err = b.server.tx.Begin(b.dialog.request(outgoing{method: sip.BYE, headers: line}), b)
	}
	if err != nil {
		b.server.log.Warn("a stray answer could not be ended", "call_id", b.dialog.CallID, "err", err)
	}
}

// Failed implements transaction.ClientUser.
func (b *strayBye) Failed(*transaction.Client, error) {}

// retryAfterOf is how long a trunk wants to be left alone (RFC 3261 §20.33); 0 where it does not say.
func retryAfterOf(res *sip.Response) time.Duration {
	h := res.GetHeader("Retry-After")
	if h == nil {
		return 0
	}
	digits := strings.TrimSpace(h.Value())
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i] // a comment or parameters follow
	}
	seconds, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
