package sipctl

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// Reliable provisional responses (RFC 3262) pass from the trunk to the caller, and their PRACKs back. The ends keep them
// reliable: a trunk repeats its 18x until the PRACK comes, each copy passes, and so does the PRACK. What is ours is to
// translate: RSeq counts in the caller's leg over all early dialogs of the trunk, and RAck names responses and CSeqs of
// one leg.

const tag100rel = "100rel"

// reliable is one provisional response that the caller has been given an RSeq for.
type reliable struct {
	ours, theirs uint32 // RSeq in the caller's leg, and in the trunk's
	invite       uint32 // CSeq of the INVITE in the trunk's leg
	tag          string // of the trunk's early dialog
	target       string
	routes       []string
}

// maxReliable limits the provisional responses of one call that are remembered.
const maxReliable = 50

// rseqOf is the number of a reliable provisional response; 0 where it is not reliable.
func rseqOf(res *sip.Response) uint32 {
	h := res.GetHeader("RSeq")
	if h == nil || !slices.Contains(grammar.Tokens(res.Headers(), "require"), tag100rel) {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(h.Value()), 10, 31)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// supports100rel reports whether a caller takes reliable provisional responses.
func supports100rel(req *sip.Request) bool {
	for _, name := range []string{"supported", "require"} {
		if slices.Contains(grammar.Tokens(req.Headers(), name), tag100rel) {
			return true
		}
	}
	return false
}

// enterEarly makes the trunk's leg one that requests can pass in, before it has answered (RFC 3261 §12.1: an early dialog).
// Of a trunk that forks, the newest early dialog is the one.
func (c *Call) enterEarly(a *attempt, res *sip.Response, m transport.Message) {
	tag, ok := res.To().Params.Get("tag")
	if !ok || tag == "" || c.trunk.CallID == a.dialog.CallID && c.trunk.RemoteTag == tag {
		c.trunk.heard = m.At
		return
	}
	d := a.dialog
	if c.trunk.CallID == d.CallID {
		d.LocalSeq = c.trunk.LocalSeq // one counter for all early dialogs of the INVITE
	}
	d.RemoteTag, d.Remote, d.Flow = tag, untagged(res.To().Value()), a.flow
	d.Routes = recordRoutes(res.Headers(), true)
	d.retarget(res.Contact())
	c.trunk = leg{dialog: d, side: trunkSide, heard: m.At, peer: trunkPeer(a.trunk)}
}

// translate gives a reliable provisional response its number in the caller's leg: the RSeq line. Where the caller does not
// take such responses the trunk gets its PRACK from us, and pass is false: the caller must not see that it was reliable.
func (c *Call) translate(a *attempt, res *sip.Response) (line []byte, pass bool) {
	theirs := rseqOf(res)
	if theirs == 0 {
		return nil, true
	}
	tag, _ := res.To().Params.Get("tag")
	at := slices.IndexFunc(c.reliable, func(r reliable) bool { return r.theirs == theirs && r.tag == tag })
	if at < 0 {
		if len(c.reliable) >= maxReliable {
			return nil, false
		}
		r := reliable{ours: rand.Uint32N(1<<16) + 1, theirs: theirs, invite: a.dialog.InviteSeq, tag: tag, target: c.trunk.Target, routes: c.trunk.Routes}
		if n := len(c.reliable); n > 0 {
			r.ours = c.reliable[n-1].ours + 1
		}
		c.reliable, at = append(c.reliable, r), len(c.reliable)
	}
	r := c.reliable[at]
	if !supports100rel(c.setup.invite) {
		c.acknowledge(r)
		return nil, false
	}
	var h text
	h.header("RSeq", strconv.FormatUint(uint64(r.ours), 10))
	return h, true
}

// rack is the line that tells the trunk which response a PRACK is for (RFC 3262 §7.2).
func (r reliable) rack() []byte {
	var h text
	h.header("RAck", strconv.FormatUint(uint64(r.theirs), 10)+" "+strconv.FormatUint(uint64(r.invite), 10)+" INVITE")
	return h
}

// acknowledge sends a PRACK of our own.
func (c *Call) acknowledge(r reliable) {
	if _, _, err := c.beginEarly(r, outgoing{method: sip.PRACK, headers: r.rack()}, c.server); err != nil {
		c.log().Warn("a provisional response could not be acknowledged", "err", err)
	}
}

// beginEarly sends a request in the early dialog of a reliable response.
func (c *Call) beginEarly(r reliable, o outgoing, user transaction.ClientUser) (*transaction.Client, transaction.Outgoing, error) {
	was := c.trunk.dialog
	c.trunk.RemoteTag, c.trunk.Target, c.trunk.Routes = r.tag, r.target, r.routes
	client, out, err := c.begin(&c.trunk, o, user)
	seq := c.trunk.LocalSeq
	c.trunk.dialog = was
	c.trunk.LocalSeq = seq
	return client, out, err
}

// relayPrack passes the caller's PRACK on to the response that it is for. One that is for none is 481 (RFC 3262 §3).
func (c *Call) relayPrack(s side, tx *transaction.Server, req *sip.Request) {
	r, ok := c.acknowledged(req)
	if s != callerSide || !ok || c.state < ringing || c.state > talking {
		_ = tx.Respond(481, "Call/Transaction Does Not Exist", nil, nil)
		return
	}
	relay := &relay{call: c, from: s, server: tx, method: req.Method, inSeq: req.CSeq().SeqNo}
	h := text(r.rack())
	h.passed(req.Headers(), c.origin(s))
	var err error
	if relay.client, relay.out, err = c.beginEarly(r, outgoing{method: sip.PRACK, headers: h, body: req.Body()}, relay); err != nil {
		c.log().Warn("a PRACK could not be passed on", "err", err)
		_ = tx.Respond(503, "Service Unavailable", nil, nil)
	}
}

// acknowledged finds the response that a PRACK names: by the RSeq and the CSeq of the caller's leg.
func (c *Call) acknowledged(req *sip.Request) (reliable, bool) {
	h := req.GetHeader("RAck")
	if h == nil {
		return reliable{}, false
	}
	words := strings.Fields(h.Value())
	if len(words) != 3 || words[2] != string(sip.INVITE) {
		return reliable{}, false
	}
	rseq, err := strconv.ParseUint(words[0], 10, 32)
	cseq, err2 := strconv.ParseUint(words[1], 10, 32)
	at := slices.IndexFunc(c.reliable, func(r reliable) bool { return uint64(r.ours) == rseq })
	if err != nil || err2 != nil || at < 0 || uint64(c.caller.InviteSeq) != cseq {
		return reliable{}, false
	}
	return c.reliable[at], true
}
