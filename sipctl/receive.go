package sipctl

import (
	"runtime/debug"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// receive takes every message that the guard lets through and the parser understands. It runs in the goroutine that reads
// the socket, so it does not block; and whatever a message is made of, it ends no more than itself.
func (s *Server) receive(m transport.Message) {
	defer s.survive("a message could not be handled")
	switch msg := m.SIP.(type) {
	case *sip.Request:
		s.onRequest(msg, m)
	case *sip.Response:
		if validateResponse(msg) != nil {
			s.metrics.malformed.Add(1)
			return
		}
		s.metrics.response(msg.StatusCode)
		s.tx.Response(msg, m)
	}
}

// survive is deferred where a fault of ours must end no more than what it was about.
func (s *Server) survive(what string) {
	if fault := recover(); fault != nil {
		s.metrics.panics.Inc()
		s.log.Error(what, "err", fault, "stack", string(debug.Stack()))
	}
}

// onRequest checks a request, and leaves it to its transaction. What is refused here leaves nothing behind, and a stranger
// gets no answer at all.
func (s *Server) onRequest(req *sip.Request, m transport.Message) {
	s.metrics.request(string(req.Method))
	from := s.identify(m.Flow)
	if fault := validateRequest(req); fault != nil {
		s.metrics.malformed.Add(1)
		if !from.stranger() && req.Method != sip.ACK && answerable(req) {
			s.reply(req, m.Flow, fault.code, fault.phrase, fault.headers)
		}
		return
	}
	tag, inDialog := req.To().Params.Get("tag")
	if inDialog && req.Method != sip.CANCEL {
		s.onInDialog(req, m, tag, from)
		return
	}
	if from.stranger() {
		s.onStranger(req, m)
		return
	}
	switch {
	case req.Method == sip.INVITE:
		if from.trusted == nil {
			s.reply(req, m.Flow, 403, "Forbidden", nil) // calls go out, none come in
			return
		}
		s.tx.Request(req, m)
	default:
		s.outOfDialog(req, m)
	}
}

// outOfDialog takes whatever is no INVITE.
func (s *Server) outOfDialog(req *sip.Request, m transport.Message) {
	switch req.Method {
	case sip.CANCEL:
		s.tx.Request(req, m)
	case sip.ACK:
		s.tx.Request(req, m)
	case sip.OPTIONS:
		s.onOptions(req, m)
	case sip.BYE, sip.INFO, sip.UPDATE, sip.PRACK:
		s.reply(req, m.Flow, 481, "Call/Transaction Does Not Exist", nil)
	default:
		s.reply(req, m.Flow, 405, "Method Not Allowed", []byte("Allow: "+allowed+"\r\n"))
	}
}

// onInDialog lets a request through to its call. A mid-dialog request of a call that is not here never begins a new one
// (RFC 3261 §12.2.2).
func (s *Server) onInDialog(req *sip.Request, m transport.Message, tag string, from peer) {
	_, _, ok := s.calls.byTag(tag)
	switch {
	case ok:
		s.tx.Request(req, m)
	case s.tx.Knows(req, m.Flow):
		s.tx.Request(req, m) // a copy of a request that was answered before the call ended, or the ACK of a refusal
	case s.tooEarly(m), req.Method != sip.ACK && s.seek(tag, from, m): // an ACK may be of a copy of what another node sent
	default:
		s.unknownDialog(req, m, from)
	}
}

// unknownDialog answers a request of a dialog that is nowhere.
func (s *Server) unknownDialog(req *sip.Request, m transport.Message, from peer) {
	switch {
	case req.Method == sip.ACK:
	case from.stranger() && !s.access.Admitted(from.addr):
		s.metrics.strangers.Inc()
	default:
		s.metrics.unknownDialogs.Inc()
		s.reply(req, m.Flow, 481, "Call/Transaction Does Not Exist", nil)
	}
}

// Request implements transaction.Core.
func (s *Server) Request(tx *transaction.Server, req *sip.Request, m transport.Message) {
	if tag, inDialog := req.To().Params.Get("tag"); inDialog {
		c, side, ok := s.calls.byTag(tag)
		if !ok {
			_ = tx.Respond(481, "Call/Transaction Does Not Exist", nil, nil)
			return
		}
		c.post(func(c *Call) { c.onRequest(side, tx, req, m) })
		return
	}
	s.onInvite(tx, req, m)
}

// Ack implements transaction.Core.
func (s *Server) Ack(ack *sip.Request, m transport.Message) {
	tag, _ := ack.To().Params.Get("tag")
	if c, side, ok := s.calls.byTag(tag); ok {
		c.postMail(func(c *Call) {
			if c.mayReach(side, ack, m) {
				c.onAck(side, ack, m)
			}
		})
	}
}

// reply answers without a transaction: a copy of the request is answered again.
func (s *Server) reply(req *sip.Request, f transport.Flow, code int, phrase string, headers []byte) {
	to, message := transaction.Reply(req, f, code, phrase, headers)
	_ = s.send(to, message)
}

// onOptions answers the health check of a peer.
func (s *Server) onOptions(req *sip.Request, m transport.Message) {
	if s.draining.Load() || s.lost.Load() {
		s.reply(req, m.Flow, 503, "Service Unavailable", append([]byte(retryAfter), optionsHeaders...))
		return
	}
	s.reply(req, m.Flow, 200, "OK", optionsHeaders)
}
