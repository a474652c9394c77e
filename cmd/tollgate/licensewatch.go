package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tollgate/license"
	"tollgate/rating"
)

const (
	licenseWatchEvery = time.Second
	mostAttempts      = 100 // on their way into the audit log
)

// expiringData is what webhooks are told when the trial is about to end.
type expiringData struct {
	ExpiresAt time.Time `json:"expires_at"`
	DaysLeft  int64     `json:"days_left"`
}

// watchLicense tells operators that the end of the trial is near, or was: in the log, and by webhook, once a day. And it
// reminds the keeper of an activation that only the catalog remembers.
func (a *app) watchLicense(now func() time.Time) func(context.Context) {
	var logged, told string // the day on which it was
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, tellLimit)
		defer cancel()
		if first := a.catalog.Current().Billing.FirstActivatedAt; first != nil {
			a.license.Recall(ctx, *first)
		}
		state := a.license.State()
		day := now().UTC().Format(time.DateOnly)
		if state.Expiring() && logged != day {
			logged = day
			a.logLicense(state)
		}
		if !state.Expiring() || state.Expired() || told == day {
			return
		}
		e, err := rating.NewEvent("license-expiring-"+day, rating.LicenseExpiring, now(), expiringData{state.ExpiresAt(), state.DaysLeft()})
		if err == nil {
			err = a.announcer.announce(ctx, e)
		}
		if err == nil {
			told = day
		} else if !errors.Is(err, rating.ErrUnavailable) && ctx.Err() == nil {
			a.log.Error("webhooks", "err", err)
		}
	}
}

func (a *app) logLicense(s license.State) {
	if s.Expired() {
		a.log.Error("THE TRIAL IS OVER: calls go on and are charged, operators can do little; upload a licence, or deactivate billing", "expired_at", s.ExpiresAt())
		return
	}
	a.log.Warn("the trial ends soon: download the billing source file, have a licence issued for it, and upload that", "expires_at", s.ExpiresAt(), "days_left", s.DaysLeft())
}

// recordAttempts puts attempts to lengthen the trial into the audit log, as soon as the store takes them.
func (a *app) recordAttempts(ctx context.Context) error {
	for {
		var t license.Attempt
		select {
		case <-ctx.Done():
			return nil
		case t = <-a.attempts:
		}
		after, err := json.Marshal(map[string]string{"kind": t.Kind, "place": t.Place, "node": a.config.Node})
		if err != nil {
			return err // strings: it cannot be
		}
		r := rating.AuditRecord{Actor: "system", Action: "license-attempt", Object: "license", After: after}
		for ctx.Err() == nil && a.changes.Append(ctx, r) != nil {
			pause(ctx, time.Second)
		}
	}
}
