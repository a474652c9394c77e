package sipctl

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// Stray implements transaction.Core: a response that no transaction waits for. Of a call that is up it is a repeated 2xx,
// which gets its ACK again, or a fork's; of any other it is the answer to an INVITE of a process that is no more, or of a
// call that is over. A 2xx that nobody wants would ring up a bill, so it gets ACK and BYE.
func (s *Server) Stray(res *sip.Response, m transport.Message) {
	cseq := res.CSeq()
	if !res.IsSuccess() || cseq.MethodName != sip.INVITE || !s.fromTrunk(m.Flow) || !s.strays.Allow() {
		return
	}
	if res.From() == nil || res.To() == nil || res.CallID() == nil {
		return
	}
	tag, _ := res.From().Params.Get("tag")
	if c, side, ok := s.calls.byTag(tag); ok {
		c.postMail(func(c *Call) { c.onStray2xx(side, res, m) })
		return
	}
	if !s.complete.Load() {
		return // it may belong to a call that is about to be taken up; the trunk repeats it
	}
	if id, ok := callOfTag(tag); ok {
		s.work.goDo(func() { s.endUnlessKnown(id, res, m) })
		return
	}
	s.endStray(res, m)
}

// onStray2xx takes a 2xx that came after the first one.
func (c *Call) onStray2xx(side side, res *sip.Response, m transport.Message) {
	this, _ := c.leg(side)
	to, _ := res.To().Params.Get("tag")
	ours := side == callerSide || !c.answered.IsZero()
	switch {
	case ours && to == this.RemoteTag && res.CallID().Value() == this.CallID:
		this.heard = m.At
		c.repeatAck(side, res.CSeq().SeqNo)
	case ours, c.state == calling, c.state == ringing, c.state == storing:
		c.server.endStray(res, m) // another branch of a fork: the first 2xx has won
	}
}

// repeatAck answers a repeated 2xx with the ACK that it got before. A call of the process before has none any more: it is
// made anew, unless it would have to carry a session description that only the caller knows (RFC 3261 §13.2.2.4).
func (c *Call) repeatAck(side side, seq uint32) {
	if c.ack == nil && c.revived && side == trunkSide && !c.lateOffer {
		c.ackFlow, c.ack = c.trunk.ack(seq, nil, nil)
	}
	if c.ack != nil {
		_ = c.server.send(c.ackFlow, c.ack)
	}
}

// endStray acknowledges a 2xx and hangs up.
func (s *Server) endStray(res *sip.Response, m transport.Message) {
	d := dialog{CallID: res.CallID().Value(), Local: untagged(res.From().Value()), Remote: untagged(res.To().Value()),
		LocalSeq: res.CSeq().SeqNo, Routes: recordRoutes(res.Headers(), true), Flow: m.Flow}
	d.LocalTag, _ = res.From().Params.Get("tag")
	d.RemoteTag, _ = res.To().Params.Get("tag")
	d.retarget(res.Contact())
	if d.Target == "" || !cleanText(d.Local+d.Remote+d.CallID+d.LocalTag+d.RemoteTag) {
		return
	}
	d.SentBy, d.Contact = s.sentBy(m.Flow), s.contact(m.Flow, "")
	flow, ack := d.ack(res.CSeq().SeqNo, nil, nil)
	if err := s.send(flow, ack); err != nil {
		s.log.Warn("a stray answer could not be acknowledged", "call_id", d.CallID, "err", err)
	}
	s.metrics.strays.Inc()
	bye := &strayBye{server: s, trunk: s.identify(m.Flow).trunk, dialog: d}
	if _, err := s.tx.Begin(bye.dialog.request(outgoing{method: sip.BYE}), bye); err != nil {
		s.log.Warn("a stray answer could not be ended", "call_id", d.CallID, "err", err)
	}
}
