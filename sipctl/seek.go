package sipctl

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
	"tollgate/sipctl/transport"
)

// seeks are requests whose dialogs are not here but may be another node's: of one that has died and whose calls are taken
// over in a moment, or of one that has taken this call over from us. Our tag says which call it is, the store whose.
type seeks struct {
	mu    sync.Mutex
	queue map[rating.CallID][]transport.Message
}

const (
	maxSeeks    = 1000                   // calls at a time
	maxSought   = 8                      // messages of one call
	seekPause   = 500 * time.Millisecond // between two looks
	seekLimit   = 20 * time.Second       // then it is unknown: longer than a takeover takes, shorter than a transaction
	strangeRate = 50                     // of strangers, a second
)

// seek looks for the call of a request in a dialog that is not here; false: it need not be looked for. The request goes on
// when it is clear whose it is; its copies meanwhile are dropped, others of the call wait with it.
func (s *Server) seek(tag string, from peer, m transport.Message) bool {
	id, ok := callOfTag(tag)
	if !ok || s.calls.get(id) != nil || s.deps.Spool.Entries() > 0 || from.stranger() && !s.strangeSeeks.Allow() {
		return false
	}
	s.seeks.mu.Lock()
	defer s.seeks.mu.Unlock()
	waiting, under := s.seeks.queue[id]
	switch {
	case under && len(waiting) < maxSought && !isCopy(waiting, m):
		s.seeks.queue[id] = append(waiting, m)
	case under:
	case len(s.seeks.queue) >= maxSeeks:
		return false
	default:
		s.seeks.queue[id] = []transport.Message{m}
		s.work.goDo(func() { s.find(id, m.At) })
	}
	return true
}

func isCopy(waiting []transport.Message, m transport.Message) bool {
	for _, w := range waiting {
		if a, b := w.SIP.CSeq(), m.SIP.CSeq(); a.SeqNo == b.SeqNo && a.MethodName == b.MethodName {
			return true
		}
	}
	return false
}

// find claims the call, as soon as that is possible, and lets its messages go on.
func (s *Server) find(id rating.CallID, arrived time.Time) {
	defer s.survive("a call elsewhere could not be looked for")
	found := false
	for time.Since(arrived) < seekLimit {
		wait, cancel := context.WithTimeout(s.background, earlyWait)
		h, taken, err := s.deps.Ledger.Claim(wait, id)
		cancel()
		if err == nil && taken {
			if c := s.takeUp(h); c != nil {
				s.log.Info("a call is taken up where its messages come", "call_id", id)
				c.post((*Call).saveDialog)
			}
		}
		if found = s.calls.get(id) != nil; found || err == nil || errors.Is(err, rating.ErrSettled) || errors.Is(err, rating.ErrNoCall) {
			break
		}
		if errors.Is(err, rating.ErrOwnedElsewhere) && h.Seen.After(arrived) {
			break // its node lives: what comes here is lost
		}
		select {
		case <-s.background.Done():
		case <-time.After(seekPause):
			continue
		}
		break
	}
	s.seeks.mu.Lock()
	waiting := s.seeks.queue[id]
	delete(s.seeks.queue, id)
	s.seeks.mu.Unlock()
	for _, m := range waiting {
		if found {
			s.receive(m)
		} else if req, ok := m.SIP.(*sip.Request); ok {
			s.unknownDialog(req, m, s.identify(m.Flow))
		}
	}
}

// endUnlessKnown ends a stray 2xx with ACK and BYE, unless it is that of an answered call which another node has, or is about
// to have. Where the store does not answer, the next copy asks again.
func (s *Server) endUnlessKnown(id rating.CallID, res *sip.Response, m transport.Message) {
	defer s.survive("a stray answer could not be looked at")
	ctx, cancel := context.WithTimeout(s.background, earlyWait)
	defer cancel()
	h, err := s.deps.Ledger.Call(ctx, id)
	switch {
	case errors.Is(err, rating.ErrSettled), errors.Is(err, rating.ErrNoCall):
	case err != nil:
		return
	default:
		local, _ := res.From().Params.Get("tag")
		remote, _ := res.To().Params.Get("tag")
		if b, err := decodeBlob(h.Dialog); err == nil && !h.Answered.IsZero() && b.Trunk.LocalTag == local && b.Trunk.RemoteTag == remote {
			return
		}
	}
	s.endStray(res, m)
}
