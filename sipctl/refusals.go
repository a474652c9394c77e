package sipctl

import (
	"context"
	"sync"
	"time"

	"tollgate/rating"
)

const (
	refusalsApart   = 5    // refusals a second of one extension that have records of their own
	refusalsPending = 4096 // records that wait for the ledger; beyond them the spool takes them
	refusalKeys     = 4096 // extensions that are counted apart within one second
)

// refusals files the records of calls that the ledger never let in. A phone that tries again and again, faster than
// refusalsApart a second, leaves one record a second that carries the count.
type refusals struct {
	server *Server
	queue  chan rating.CDR

	mu   sync.Mutex
	seen map[refusalKey]*refusal
}

type refusalKey struct {
	extension string
	reason    rating.Reason
}

type refusal struct {
	alone  int // records filed in this second
	folded *rating.CDR
}

func newRefusals(s *Server) *refusals {
	return &refusals{server: s, queue: make(chan rating.CDR, refusalsPending), seen: map[refusalKey]*refusal{}}
}

// add files a record, or folds it into the one of this second.
func (r *refusals) add(cdr rating.CDR) {
	if r.fold(cdr) {
		return
	}
	r.server.logEnd(cdr, 0)
	select {
	case r.queue <- cdr:
	default:
		if err := r.server.deps.Spool.Put(SpoolEntry{File: &cdr}); err != nil {
			r.server.log.Error("the record of a refusal is lost", "call_id", cdr.ID, "account", cdr.Extension, "err", err)
		}
	}
}

func (r *refusals) fold(cdr rating.CDR) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusalKey{cdr.Extension, cdr.Reason}
	one := r.seen[key]
	if one == nil {
		if len(r.seen) >= refusalKeys {
			return false
		}
		one = new(refusal)
		r.seen[key] = one
	}
	if one.alone < refusalsApart {
		one.alone++
		return false
	}
	if one.folded == nil {
		one.folded = &cdr
	} else {
		one.folded.Count++
		one.folded.EndedAt = cdr.EndedAt
	}
	return true
}

// run files records until ctx is done.
func (r *refusals) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case cdr := <-r.queue:
			r.server.commit(SpoolEntry{File: &cdr})
		case <-tick.C:
			r.endSecond()
		}
	}
}

// endSecond files what was folded.
func (r *refusals) endSecond() {
	r.mu.Lock()
	seen := r.seen
	r.seen = make(map[refusalKey]*refusal)
	r.mu.Unlock()
	for _, one := range seen {
		if one.folded != nil {
			r.server.logEnd(*one.folded, 0)
			r.server.commit(SpoolEntry{File: one.folded})
		}
	}
}

// flush files what is left when the server ends.
func (r *refusals) flush() {
	r.endSecond()
	for {
		select {
		case cdr := <-r.queue:
			r.server.commit(SpoolEntry{File: &cdr})
		default:
			return
		}
	}
}
