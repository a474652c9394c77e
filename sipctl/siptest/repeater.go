package siptest

import (
	"sync"
	"time"
)

// Timers of RFC 3261 §17, as multiples of T1.
const (
	defaultT1 = 500 * time.Millisecond
	t2        = 8  // T2: the longest pause between repetitions, but for an INVITE
	timeout   = 64 // B, F, H: then the other side is given up
)

// repeater sends one message again and again, with growing pauses, until it is stopped or its time is up. It serves
// requests (timers A and E), final responses to an INVITE (G) and 2xx (RFC 3261 §13.3.1.4). All methods but fire are called
// with lock held.
type repeater struct {
	a       *ua
	lock    *sync.Mutex
	message []byte
	to      peer

	pause, longest time.Duration // longest 0: doubling without an end
	next, until    time.Time     // of the timetable: a late timer delays one repetition, not those after it
	timer          *time.Timer
	giveUp         func() // called with lock held, may be nil
}

// start sends the message and begins to repeat it. With once it is not repeated (a reliable transport), only given up on.
func (r *repeater) start(once bool, longest time.Duration) (sent time.Time, err error) {
	sent, err = r.a.send(r.to, r.message)
	limit := timeout * r.a.t1
	r.pause, r.longest, r.until = r.a.t1, longest, sent.Add(limit)
	if once {
		r.pause = limit
	}
	r.next = sent
	r.schedule()
	return sent, err
}

func (r *repeater) fire() {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.timer == nil {
		return // stopped while this was waiting for the lock
	}
	if !r.next.Before(r.until) {
		r.timer = nil
		if r.giveUp != nil {
			r.giveUp()
		}
		return
	}
	r.a.count.retransmitted.Add(1)
	_, _ = r.a.send(r.to, r.message) // a network may lose it as well: the next one is on its way
	r.pause *= 2
	if r.longest > 0 {
		r.pause = min(r.pause, r.longest)
	}
	r.schedule()
}

func (r *repeater) schedule() {
	r.next = r.next.Add(r.pause)
	if r.next.After(r.until) {
		r.next = r.until
	}
	r.timer = r.a.after(time.Until(r.next), r.fire)
}

// slow makes the pauses T2 from now on: a non-INVITE request that has seen a provisional (RFC 3261 §17.1.2.2).
func (r *repeater) slow() { r.pause = t2 * r.a.t1 }

func (r *repeater) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}
