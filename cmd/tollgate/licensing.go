package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/license"
	"tollgate/rating/catalog"
)

// openLicense opens what says who may operate. A device that cannot be described may be tried out, but not licensed.
func (a *app) openLicense(ctx context.Context) error {
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollgate_license_attempts_total",
		Help: "Records of trial and licence that were wiped or altered, and clocks set back, since the start."}, []string{"kind"})
	for _, kind := range []string{"wiped", "altered", "clock"} {
		attempts.WithLabelValues(kind)
	}
	a.attempts = make(chan license.Attempt, mostAttempts)
	var err error
	a.license, err = openKeeper(ctx, a.config, a.dir, a.catalog, a.log, func(t license.Attempt) {
		attempts.WithLabelValues(t.Kind).Inc()
		select {
		case a.attempts <- t:
		default: // nobody makes so many by accident, and each is in the log and in the record
		}
	})
	if err != nil {
		return err
	}
	if a.license.State().Development {
		a.log.Warn("DEVELOPMENT LICENCE KEY: anybody can make a licence for this build; a vendor builds with his own license/vendor.pub")
	}
	a.registry.MustRegister(attempts,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tollgate_license_remaining_seconds",
			Help: "What is left of the trial, in seconds; +Inf with a licence and before the first activation."}, a.licenseRemaining),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tollgate_license_development_key",
			Help: "1 where licences are checked with the key that everybody has."}, func() float64 { return oneIf(a.license.State().Development) }))
	return nil
}

func (a *app) licenseRemaining() float64 {
	left, endless := a.license.State().Remaining()
	if endless {
		return math.Inf(1)
	}
	return left.Seconds()
}

// openKeeper reads trial and licence from the three places: the store, data_dir and license.state_dir.
func openKeeper(ctx context.Context, config Config, dir string, c *catalog.Catalog, log *slog.Logger, onAttempt func(license.Attempt)) (*license.Keeper, error) {
	state, err := resolveStateDir(config.License.StateDir)
	if err != nil {
		return nil, err
	}
	key, err := license.VendorKey()
	if err != nil {
		return nil, err
	}
	device, err := license.Identify()
	if errors.Is(err, license.ErrNoIdentifiers) {
		log.Warn("no licence can be issued for this device", "err", err)
	} else if err != nil {
		return nil, err
	}
	store := c.License(config.Node)
	places := []license.Place{store, license.NewFolder("data "+config.Node, filepath.Join(dir, "license")), license.NewFolder("state "+config.Node, state)}
	return license.Open(ctx, license.Options{Places: places, Device: device, Key: key, Cluster: store, Now: licenseClock(), Log: log, OnAttempt: onAttempt}), nil
}
