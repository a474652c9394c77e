package sipctl

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// maxSeqJump limits how far a CSeq may leap: one forged request must not lock the honest peer out (RFC 3261 §12.2.2 only
// wants it to grow).
const maxSeqJump = 10_000

// allowed are the methods that may come in a dialog.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, MESSAGE, PRACK"

// onRequest takes a request inside a dialog, from one leg, but for ACK and CANCEL.
func (c *Call) onRequest(s side, tx *transaction.Server, req *sip.Request, m transport.Message) {
	if c.doubtful(time.Now()) {
		again := func(c *Call) { c.onRequest(s, tx, req, m) }
		c.reassure(again, func(c *Call) {
			c.server.work.goDo(func() {
				c.server.reclaim(c.id, again, func() { _ = tx.Respond(481, "Call/Transaction Does Not Exist", nil, nil) })
			})
		})
		return
	}
	if !c.mayReach(s, req, m) && !c.follows(s, tx, req, m) {
		return
	}
	if c.digest && s == callerSide {
		c.server.access.Admit(m.Flow.Remote.Addr(), admittedFor)
	}
	this, _ := c.leg(s)
	seq := req.CSeq().SeqNo
	if seq <= this.RemoteSeq && this.RemoteSeq != 0 || this.RemoteSeq != 0 && seq-this.RemoteSeq > maxSeqJump {
		_ = tx.Respond(500, "CSeq Out Of Order", nil, nil)
		return
	}
	this.RemoteSeq = seq
	this.heard, this.misses = m.At, 0
	this.Flow = m.Flow
	switch req.Method {
	case sip.BYE:
		c.onBye(s, tx, req, m)
	case sip.INVITE, sip.UPDATE, sip.INFO, sip.MESSAGE:
		c.relay(s, tx, req)
	case sip.PRACK:
		c.relayPrack(s, tx, req)
	case sip.OPTIONS:
		_ = tx.Respond(200, "OK", optionsHeaders, nil)
	case sip.REFER:
		_ = tx.Respond(403, "Forbidden", nil, nil) // a transfer would change who is called
	default:
		_ = tx.Respond(405, "Method Not Allowed", []byte("Allow: "+allowed+"\r\n"), nil)
	}
}

// mayReach reports whether a request belongs to a leg: its tags and Call-ID, and a source that may speak in it. Whoever has
// overheard a call must not be able to end it.
func (c *Call) mayReach(s side, req *sip.Request, m transport.Message) bool {
	this, _ := c.leg(s)
	return c.identifies(s, req) && c.server.mayUse(this, m.Flow)
}

// identifies reports whether a request names a leg, by its Call-ID and the tag of its sender.
func (c *Call) identifies(s side, req *sip.Request) bool {
	this, _ := c.leg(s)
	tag, _ := req.From().Params.Get("tag")
	return req.CallID().Value() == this.CallID && tag == this.RemoteTag
}

// begin sends a request in a leg. A connection that is gone is replaced by one to the peer's Contact.
func (c *Call) begin(l *leg, o outgoing, user transaction.ClientUser) (*transaction.Client, transaction.Outgoing, error) {
	if l.side == trunkSide && l.peer.trunk != nil && l.peer.trunk.config().Username != "" {
		user = &petition{ClientUser: user, call: c, leg: l, out: o}
	}
	out := l.dialog.request(o)
	client, err := c.server.tx.Begin(out, user)
	if err != nil && l.Flow.Conn != 0 {
		l.Flow.Conn = 0
		out = l.dialog.request(o)
		client, err = c.server.tx.Begin(out, user)
	}
	return client, out, err
}

var optionsHeaders = []byte("Allow: " + allowed + "\r\nAccept: application/sdp\r\n")

// onBye ends the call: the first BYE stops the clock, whoever sends it.
func (c *Call) onBye(s side, tx *transaction.Server, req *sip.Request, m transport.Message) {
	_ = tx.Respond(200, "OK", nil, nil)
	this, _ := c.leg(s)
	this.byed = true // nobody is there any more to hear ours
	if c.state >= ending {
		if s == callerSide {
			c.owed, c.unacked = false, false
			if c.uas != nil {
				c.uas.Confirm()
			}
			c.finish()
		}
		return
	}
	if c.state < answered && s == callerSide { // a BYE in an early dialog takes the INVITE back (RFC 3261 §15.1.2)
		c.onCancelled()
		return
	}
	if c.state < answered {
		c.cause = causeCallee
		c.setup.failure = failure{code: 480, phrase: "Temporarily Unavailable", trunk: true}
		c.answered = time.Time{}
		c.happen(onTrunkBye)
		return
	}
	var h text
	h.passed(req.Headers(), c.origin(s))
	c.byeHeaders, c.byeBody = h, req.Body()
	c.endNow(m.At)
	if s == callerSide {
		c.cause = causeCaller
		c.happen(onCallerBye)
		return
	}
	c.cause = causeCallee
	c.happen(onTrunkBye)
}

// relay is a request on its way through the call, from one leg to the other, and its answer on the way back.
type relay struct {
	call   *Call
	from   side
	server *transaction.Server
	client *transaction.Client
	out    transaction.Outgoing
	method sip.RequestMethod
	inSeq  uint32 // CSeq of the request in its own leg
	outSeq uint32 // and in the other
	got2xx bool   // of a re-INVITE: its ACK is still to come
	login  []byte // credentials that the trunk has asked for, which the ACK repeats
}

// relay passes a request on. Two re-INVITEs cannot be under way at once (RFC 3261 §14.1), nor may a session be changed
// before the caller's ACK; any other request may come as soon as the call is answered (§12.2), and often does.
func (c *Call) relay(s side, tx *transaction.Server, req *sip.Request) {
	this, other := c.leg(s)
	invite := req.Method == sip.INVITE
	refresh := invite || req.Method == sip.UPDATE
	up := c.state == answered || c.state == talking
	early := (c.state == ringing || c.state == storing) && !invite // an early dialog has no INVITE of its own (RFC 3311 §5.1)
	switch {
	case !up && !early:
		_ = tx.Respond(481, "Call/Transaction Does Not Exist", nil, nil)
		return
	case refresh && c.unacked || c.glare(s, invite, req.Method):
		_ = tx.Respond(491, "Request Pending", nil, nil)
		return
	case req.Method == sip.UPDATE && c.updating != nil: // a second one before the answer to the first (RFC 3311 §5.2)
		_ = tx.Respond(500, "Server Internal Error", []byte("Retry-After: 1\r\n"), nil)
		return
	}
	if refresh {
		this.retarget(req.Contact())
	}
	r := &relay{call: c, from: s, server: tx, method: req.Method, inSeq: req.CSeq().SeqNo}
	var h text
	if refresh {
		h.header("Allow", allowed)
	}
	h.passed(req.Headers(), c.origin(s))
	o := outgoing{method: req.Method, headers: h, body: req.Body(), contact: refresh}
	if req.Method == sip.UPDATE {
		c.updating = r
	}
	if invite {
		c.reinvite = r
		if tx.SetUser(r) {
			_ = tx.Respond(487, "Request Terminated", nil, nil)
			c.reinvite = nil
			return
		}
	}
	var err error
	if r.client, r.out, err = c.begin(other, o, r); err != nil {
		c.log().Warn("a request in the call could not be passed on", "method", req.Method, "err", err)
		c.finished(r)
		_ = tx.Respond(503, "Service Unavailable", nil, nil)
		return
	}
	r.outSeq = other.LocalSeq
}

// glare reports whether the other end is changing the session just now (RFC 3261 §14.2, RFC 3311 §5.2), or this one is by a
// re-INVITE.
func (c *Call) glare(s side, invite bool, method sip.RequestMethod) bool {
	switch {
	case c.reinvite != nil && (invite || method == sip.UPDATE && c.reinvite.from != s):
		return true
	case c.updating != nil && c.updating.from != s:
		return invite || method == sip.UPDATE
	}
	return false
}

// finished forgets a change of session that has its answer.
func (c *Call) finished(r *relay) {
	if c.reinvite == r {
		c.reinvite = nil
	}
	if c.updating == r {
		c.updating = nil
	}
}

// Response implements transaction.ClientUser.
func (r *relay) Response(_ *transaction.Client, res *sip.Response, m transport.Message) {
	e := func(c *Call) { c.onRelayed(r, res, m) }
	if res.IsProvisional() {
		r.call.postMail(e)
	} else {
		r.call.post(e)
	}
}

// Failed implements transaction.ClientUser.
func (r *relay) Failed(*transaction.Client, error) {
	r.call.post(func(c *Call) {
		_ = r.server.Respond(408, "Request Timeout", nil, nil)
		c.finished(r)
	})
}

// onRenewed implements renewed.
func (r *relay) onRenewed(client *transaction.Client, out transaction.Outgoing, seq uint32, credentials []byte) {
	r.client, r.out, r.outSeq, r.login = client, out, seq, credentials
}

// onRelayed passes an answer back.
func (c *Call) onRelayed(r *relay, res *sip.Response, m transport.Message) {
	if res.StatusCode == sip.StatusTrying {
		return
	}
	this, other := c.leg(r.from)
	other.heard, other.misses = m.At, 0
	refresh := r.method == sip.INVITE || r.method == sip.UPDATE
	var h text
	if refresh && res.StatusCode < 300 {
		other.retarget(res.Contact())
		h.header("Contact", this.Contact)
		h.header("Allow", allowed)
	}
	h.passed(res.Headers(), c.origin(1-r.from))
	if challenged(res) && r.from == callerSide { // the trunk's quarrel with us is none of the caller's
		_ = r.server.Respond(sip.StatusServiceUnavailable, "Service Unavailable", nil, nil)
	} else {
		_ = r.server.Respond(res.StatusCode, phrase(res), h, res.Body())
	}
	switch {
	case res.IsProvisional():
		return
	case r.method == sip.INVITE && res.IsSuccess():
		r.got2xx = true
	default:
		c.finished(r)
	}
	if c.state != answered && c.state != talking {
		return // an early dialog has nothing stored, and ends with its INVITE
	}
	if refresh && res.IsSuccess() {
		c.agree(sessionOf(res, r.from, m.At))
		c.saveDialog()
	}
	if code := res.StatusCode; code == 481 || code == 408 { // RFC 3261 §12.2.1.2: the dialog is gone there
		c.stop(deadCause(1 - r.from))
	}
}

// acknowledges reports whether an ACK is for this re-INVITE.
func (r *relay) acknowledges(s side, ack *sip.Request) bool {
	return s == r.from && r.got2xx && ack.CSeq() != nil && ack.CSeq().SeqNo == r.inSeq
}

// relayAck passes the ACK of a re-INVITE on, with its body: it may carry the answer to an offer in the 2xx.
func (c *Call) relayAck(ack *sip.Request) {
	r := c.reinvite
	_, other := c.leg(r.from)
	r.server.Confirm()
	var h text
	h.passed(ack.Headers(), c.origin(r.from))
	h = append(h, r.login...)
	c.ackFlow, c.ack = other.dialog.ack(r.outSeq, h, ack.Body())
	_ = c.server.send(c.ackFlow, c.ack)
	c.reinvite = nil
}

// Cancelled implements transaction.ServerUser: the re-INVITE is taken back. The other leg's answer, 487, is passed on.
func (r *relay) Cancelled() {
	r.call.post(func(c *Call) {
		if c.reinvite == r && r.client != nil && r.client.Heard() {
			_, other := c.leg(r.from)
			_, _ = c.server.tx.Begin(other.dialog.cancel(r.outSeq, r.out.Branch, r.out.Flow, nil), c.server)
		}
	})
}

// NoAck implements transaction.ServerUser: whoever asked for the re-INVITE is gone (RFC 3261 §14.2).
func (r *relay) NoAck() {
	r.call.post(func(c *Call) {
		if c.reinvite == r {
			c.reinvite = nil
			c.stop(deadCause(r.from))
		}
	})
}

func deadCause(s side) cause {
	if s == callerSide {
		return causeCallerDead
	}
	return causeTrunkDead
}

// saveDialog exchanges the stored dialogs after a target refresh. It is done in the background: a call that is revived with
// an older target is still reached where its messages came from.
func (c *Call) saveDialog() {
	if c.unheld {
		return
	}
	text := c.blob().encode()
	c.aside(func() {
		ctx, cancel := c.server.wait(earlyWait)
		defer cancel()
		if err := c.server.deps.Ledger.SaveDialog(ctx, c.id, text); err != nil && !isRefusal(err) {
			c.server.log.Warn("the dialogs of a call could not be stored again", "call_id", c.id, "err", err)
		}
	})
}
