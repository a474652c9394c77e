package siptest

import (
	"strconv"
	"sync"
	"time"
)

// clientTx is a request of ours and what comes back (RFC 3261 §17.1). Its fields are guarded by the owner's lock.
type clientTx struct {
	key      txKey
	request  request
	repeater repeater
	sentAt   time.Time
	settled  bool   // the final response has come
	ack      []byte // our ACK to a non-2xx, for its repetitions

	heard func(*Message)        // every response as it comes, the repeated ones too
	over  func(*Message, error) // once: the final response, or ErrTimeout, or that it could not be sent
}

type txKey struct{ branch, method string }

// request is what stays the same between a request, its CANCEL and the ACK to its refusal.
type request struct {
	method, uri, branch string
	from, to            string // header values, with tags
	callID              string
	cseq                uint32
	routes              []string
}

// write puts the request into words. A script's header replaces ours of the same name.
func (q *request) write(a *ua, contact string, script []Header, b Body) []byte {
	d := newDraft(q.method, " ", q.uri, " SIP/2.0")
	d = d.header("Via", "SIP/2.0/", a.wire.name(), " ", a.hostPort, ";branch=", q.branch, ";rport")
	for _, r := range q.routes {
		d = d.header("Route", r)
	}
	d = d.unless(script, "Max-Forwards", "70")
	d = d.header("From", q.from)
	d = d.header("To", q.to)
	d = d.header("Call-ID", q.callID)
	d = d.header("CSeq", strconv.FormatUint(uint64(q.cseq), 10), " ", q.method)
	if contact != "" {
		d = d.unless(script, "Contact", contact)
	}
	return d.headers(script).body(b)
}

// ackRefusal is the ACK to a non-2xx (RFC 3261 §17.1.1.3): a part of the INVITE's transaction.
func (q *request) ackRefusal(a *ua, refusal *Message) []byte {
	ack := *q
	ack.method, ack.to = "ACK", refusal.toValue
	return ack.write(a, "", nil, Body{})
}

// begin sends a request and follows it up. The owner holds lock, now and whenever heard and over are called.
func (a *ua) begin(lock *sync.Mutex, q request, message []byte, to peer, tx *clientTx) {
	tx.key, tx.request = txKey{q.branch, q.method}, q
	tx.repeater = repeater{a: a, lock: lock, message: message, to: to, giveUp: func() { tx.finish(nil, ErrTimeout) }}
	if !a.track(tx) {
		tx.finish(nil, errClosed)
		return
	}
	longest := t2 * a.t1
	if q.method == "INVITE" {
		longest = 0
	}
	sent, err := tx.repeater.start(a.wire.reliable(), longest)
	if tx.sentAt = sent; err != nil {
		tx.repeater.stop()
		tx.finish(nil, err)
	}
}

// receive takes a response from the socket.
func (tx *clientTx) receive(m *Message) {
	tx.repeater.lock.Lock()
	defer tx.repeater.lock.Unlock()
	invite := tx.key.method == "INVITE"
	switch {
	case m.Code < 200:
		if invite {
			tx.repeater.stop() // timer B ends here too: a trunk may ring as long as it likes
		} else {
			tx.repeater.slow()
		}
	case invite && m.Code >= 300:
		if tx.ack == nil {
			tx.ack = tx.request.ackRefusal(tx.repeater.a, m)
		} else {
			tx.repeater.a.count.repeats.Add(1)
		}
		_, _ = tx.repeater.a.send(tx.repeater.to, tx.ack)
	case tx.settled && !invite:
		tx.repeater.a.count.repeats.Add(1)
	}
	if tx.heard != nil {
		tx.heard(m)
	}
	if m.Code >= 200 && !tx.settled {
		tx.settled = true
		tx.finish(m, nil)
	}
}

func (tx *clientTx) finish(final *Message, err error) {
	tx.repeater.stop()
	if tx.repeater.a.conf.Lean {
		tx.repeater.message = nil // it is never repeated any more
	}
	tx.repeater.a.bury(tx)
	if over := tx.over; over != nil {
		tx.over = nil
		over(final, err)
	}
}

func (tx *clientTx) forget(a *ua) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.txs, tx.key)
}
