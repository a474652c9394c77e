package sipctl

import (
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// orphan looks after an INVITE that nobody waits for any more: cancelled by the caller, or given up for another trunk. It
// sends the CANCEL as soon as that is allowed, which is after the first response (RFC 3261 §9.1), and ends with ACK and BYE
// what was answered all the same. The call itself is over by then, and costs nothing.
type orphan struct {
	server    *Server
	attempt   *attempt
	cancelled atomic.Bool
}

// orphan takes an attempt off its call's hands.
func (s *Server) orphan(a *attempt) {
	o := &orphan{server: s, attempt: a}
	a.client.SetUser(o)
	if a.client.Heard() {
		o.cancel()
	}
	a.client.Quiet()
}

func (o *orphan) cancel() {
	if o.cancelled.Swap(true) {
		return
	}
	a := o.attempt
	_, _ = o.server.tx.Begin(a.dialog.cancel(a.dialog.InviteSeq, a.branch, a.flow, nil), o.server)
}

// Response implements transaction.ClientUser.
func (o *orphan) Response(_ *transaction.Client, res *sip.Response, m transport.Message) {
	switch {
	case res.IsProvisional():
		o.cancel()
	case res.IsSuccess():
		o.server.endStray(res, m)
	}
}

// Failed implements transaction.ClientUser: the trunk never said how it ended.
func (o *orphan) Failed(*transaction.Client, error) {}

// Response implements transaction.ClientUser for requests whose answer changes nothing.
func (s *Server) Response(_ *transaction.Client, res *sip.Response, _ transport.Message) {
}

// Failed implements transaction.ClientUser for requests whose answer changes nothing.
func (s *Server) Failed(*transaction.Client, error) {}
