package sipctl

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/transport"
)

// reviveRetry is how often a store that does not reply is asked again for the calls of this node.
const reviveRetry = time.Second

// revive takes up the calls that this node had when it died: answered ones go on, with their deadlines, and those that are
// overdue are cut at once; ringing ones cannot be saved, since their transactions are gone, and are released.
func (s *Server) revive(ctx context.Context) {
	for {
		err := s.reviveOnce(ctx)
		if err == nil {
			s.complete.Store(true)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Warn("the calls of this node cannot be read yet", "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(reviveRetry):
		}
	}
}

// Requests of dialogs that may still be taken up wait a little.
const (
	earlyPause = 200 * time.Millisecond
	earlyLimit = 10 * time.Second
	maxEarly   = 5000
)

// tooEarly keeps a request of a dialog that is not known yet, until the calls of the process before have been taken up.
func (s *Server) tooEarly(m transport.Message) bool {
	if s.complete.Load() || time.Since(m.At) > earlyLimit {
		return false
	}
	if s.early.Add(1) > maxEarly {
		s.early.Add(-1)
		return true // dropped: its sender repeats it
	}
	time.AfterFunc(earlyPause, func() {
		s.early.Add(-1)
		s.work.goDo(func() { s.receive(m) })
	})
	return true
}

func (s *Server) reviveOnce(ctx context.Context) error {
	began := s.deps.Spool.Entries() == 0
	if !began {
		return errors.New("the spool is still being replayed")
	}
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	holds, err := s.deps.Ledger.CallsOf(wait, s.config.Node)
	if err != nil {
		return err
	}
	revived := 0
	for _, h := range holds {
		if s.calls.get(h.Call) != nil || h.Started.After(s.began) {
			continue // one of this process
		}
		if c := s.takeUp(h); c != nil {
			revived++
		}
	}
	if len(holds) > 0 {
		s.log.Info("calls of the process before", "found", len(holds), "revived", revived)
	}
	return nil
}

// takeUp goes on with a call that another process began; nil where that cannot be.
func (s *Server) takeUp(h rating.Hold) *Call {
	if h.Answered.IsZero() {
		s.refuseUnanswered(h.Dialog)
		s.release(h, time.Time{})
		return nil
	}
	b, err := decodeBlob(h.Dialog)
	if err != nil {
		s.log.Error("a call of another process cannot be taken up", "call_id", h.Call, "account", h.Extension, "err", err)
		s.release(h, h.Answered)
		return nil
	}
	c := s.reborn(h, b)
	s.catchUp(c)
	if !s.calls.add(c) {
		c.releaseTrunk()
		return nil
	}
	s.calls.tag(c.trunk.LocalTag, c, trunkSide)
	c.show()
	c.post(func(c *Call) {
		c.answerUnanswered(b.Answer)
		c.armCredit()
		if c.session.on() { // a refresh may have been missed: its sender repeats it
			c.set(sessionTimer, later(c.session.end(), time.Now().Add(reviveSession)))
		}
		if c.armAlive(); c.keepaliveEvery > 0 { // a leg may have gone while nobody listened
			c.askBoth = true
			c.set(aliveTimer, time.Now().Add(reviveAsk+rand.N(reviveSpread)))
		}
	})
	return c
}

// catchUp pays what a call has talked while nobody looked after it, as far as its account can: it is overdue, and a BYE that
// comes in this moment must not end it unpaid.
func (s *Server) catchUp(c *Call) {
	for range maxCatchUp {
		end, bounded := c.credit.boundary()
		talked := time.Since(c.answered)
		if !bounded || talked < end {
			return
		}
		wait, cancel := context.WithTimeout(s.background, extendWait)
		grant, err := s.deps.Ledger.Extend(wait, rating.Extend{Call: c.id, Extension: c.extension, Node: s.config.Node, HaveUnits: c.credit.units})
		cancel()
		if err != nil || grant.Units <= c.credit.units {
			return // the guard asks once more, and cuts
		}
		c.grant = grant
		c.credit.granted(grant, talked)
	}
}

// maxCatchUp is how many units are bought one by one for a call that is overdue.
const maxCatchUp = 200

// reborn is a talking call made of what the store knows.
func (s *Server) reborn(h rating.Hold, b blob) *Call {
	now := time.Now()
	snapshot := s.deps.Catalog.Current()
	s.moveIn(&b.Caller)
	s.moveIn(&b.Trunk)
	answered := now.Add(h.Answered.Sub(now)) // with today's monotonic clock
	seen := now.Add(h.Seen.Sub(now))         // the last proof that anybody was there
	if h.Seen.IsZero() || seen.After(now) {
		seen = now
	}
	c := &Call{server: s, id: h.Call, extension: h.Extension, digest: b.Digest, started: h.Started, state: talking, revived: true, lateOffer: b.Late,
		caller: leg{dialog: b.Caller, side: callerSide, heard: now}, trunk: leg{dialog: b.Trunk, side: trunkSide, heard: later(seen, answered)},
		session: b.Session, answered: answered, sure: now,
		cdr: h.Draft, grant: rating.Grant{Units: h.Units, Held: h.Amount, Tariff: h.Tariff, Unbilled: h.Unbilled},
		keepaliveEvery: s.seconds(snapshot.Settings.KeepaliveInterval)}
	// A leg's counters may have gone on after they were stored: leave room (RFC 3261 §12.2.1.1 wants them to grow only).
	c.caller.LocalSeq += revivedSeqRoom
	c.trunk.LocalSeq += revivedSeqRoom
	c.cdr.ID, c.cdr.Extension, c.cdr.Node = h.Call, h.Extension, s.config.Node
	c.credit = credit{tariff: h.Tariff, billed: h.Unbilled == rating.Billed, limit: b.Limit, units: h.Units}
	c.credit.plan(now.Sub(c.answered))
	if t, ok := snapshot.Plan.Trunk(c.cdr.Trunk); ok {
		c.trunkState = s.trunks.get(t)
		c.trunkState.active.Add(1)
		c.trunk.peer = trunkPeer(c.trunkState)
	}
	return c
}

// moveIn makes a stored leg one of this process: its connections are gone, and where another node had it, requests go out by
// our sockets and name our address.
func (s *Server) moveIn(d *dialog) {
	d.Flow.Conn = 0
	if local, ok := s.net.Local(d.Flow.Network, d.Flow.Remote.Addr()); ok && !slices.Contains(s.net.Addrs(), d.Flow.Local) {
		d.Flow.Local = local
	}
	user := ""
	if uri, ok := strings.CutPrefix(d.Contact, "<sip:"); ok {
		if before, _, ok := strings.Cut(uri, "@"); ok {
			user = before
		}
	}
	d.SentBy, d.Contact = s.sentBy(d.Flow), s.contact(d.Flow, user)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reviveSession is how long a session lives at least that was revived.
const reviveSession = 90 * time.Second

// When the legs of a revived call are asked for a sign of life: soon, and not all at once.
const (
	reviveAsk    = 2 * time.Second
	reviveSpread = 5 * time.Second
)

// revivedSeqRoom is how far the CSeq of a revived leg leaps.
const revivedSeqRoom = 100

// release settles a call that cannot be taken up.
func (s *Server) release(h rating.Hold, answered time.Time) {
	now := time.Now().Round(0)
	cdr := h.Draft
	cdr.ID, cdr.Extension, cdr.EndedBy, cdr.EndedAt = h.Call, h.Extension, rating.BySystem, &now
	if answered.IsZero() {
		cdr.Disposition, cdr.AnsweredAt, cdr.SIPCode = rating.Failed, nil, 503
	}
	s.count(cdr, now.Sub(answered))
	s.logEnd(cdr, now.Sub(answered))
	s.work.goDo(func() {
		s.commit(SpoolEntry{Settle: &rating.Settlement{Call: h.Call, Node: s.config.Node, Answered: answered, Ended: now, Talked: -1, CDR: cdr}})
	})
}

// renewLeases tells the store now and then that the talking calls of this node live.
func (s *Server) renewLeases(ctx context.Context) {
	tick := time.NewTicker(s.config.Timers.Refresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.renew(ctx)
		}
	}
}

func (s *Server) renew(ctx context.Context) {
	var ids []rating.CallID
	for _, c := range s.calls.list() {
		c.shown.mu.Lock()
		if c.shown.state == answered || c.shown.state == talking {
			ids = append(ids, c.id)
		}
		c.shown.mu.Unlock()
	}
	if len(ids) == 0 {
		return
	}
	wait, cancel := context.WithTimeout(ctx, earlyWait)
	defer cancel()
	over, elsewhere, err := s.deps.Ledger.Touch(wait, ids)
	if err != nil {
		s.log.Warn("the leases of calls could not be renewed", "err", err)
	}
	for _, id := range over {
		if c := s.calls.get(id); c != nil {
			c.post((*Call).onGone)
		}
	}
	for _, id := range elsewhere {
		if c := s.calls.get(id); c != nil {
			c.post((*Call).yield)
		}
	}
}

// onGone: the ledger says that the call is over.
func (c *Call) onGone() {
	if !c.unheld && (c.state == answered || c.state == talking) && !c.spooled() {
		c.log().Warn("the ledger does not know the call any more")
		c.stop(causeSystem)
	}
}
