package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// played is a scene as its caller lived through it.
type played struct {
	scene
	callID string
	code   int // final answer
}

const (
	answerLimit = 40 * time.Second
	talkLimit   = 20 * time.Second // of a scene that waits for the other side
	byeLimit    = 35 * time.Second // until a BYE is answered, or given up (64·T1, RFC 3261 §17.1.2.2)
	recordLimit = 10 * time.Second
)

// act plays one scene from the caller's phone and shows it on the board.
func (w *world) act(ctx context.Context, s scene, b *board) played {
	n := b.add(line{who: s.who.name + " " + s.who.number, number: s.number, title: s.title, state: "dialling", balance: w.balance(s.who)})
	call := w.phones[s.who.number].Call(s.number)
	p := played{scene: s, callID: call.ID()}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerLimit)
	defer cancel()
	if _, err := call.Ringing(waiting); err == nil {
		b.change(n, func(l *line) { l.state = "ringing" })
	}
	answer, err := call.Answered(waiting)
	if err != nil {
		p.code = refusedWith(err)
		b.change(n, func(l *line) { l.state, l.over, l.bad = refusal(err), true, true })
		return p
	}
	p.code = answer.Code
	b.change(n, func(l *line) { l.state, l.answered = "talking", answer.At })
	stop := w.tick(call.ID(), n, b)
	w.talk(ctx, s, call, n, b)
	stop()
	w.finish(p, call, n, b)
	return p
}

// talk lasts until the caller hangs up or the other side does; who waits for the other side does not wait for ever, since a
// visitor may recharge whoever is to be cut.
func (w *world) talk(ctx context.Context, s scene, call *siptest.Call, n int, b *board) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), talkLimit+byeLimit)
	defer cancel()
	if s.recharge > 0 {
		pause(ctx, time.Second)
		if err := w.pay(limited, s.who, s.recharge); err == nil {
			b.change(n, func(l *line) { l.title += fmt.Sprintf(" (+%s)", s.recharge) })
			b.note("%s is recharged with %s in mid-call", s.who.name, s.recharge)
		}
	}
	over := make(chan struct{})
	go func() { call.Ended(limited); close(over) }()
	select {
	case <-over:
		return
	case <-ctx.Done():
	case <-time.After(time.Until(call.SentAt().Add(call.AnswerTime() + cmp.Or(s.talk, talkLimit)))):
	}
	call.Bye(limited)
}

// tick keeps cost and balance of a talking call current on the board, until stopped.
func (w *world) tick(callID string, n int, b *board) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.showCost(ctx, callID, n, b)
			pause(ctx, redrawEvery)
		}
	}()
	return func() { cancel(); <-done }
}

func (w *world) showCost(ctx context.Context, callID string, n int, b *board) {
	for _, c := range w.app.sip.Calls() {
		if c.CallIDA == callID {
			b.change(n, func(l *line) { l.cost, l.trunk = c.CostSoFar, c.Trunk })
			return
		}
	}
}

// finish shows what the call record says.
func (w *world) finish(p played, call *siptest.Call, n int, b *board) {
	limited, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	end, _ := call.Ended(limited)
	record, err := w.record(limited, p.callID)
	b.change(n, func(l *line) {
		l.over, l.ended = true, end.At
		if err != nil {
			l.state = "no call record"
			return
		}
		l.cost, l.trunk, l.balance = record.Cost, record.Trunk, w.balance(p.who)
		l.bad = record.EndedBy == rating.ByCredit
		l.state = fmt.Sprintf("ended by %s, billed %d s", record.EndedBy, record.Duration)
		if l.bad {
			l.state = fmt.Sprintf("CUT: credit gone after %d s", record.Duration)
		}
	})
}

func (w *world) balance(p person) rating.Money {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	account, err := w.app.ledger.Account(ctx, p.number)
	if err != nil {
		return 0
	}
	return account.Balance
}

func refusedWith(err error) int {
	var rejected *siptest.Rejected
	if errors.As(err, &rejected) {
		return rejected.Response.Code
	}
	return 0
}

func refusal(err error) string {
	var rejected *siptest.Rejected
	if errors.As(err, &rejected) {
		return fmt.Sprintf("REFUSED: %d %s", rejected.Response.Code, rejected.Response.Reason)
	}
	return "failed: " + err.Error()
}
