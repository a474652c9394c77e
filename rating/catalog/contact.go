package catalog

import (
	"errors"
	"sync"
	"time"
)

var errNotStarted = errors.New("the catalog has not been read yet")

// contact remembers when the store last answered.
type contact struct {
	mutex sync.Mutex
	since time.Time // of the last good answer, or of the snapshot file
	err   error     // nil while the store answers
}

func (c *contact) made(now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.since, c.err = now, nil
}

func (c *contact) lost(now time.Time, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.since.IsZero() {
		c.since = now
	}
	c.err = err
}

// of sets the moment that the snapshot is of.
func (c *contact) of(at time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.since = at
}

func (c *contact) state() (since time.Time, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.since, c.err
}

// Stale reports whether the last attempt to follow the store failed, and since when nothing is known of it: the last
// good answer or, after a start without store, the moment that the snapshot file was written.
func (c *Catalog) Stale() (since time.Time, stale bool) {
	since, err := c.contact.state()
	return since, err != nil
}
