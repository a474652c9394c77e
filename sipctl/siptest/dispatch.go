package siptest

import (
	"net/netip"
	"strings"
	"time"
)

// send writes one message and says when. A deaf user agent only pretends.
func (a *ua) send(to peer, message []byte) (time.Time, error) {
	at := time.Now()
	if a.isDeaf.Load() {
		return at, nil
	}
	a.conf.Ladder.sent(at, a.wire.local(), to.addr, message)
	if a.network == nil {
		return at, a.wire.send(to, message)
	}
	a.network.carry(a, func() { _ = a.wire.send(to, message) })
	return at, nil
}

// receive takes what the socket has read.
func (a *ua) receive(raw string, from peer) {
	at := time.Now()
	switch {
	case a.isDeaf.Load():
	case a.network == nil:
		a.dispatch(at, raw, from)
	default:
		a.network.carry(a, func() { a.dispatch(time.Now(), raw, from) })
	}
}

func (a *ua) dispatch(at time.Time, raw string, from peer) {
	m, err := Parse(raw)
	if err != nil {
		if strings.Trim(raw, "\r\n\x00") != "" { // an empty datagram is a keep-alive
			a.count.malformed.Add(1)
			a.conf.Ladder.garbage(at, from.addr, a.wire.local(), err)
		}
		return
	}
	m.At, m.Source, m.from = at, from.addr, from
	a.conf.Ladder.received(a.wire.local(), m)
	if m.IsRequest() {
		a.onRequest(m)
	} else {
		a.onResponse(m)
	}
}

func (a *ua) onResponse(m *Message) {
	key := txKey{m.Branch(), m.cseqMethod}
	a.mu.Lock()
	tx := a.txs[key]
	a.mu.Unlock()
	if tx == nil {
		a.count.strayResponses.Add(1)
		return
	}
	tx.receive(m)
}

func (a *ua) onRequest(m *Message) {
	a.count.method(m.Method)
	if m.Method == "ACK" && a.role.ackedRefusal(m) {
		return
	}
	if tag := m.ToTag(); tag != "" {
		a.mu.Lock()
		s := a.dialogs[dialogKey{m.callID, tag}]
		a.mu.Unlock()
		if s != nil {
			s.receive(m)
			return
		}
	}
	a.role.outOfDialog(m)
}

// answer replies to a request that belongs to no dialog.
func (a *ua) answer(m *Message, r Reply) {
	if !r.Silent && m.Method != "ACK" {
		_, _ = a.send(replyTo(m), writeReply(m, r.code(), r.Reason, a.token(), "", r.Headers, r.Body))
	}
}

// replyTo is where the answer to a request goes (RFC 3261 §18.2.2, RFC 3581 §4).
func replyTo(m *Message) peer {
	if m.from.conn != nil {
		return m.from
	}
	if _, asked := findParam(m.topVia, "rport"); asked {
		return m.from
	}
	return peer{addr: netip.AddrPortFrom(m.Source.Addr(), sentByPort(m.topVia))}
}
