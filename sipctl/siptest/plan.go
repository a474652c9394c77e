package siptest

import "time"

// Plan is one call, with what goes wrong in it.
type Plan struct {
	Number     string // the user part of Request-URI and To
	RequestURI string // instead of the one made of Number: any string
	From       string // user in From, default the phone's
	FromValue  string // the whole From value without a tag, instead of the one made of From
	CallID     string // default: random
	FromTag    string // default: random
	CSeq       uint32 // default: 1
	Headers    []Header
	Body       Body                // default: a small session description
	NoBody     bool                // no body at all (the offer comes with the 2xx)
	Rewrite    func([]byte) []byte // the last word on the INVITE's bytes
	Auth       Authorizer          // default: the phone's

	NoAck        bool          // never acknowledge a 2xx, unless by Call.Ack
	LoseAcks     int           // so many ACKs are lost on their way; the copies of the 2xx bring the next
	AckAfter     time.Duration // acknowledge the first 2xx this much later
	CancelAtOnce bool          // CANCEL in the same breath as the INVITE, before any provisional
	KeepForks    bool          // do not end the dialogs of further 2xx, only acknowledge them
	Replies      Replies       // answers to requests of the other side in this call

	watch watcher // the load generator's
}

// watcher is told what happens to a call, with the call's lock held.
type watcher interface {
	provisional(*Call, *Message)
	final(*Call) // c.answer or c.failure is set
	ended(*Call) // the first BYE
}

// plan makes a Call of it, not yet sent.
func (p *Phone) plan(plan Plan) *Call {
	if plan.From == "" {
		plan.From = p.config.User
	}
	if plan.FromValue == "" {
		plan.FromValue = p.from(plan.From)
	}
	if plan.CallID == "" {
		plan.CallID = p.newCallID()
	}
	if plan.FromTag == "" {
		plan.FromTag = p.token()
	}
	if plan.CSeq == 0 {
		plan.CSeq = 1
	}
	if plan.Auth == nil {
		plan.Auth = p.config.Auth
	}
	if plan.Body.Text == "" && !plan.NoBody {
		plan.Body = p.offer
	}
	to := "sip:" + plan.Number + "@" + p.config.Domain
	if plan.RequestURI == "" {
		plan.RequestURI = to
	}
	c := &Call{phone: p, plan: plan}
	c.dialog = session{
		a: &p.ua, lock: &c.mu, key: dialogKey{plan.CallID, plan.FromTag},
		local: plan.FromValue + ";tag=" + plan.FromTag, remote: "<" + to + ">", contact: p.contact(plan.From),
		target: plan.RequestURI, way: peer{addr: p.config.Server}, cseq: plan.CSeq - 1, remoteCSeq: -1,
		offer: plan.Body, replies: plan.Replies, auth: plan.Auth, owner: c,
	}
	return c
}
