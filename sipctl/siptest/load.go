package siptest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Load places calls at a steady rate, whatever becomes of them: what is late is not waited for. Every call that is answered
// talks for Hold and is ended with BYE. Memory is bounded by MaxUp.
type Load struct {
	Server    netip.AddrPort
	Transport string     // "udp" (default) or "tcp"
	LocalIP   netip.Addr // of the callers; default 127.0.0.1
	Network   *Network   // optional, UDP only: a worse network than loopback

	Rate     float64       // calls a second
	Calls    int           // how many; 0: as many as fit in Duration
	Duration time.Duration // for how long to place calls; 0: until Calls are placed
	Hold     time.Duration // talk time; 0: BYE right after the ACK
	MaxUp    int           // calls at a time; what would be more is left out and counted; default 20 000
	Answer   time.Duration // how long a call may ring before it is cancelled; default 32 s

	Plan   func(n int) Plan // the n-th call, from 0; default: to number 988 from user 1000 + n mod 1000
	Phones int              // sockets; default 1

	Progress func(*Summary) // called about once a second, and never after Run has returned; optional
}

const (
	defaultMaxUp  = 20_000
	defaultAnswer = 32 * time.Second
	progressPause = time.Second
	loadLinger    = 2 * time.Second // instead of 64·T1: at full rate half a minute of dead calls is a lot of memory
	maxBehind     = time.Second     // a generator that is further behind its own rate gives up the difference
)

var errNoEnd = errors.New("a load needs a rate and an end: Calls, or Duration")

// loadRun is a Load while it runs.
type loadRun struct {
	Load
	phones []*Phone
	start  time.Time

	mu      sync.Mutex // guards what follows
	summary Summary
	idle    bell // a call is over
}

// Run places the calls, waits until all of them have ended, and tells how it went. When the context ends no more calls are
// placed, and those that are up are ended at once.
func (l Load) Run(ctx context.Context) (*Summary, error) {
	if l.Rate <= 0 || l.Calls == 0 && l.Duration == 0 {
		return nil, errNoEnd
	}
	r := &loadRun{Load: l.withDefaults()}
	defer r.close()
	for i := range r.Phones {
		c := Config{Name: "load " + strconv.Itoa(i+1), Transport: r.Transport, LocalIP: r.LocalIP, Network: r.Network,
			Lean: true, Linger: loadLinger}
		p, err := NewPhone(PhoneConfig{Config: c, Server: r.Server})
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		r.phones = append(r.phones, p)
	}
	r.start = time.Now()
	r.summary.Failures = map[int]int{}
	var reporter sync.WaitGroup
	done := make(chan struct{})
	reporter.Go(func() { r.report(done) })
	r.place(ctx)
	r.drain(ctx)
	close(done)
	reporter.Wait()
	return r.snapshot(), nil
}

func (l Load) withDefaults() Load {
	if l.MaxUp == 0 {
		l.MaxUp = defaultMaxUp
	}
	if l.Answer == 0 {
		l.Answer = defaultAnswer
	}
	if l.Phones == 0 {
		l.Phones = 1
	}
	if l.Plan == nil {
		l.Plan = func(n int) Plan { return Plan{Number: "988", From: strconv.Itoa(1000 + n%1000)} }
	}
	return l
}

func (r *loadRun) close() {
	for _, p := range r.phones {
		p.Close()
	}
}

// place begins each call at its time.
func (r *loadRun) place(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	shift := time.Duration(0) // how much the timetable has been put back
	for n := 0; r.Calls == 0 || n < r.Calls; n++ {
		due := time.Duration(float64(n)/r.Rate*float64(time.Second)) + shift
		if r.Duration > 0 && due >= r.Duration {
			return
		}
		switch early := due - time.Since(r.start); {
		case early > 0:
			timer.Reset(early)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		case -early > maxBehind:
			shift += -early
			r.tally(func(s *Summary) { s.Behind += -early })
		}
		if ctx.Err() != nil {
			return
		}
		r.call(n)
	}
}

func (r *loadRun) call(n int) {
	r.mu.Lock()
	if r.summary.Up >= r.MaxUp {
		r.summary.LeftOut++
		r.mu.Unlock()
		return
	}
	r.summary.Placed++
	r.summary.Up++
	r.summary.Placing = time.Since(r.start)
	r.summary.MostUp = max(r.summary.MostUp, r.summary.Up)
	r.mu.Unlock()
	plan := r.Plan(n)
	plan.watch = r
	r.phones[n%len(r.phones)].Place(plan)
}

// drain waits for the calls that are up. When the context is over they end now.
func (r *loadRun) drain(ctx context.Context) {
	limit := time.NewTimer(r.Hold + r.Answer + 2*timeout*defaultT1)
	defer limit.Stop()
	hurry := ctx.Done()
	for {
		change := r.idle.next()
		if r.snapshot().Up == 0 {
			return
		}
		select {
		case <-change:
		case <-hurry:
			hurry = nil
			r.endAll()
		case <-limit.C:
			return // Summary.Up tells how many are stuck
		}
	}
}

// endAll ends what is up: BYE for calls that talk, CANCEL for calls in set-up.
func (r *loadRun) endAll() {
	for _, p := range r.phones {
		for _, c := range p.calls() {
			c.mu.Lock()
			if c.answer != nil {
				r.hangUp(c)
			} else if c.failure == nil {
				c.abandon()
			}
			c.mu.Unlock()
		}
	}
}

func (r *loadRun) report(done <-chan struct{}) {
	tick := time.NewTicker(progressPause)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if r.Progress != nil {
				r.Progress(r.snapshot())
			}
		}
	}
}

func (r *loadRun) tally(change func(*Summary)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.summary)
}

func (r *loadRun) over(change func(*Summary)) {
	r.tally(func(s *Summary) {
		s.Up--
		change(s)
	})
	r.idle.ring()
}

// provisional is told by a call; also final and ended.
func (r *loadRun) provisional(c *Call, m *Message) {
	switch {
	case m.Code > 100 && !c.rang:
		c.rang = true
		r.tally(func(s *Summary) { s.Ring.Add(m.At.Sub(c.sentAt)) })
	case c.limit == nil: // the first sign of life; without one timer B ends the call
		c.limit = c.phone.after(r.Answer, c.giveUp)
	}
}

func (r *loadRun) final(c *Call) {
	if c.limit != nil {
		c.limit.Stop()
	}
	if c.answer == nil {
		var rejected *Rejected
		code := 0
		if errors.As(c.failure, &rejected) {
			code = rejected.Response.Code
		}
		r.over(func(s *Summary) {
			s.Failed++
			s.Failures[code]++
		})
		return
	}
	r.tally(func(s *Summary) {
		s.Answered++
		s.AnswerTime.Add(c.answer.At.Sub(c.sentAt))
	})
	switch {
	case c.dialog.end.By == Local: // it crossed our CANCEL
	case c.dialog.end.By == Remote: // a BYE has overtaken the 2xx
		r.over(func(s *Summary) { s.Cut++ })
	case r.Hold == 0:
		r.hangUp(c)
	default:
		c.limit = c.phone.after(r.Hold, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			r.hangUp(c)
		})
	}
}

func (r *loadRun) hangUp(c *Call) {
	if c.dialog.end.By != "" {
		return
	}
	at := time.Now()
	c.dialog.bye(nil, func(m *Message, err error) {
		r.over(func(s *Summary) {
			if err != nil || m.Code != 200 {
				s.ByeFailed++
				return
			}
			s.Completed++
			s.ByeTime.Add(m.At.Sub(at))
		})
	})
}

// ended counts a call that the other side has hung up, or one that was answered while it was being cancelled.
func (r *loadRun) ended(c *Call) {
	switch {
	case c.dialog.end.By == Remote && c.answer != nil:
		r.over(func(s *Summary) { s.Cut++ })
	case c.dialog.end.By == Local && c.cancelled:
		r.over(func(s *Summary) { s.Crossed++ })
	}
}

func (r *loadRun) snapshot() *Summary {
	r.mu.Lock()
	s := r.summary.clone()
	r.mu.Unlock()
	s.Elapsed = time.Since(r.start)
	for _, p := range r.phones {
		n := p.Counters()
		s.Retransmitted += n.Retransmitted
		s.Repeats += n.Repeats
		s.Strays += n.StrayRequests + n.StrayResponses
	}
	return s
}
