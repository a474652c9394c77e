package sipctl

import "sync"

// work counts the goroutines of a server, so that its end can be waited for.
type work struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// goDo runs f in a goroutine of its own, unless the server has ended.
func (w *work) goDo(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.group.Go(f)
	return true
}

// end lets no more begin, and waits for what runs.
func (w *work) end() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.group.Wait()
}
