package catalog

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
)

// Quarantined is a document in the store that cannot be used, and so is left out of the snapshot until somebody writes
// it anew or deletes it.
type Quarantined struct {
	Kind   string `json:"kind"` // extensions, rates, trunks, dial_rules, installation
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

const (
	maxBrokenHeld   = 1000 // documents that are remembered by name
	maxBrokenLogged = 20   // lines of one refresh
)

// brokenList is what Quarantined shows.
type brokenList struct {
	mutex sync.Mutex
	held  map[brokenID]Quarantined
	fresh []Quarantined // not yet in the log
	more  int           // as well, but too many to name
}

type brokenID struct {
	kind kind
	id   string
}

// Quarantined lists the documents that are left out of the snapshot, at most 1000 of them.
func (c *Catalog) Quarantined() []Quarantined {
	c.broken.mutex.Lock()
	defer c.broken.mutex.Unlock()
	list := make([]Quarantined, 0, len(c.broken.held))
	for _, q := range c.broken.held {
		list = append(list, q)
	}
	slices.SortFunc(list, func(a, b Quarantined) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (b *brokenList) add(k kind, id string, reason error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	key, q := brokenID{k, id}, Quarantined{string(k), shorten(id), reason.Error()}
	if b.held[key] == q {
		return
	}
	if len(b.held) >= maxBrokenHeld {
		b.more++
		return
	}
	if b.held == nil {
		b.held = make(map[brokenID]Quarantined)
	}
	b.held[key] = q
	if len(b.fresh) >= maxBrokenLogged {
		b.more++
		return
	}
	b.fresh = append(b.fresh, q)
}

// mend forgets a document that is good now, or gone.
func (b *brokenList) mend(k kind, id string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.held, brokenID{k, id})
}

// keep forgets the documents of a kind that are not among those that were read.
func (b *brokenList) keep(k kind, read map[string]string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for key := range b.held {
		if _, ok := read[key.id]; key.kind == k && !ok {
			delete(b.held, key)
		}
	}
}

// report names in the log what was added since the last report.
func (b *brokenList) report(log *slog.Logger) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, q := range b.fresh {
		log.Error("a document in the store cannot be used and is left out", "kind", q.Kind, "id", q.ID, "err", q.Reason)
	}
	if b.more > 0 {
		log.Error("more documents in the store cannot be used and are left out", "count", b.more)
	}
	b.fresh, b.more = nil, 0
}
