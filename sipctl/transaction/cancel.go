package transaction

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// earlyCancel is a CANCEL that came before its INVITE.
type earlyCancel struct {
	layer *Layer
	req   *sip.Request
	flow  transport.Flow
	timer *time.Timer
	until time.Time
}

// cancel takes a CANCEL (RFC 3261 §9.2). One whose INVITE is not here waits for it a moment, since messages may overtake
// each other on the way; it is remembered for longer, so that an INVITE that comes late is not begun.
func (l *Layer) cancel(key serverKey, req *sip.Request, m transport.Message) {
	key.method = sip.INVITE
	l.mu.Lock()
	s := l.servers[key]
	if s != nil {
		l.mu.Unlock()
		(&earlyCancel{layer: l, req: req, flow: m.Flow}).answer(200, "OK", s.Tag())
		s.cancel()
		return
	}
	defer l.mu.Unlock()
	if l.early[key] != nil || len(l.early) >= maxEarlyCancels {
		return
	}
	e := &earlyCancel{layer: l, req: req, flow: m.Flow, until: time.Now().Add(earlyCancelKept)}
	e.timer = time.AfterFunc(earlyCancelWait, func() { e.answer(481, "Call/Transaction Does Not Exist", NewTag()) })
	l.early[key] = e
}

func (e *earlyCancel) answer(code int, reason, tag string) {
	message := composeResponse(code, reason, answerHead(e.req, e.flow, tag), nil, nil)
	_ = e.layer.send(answerPath(e.req, e.flow), message) // a copy of the CANCEL will ask again
}
