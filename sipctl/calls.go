package sipctl

import (
	"sync"
	"sync/atomic"
	"time"

	"tollgate/rating"
)

// calls are the running calls of this node: by id, and by our tag in either leg, which is how their requests are found.
type calls struct {
	mu   sync.RWMutex
	byID map[rating.CallID]*Call
	tags map[string]tagged
	size atomic.Int64
}

type tagged struct {
	call *Call
	side side
}

func newCalls() *calls { return &calls{byID: map[rating.CallID]*Call{}, tags: map[string]tagged{}} }

// add enters a new call; false: its id is taken, so the same INVITE has come by another way (RFC 3261 §8.2.2.2).
func (k *calls) add(c *Call) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, taken := k.byID[c.id]; taken {
		return false
	}
	k.byID[c.id] = c
	k.tags[c.caller.LocalTag] = tagged{c, callerSide}
	k.size.Add(1)
	return true
}

func (k *calls) tag(tag string, c *Call, s side) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tags[tag] = tagged{c, s}
}

func (k *calls) untag(tag string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.tags, tag)
}

func (k *calls) byTag(tag string) (*Call, side, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	t, ok := k.tags[tag]
	return t.call, t.side, ok
}

func (k *calls) get(id rating.CallID) *Call {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byID[id]
}

func (k *calls) remove(c *Call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID[c.id] != c {
		return
	}
	delete(k.byID, c.id)
	delete(k.tags, c.caller.LocalTag)
	delete(k.tags, c.trunk.LocalTag)
	k.size.Add(-1)
}

func (k *calls) list() []*Call {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]*Call, 0, len(k.byID))
	for _, c := range k.byID {
		list = append(list, c)
	}
	return list
}

// shown is what others may see of a call: its own goroutine writes it after each event.
type shown struct {
	mu        sync.Mutex
	state     state
	live      rating.LiveCall
	available rating.Money
	settled   bool
}

// show updates what others see.
func (c *Call) show() {
	s := &c.shown
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.available, s.settled = c.state, c.grant.Available, c.settled
	s.live = rating.LiveCall{ID: c.id, Extension: c.cdr.Extension, Username: c.cdr.Username, Dialled: c.cdr.Dialled, Trunk: c.cdr.Trunk, CallIDA: c.cdr.CallIDA,
		State: rating.Ringing, StartedAt: c.started.Round(0), Held: c.grant.Held, Node: c.server.config.Node, Units: max(0, c.credit.units)}
	if c.state >= answered && !c.answered.IsZero() {
		at := c.wallAnswered()
		s.live.State, s.live.AnsweredAt = rating.Talking, &at
	}
	if c.credit.billed {
		s.live.Tariff = c.credit.tariff
	}
}

// Calls returns the running calls of this node. Their deadlines are reckoned from what this node has last heard of each
// account; calls on other nodes that share an account are not in it.
func (s *Server) Calls() []rating.LiveCall {
	var all []rating.LiveCall
	accounts := map[string][]rating.LiveCall{}
	available := map[string]rating.Money{}
	for _, c := range s.calls.list() {
		c.shown.mu.Lock()
		live, state, left := c.shown.live, c.shown.state, c.shown.available
		c.shown.mu.Unlock()
		if state == authorizing || state == withdrawn || state >= ending {
			continue
		}
		if known, ok := available[live.Extension]; !ok || left < known {
			available[live.Extension] = left
		}
		accounts[live.Extension] = append(accounts[live.Extension], live)
	}
	now := time.Now()
	for extension, live := range accounts {
		rating.Reckon(live, available[extension], now)
		all = append(all, live...)
	}
	return all
}

// HangUp ends a call of this node (ended_by: operator); false: there is none of that id.
func (s *Server) HangUp(id rating.CallID) bool {
	c := s.calls.get(id)
	if c == nil {
		return false
	}
	c.post(func(c *Call) { c.stop(causeOperator) })
	return true
}

// HangUpExtension ends all calls of an extension on this node and returns how many.
func (s *Server) HangUpExtension(number string) int {
	n := 0
	for _, c := range s.calls.list() {
		if c.extension == number {
			c.post(func(c *Call) { c.stop(causeOperator) })
			n++
		}
	}
	return n
}
