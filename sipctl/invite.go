package sipctl

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

const (
	retryAfter    = "Retry-After: 5\r\n"
	maxIdentifier = 256 // bytes of a Call-ID that goes into a CDR
)

// onInvite takes a new INVITE (RFC 3261 §13.3.1) as far as a call, or refuses it without one.
func (s *Server) onInvite(tx *transaction.Server, req *sip.Request, m transport.Message) {
	from := s.identify(m.Flow)
	if m.Proven != "" {
		from = peer{proven: m.Proven, addr: from.addr}
	}
	if h := req.MaxForwards(); h != nil && h.Val() == 0 {
		_ = tx.Respond(483, "Too Many Hops", nil, nil)
		return
	}
	if s.looped(req) {
		_ = tx.Respond(482, "Loop Detected", nil, nil)
		return
	}
	extension, err := callerOf(from, req)
	if err != nil {
		s.log.Info("a peer does not say who calls", "source", m.Flow.Remote.String(), "err", err)
	}
	c := s.newCall(tx, req, m, extension, from)
	dialled, badNumber := dialledNumber(req)
	c.cdr.Dialled, c.setup.dialled, c.setup.dialErr = dialled, dialled, badNumber
	if busy := s.overloaded(c); busy != nil {
		c.setup.dialErr = busy
		c.cause = causeSystem
		f := s.rejection(busy, c.setup.snapshot.Settings)
		_ = tx.Respond(f.code, f.phrase, f.headers, nil)
		c.cdr.SIPCode, c.cdr.Reason, c.cdr.Disposition = f.code, f.reason, rating.Rejected
		s.metrics.invites.WithLabelValues(string(f.reason)).Inc()
		c.ended = time.Now()
		cdr := c.final()
		s.refusals.add(cdr)
		s.count(cdr, 0)
		return
	}
	if !s.calls.add(c) {
		_ = tx.Respond(482, "Loop Detected", nil, nil) // merged: the same INVITE by another way
		return
	}
	c.logBegun()
	in := letIn{dialled: dialled, snapshot: c.setup.snapshot, cdr: c.cdr, err: badNumber}
	if badNumber == nil && !m.Flow.Stream() {
		in.invite = unanswered{Invite: tx.Save()}.encode()
	}
	c.show()
	if tx.SetUser(c) {
		c.Cancelled()
	}
	c.aside(func() { c.authorize(in) })
}

// newCall is a call of which nothing is known but its INVITE.
func (s *Server) newCall(tx *transaction.Server, req *sip.Request, m transport.Message, extension string, from peer) *Call {
	id := rating.NewCallID(extension, req.CallID().Value(), fromTag(req), req.CSeq().SeqNo)
	tx.Retag(newCallTag(id))
	d := callerDialog(req, m, tx.Tag())
	d.Flow = m.Flow
	if !m.Flow.Stream() {
		d.Flow = tx.Flow()
	}
	d.SentBy, d.Contact = s.sentBy(m.Flow), s.contact(m.Flow, "")
	c := &Call{server: s, extension: extension, digest: from.proven != "", started: m.At, sure: m.At, id: id,
		caller: leg{dialog: d, side: callerSide, heard: m.At, peer: from},
		setup:  &setup{invite: req, uas: tx, snapshot: s.deps.Catalog.Current(), routeSet: routeSet(req), from: from}}
	c.cdr = rating.CDR{ID: c.id, Extension: extension, StartedAt: m.At.Round(0), Count: 1, Node: s.config.Node, CallIDA: clip(d.CallID),
		Attempts: []rating.Attempt{}, Currency: c.setup.snapshot.Settings.Currency}
	return c
}

func fromTag(req *sip.Request) string {
	tag, _ := req.From().Params.Get("tag")
	return tag
}

func clip(s string) string { return s[:min(len(s), maxIdentifier)] }

// looped reports whether the INVITE has passed here before (RFC 3261 §16.3 item 4).
func (s *Server) looped(req *sip.Request) bool {
	for _, h := range req.Headers() {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		branch, _ := via.Params.Get("branch")
		if s.isOurs(branch) {
			return true
		}
	}
	return false
}

// isOurs reports whether a branch is that of an INVITE of ours that is out.
func (s *Server) isOurs(branch string) bool { return s.tx.Began(branch, sip.INVITE) }

// routeSet is the Record-Route lines of the INVITE, which our 18x and 2xx repeat (RFC 3261 §12.1.1).
func routeSet(req *sip.Request) []byte {
	var t text
	for _, r := range recordRoutes(req.Headers(), false) {
		t.header("Record-Route", r)
	}
	return t
}

// dialledNumber reads the user part of the Request-URI, which is what is rated and dialled.
func dialledNumber(req *sip.Request) (string, error) {
	uri := req.Recipient
	if uri.Password != "" || strings.ContainsRune(uri.User, ';') {
		return "", rating.ErrBadNumber
	}
	return rating.NormalizeNumber(uri.User)
}

// trunkDialog is our side of the leg to a trunk, before its answer.
func (c *Call) trunkDialog(t *rating.Trunk, f transport.Flow) dialog {
	s, u := c.server, c.setup
	user, display := callerID(u, t, c.extension)
	host := s.host(f)
	local := "<sip:" + user + "@" + host + ">"
	contact := user
	if u.private() {
		contact, local = "", `"Anonymous" <sip:anonymous@anonymous.invalid>`
	} else if display != "" {
		local = quoted(display) + " " + local
	}
	target := c.trunkState.requestURI(escapeUser(u.admission.Route.Sent), f)
	return dialog{CallID: transaction.NewTag() + transaction.NewTag(), LocalTag: newCallTag(c.id), Local: local, Remote: "<" + target + ">",
		Target: target, SentBy: s.sentBy(f), Contact: s.contact(f, contact), Flow: f}
}

// escapeUser writes a number as the user part of a URI (RFC 3261 §25.1): # must be escaped.
func escapeUser(number string) string { return strings.ReplaceAll(number, "#", "%23") }
