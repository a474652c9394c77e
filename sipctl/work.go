package sipctl

import "sync"

// maxRested limits the goroutines that wait for more work; at five round trips of a millisecond a call that is enough for
// thousands of calls a second.
const maxRested = 128

// work runs what a server has to do in goroutines, and lets its end be waited for. A goroutine that is done rests for a
// while: the next piece of work finds one whose stack has grown already, which is most of what a short goroutine costs.
type work struct {
	mu     sync.Mutex
	closed bool
	rested []chan func() // of goroutines that wait, each with room for one piece; the last one rested last
	group  sync.WaitGroup
}

// goDo runs f in another goroutine, unless the server has ended.
func (w *work) goDo(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	if last := len(w.rested) - 1; last >= 0 {
		w.rested[last] <- f
		w.rested = w.rested[:last]
		return true
	}
	w.group.Go(func() { w.do(f) })
	return true
}

// do runs f, and what comes after it.
func (w *work) do(f func()) {
	next := make(chan func(), 1)
	for ok := true; ok; {
		f()
		if !w.rest(next) {
			return
		}
		f, ok = <-next
	}
}

// rest offers a goroutine for more work, unless there are enough.
func (w *work) rest(next chan func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.rested) >= maxRested {
		return false
	}
	w.rested = append(w.rested, next)
	return true
}

// end lets no more begin, and waits for what runs.
func (w *work) end() {
	w.mu.Lock()
	w.closed = true
	for _, next := range w.rested {
		close(next)
	}
	w.rested = nil
	w.mu.Unlock()
	w.group.Wait()
}
