package catalog

import (
	"context"
	"sync"
)

// listeners are told that there is a newer snapshot.
type listeners struct {
	mutex sync.Mutex
	all   map[chan struct{}]struct{}
}

// Changes returns a channel that gets a word after every change of the snapshot, until ctx ends. Words that nobody has
// taken yet melt into one: look at Current, not at the number of words.
func (c *Catalog) Changes(ctx context.Context) <-chan struct{} {
	word := make(chan struct{}, 1)
	l := &c.listeners
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.all == nil {
		l.all = make(map[chan struct{}]struct{})
	}
	l.all[word] = struct{}{}
	context.AfterFunc(ctx, func() {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		delete(l.all, word)
	})
	return word
}

// show makes a view the current one and tells the listeners.
func (c *Catalog) show(v *view) {
	c.view.Store(v)
	c.listeners.mutex.Lock()
	defer c.listeners.mutex.Unlock()
	for word := range c.listeners.all {
		select {
		case word <- struct{}{}:
		default: // the last one has not been taken yet, and stands for this one too
		}
	}
}
