package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// service is something that runs until its context ends.
type service struct {
	name string
	run  func(context.Context) error
}

// run starts the services in order, waits until ctx ends or one of them fails, and stops them last to first.
func (a *app) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, s := range a.services() {
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan error, 1)
		go func() {
			e := s.run(running)
			if e != nil {
				e = fmt.Errorf("%s: %w", s.name, e)
			}
			fail(e) // a service that ends by itself ends the program
			done <- e
		}()
		defer func() { stop(); err = errors.Join(err, <-done) }()
	}
	<-ctx.Done()
	a.log.Info("stopping: no new calls")
	_ = tellManager("STOPPING=1") // for systemctl status only
	limited, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	if e := a.sip.Drain(limited); e != nil {
		a.log.Warn("stopping with calls in set-up", "err", e)
	}
	return nil
}

// services in the order of their start.
func (a *app) services() []service {
	return []service{
		{"late start", a.lateStart},
		{"catalog", a.catalog.Run},
		{"licence", a.license.Run},
		{"licence watch", every(licenseWatchEvery, a.watchLicense(licenseClock()))},
		{"licence attempts", a.recordAttempts},
		{"archive", a.archiveRecords},
		{"time zone", a.followTimeZone},
		{"heartbeat", every(a.ledger.HeartbeatEvery(), a.heartbeat)},
		{"sweep", every(sweepEvery, a.sweep)},
		{"unfinished changes", every(unfinishedEvery, a.sweepChanges)},
		{"spool", a.spool.Run},
		{"hang up", a.hangUps},
		{"audit", a.audits},
		{"sip", a.sip.Run},
		{"trunk watch", a.watchTrunks},
		{"webhooks", a.courier.Run},
		{"admin", a.admin.Run},
	}
}

// lateStart takes the steps of the start that had to wait for the store.
func (a *app) lateStart(ctx context.Context) error {
	for _, step := range a.late {
		for {
			err := step(ctx)
			if err == nil {
				break
			}
			if !errors.Is(err, rating.ErrUnavailable) && ctx.Err() == nil {
				return err
			}
			if pause(ctx, time.Second); ctx.Err() != nil {
				return nil
			}
		}
	}
	<-ctx.Done()
	return nil
}

const (
	sweepEvery      = 5 * time.Second
	unfinishedEvery = 20 * time.Second
	auditFirst      = time.Minute      // after the start, when the calls of the process before have been taken up
	auditEvery      = time.Hour        // an audit reads the whole archive
	upkeepLimit     = 30 * time.Second // of one round of upkeep
	auditTimeout    = 5 * time.Minute
	recountAgain    = 10 * time.Second // after the archive could not be counted anew
)

// every calls f at once and then at an interval, until ctx ends.
func every(interval time.Duration, f func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			f(ctx)
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	}
}

// audits prove the money now and then.
func (a *app) audits(ctx context.Context) error {
	if pause(ctx, auditFirst); ctx.Err() != nil {
		return nil
	}
	return every(auditEvery, a.auditAlong)(ctx)
}

// heartbeat tells the other nodes that we live, so that they leave our calls alone.
func (a *app) heartbeat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, a.ledger.HeartbeatEvery())
	defer cancel()
	if err := a.ledger.Heartbeat(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, rating.ErrUnavailable) {
		a.log.Error("no heartbeat", "err", err) // a lost store is told by its own line
	}
}

// sweep settles calls that nobody looks after any more, and finishes recharges that a crash has interrupted.
func (a *app) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, upkeepLimit)
	defer cancel()
	swept, err := a.ledger.Sweep(ctx)
	for _, id := range swept {
		a.log.Warn("a call that nobody looked after is settled", "call_id", id)
	}
	if err == nil {
		_, err = a.ledger.FinishIntents(ctx)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, rating.ErrUnavailable) {
		a.log.Error("sweep", "err", err)
	}
}

// archiveRecords drains the outbox, and once more when the calls have ended.
func (a *app) archiveRecords(ctx context.Context) error {
	a.drain.Run(ctx)
	if !a.bound.Load() {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	if err := a.drain.Flush(last); err != nil {
		a.log.Warn("some records stay in the outbox until the next start", "err", err)
	}
	return nil
}

// followTimeZone counts the days of the archive in the time zone of the settings.
func (a *app) followTimeZone(ctx context.Context) error {
	changes := a.catalog.Changes(ctx)
	for {
		var again <-chan time.Time // nil: not before the next change
		if err := a.archive.SetLocation(ctx, a.catalog.Current().Location()); err != nil && ctx.Err() == nil {
			if !errors.Is(err, rating.ErrUnavailable) {
				a.log.Error("the statistics still count in the old time zone; trying again", "err", err)
			}
			again = time.After(recountAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case _, open := <-changes:
			if !open {
				<-ctx.Done()
				return nil
			}
		}
	}
}

// hangUps ends calls of this node that an operator ends on any node.
func (a *app) hangUps(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := a.ledger.HangUps(ctx, func(id rating.CallID) { a.sip.HangUp(id) }); err != nil && ctx.Err() == nil {
			a.log.Debug("listening for requests to hang up", "err", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
