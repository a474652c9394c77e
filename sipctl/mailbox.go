package sipctl

import "sync"

// maxMail limits what waits for one call. What the network sends beyond it is dropped, as a network may; what we send
// ourselves is a handful.
const maxMail = 256

// mailbox lets one goroutine at a time work for a call, in the order in which events came. A call that has nothing to do
// has no goroutine, so that a quiet call costs no stack.
type mailbox struct {
	mu    sync.Mutex
	queue []event
	busy  bool
}

// put adds an event; with start the caller must see to it that the queue is worked off.
func (m *mailbox) put(e event, droppable bool) (start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if droppable && len(m.queue) >= maxMail {
		return false
	}
	m.queue = append(m.queue, e)
	start = !m.busy
	m.busy = true
	return start
}

// take returns the next event; without one the goroutine that works for the call is free.
func (m *mailbox) take() (event, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.queue, m.busy = nil, false
		return nil, false
	}
	e := m.queue[0]
	m.queue[0] = nil
	m.queue = m.queue[1:]
	return e, true
}

// event is something that happens to a call. It runs in the goroutine that works for the call.
type event func(*Call)
