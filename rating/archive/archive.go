package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/rating"
)

// Options say where the archive is, and how it counts days.
type Options struct {
	DSN      string         // an SQLite file, which is made when it is not there: its path, or sqlite:PATH; or postgres://…
	Location *time.Location // whose days a new archive counts in; nil = UTC. An existing one keeps its own: see SetLocation
	ReadOnly bool           // to look at an archive that another process may be writing; it must exist
	Patient  bool           // a database server that cannot be reached is no error of Open: it is asked again whenever the archive is used
	Log      *slog.Logger   // nil = slog.Default
}

// Archive is an open archive. It is safe for concurrent use. One process writes an SQLite file (a second gets ErrInUse) and any number read it;
// PostgreSQL is written by all nodes of an installation, of which one at a time drains the outbox.
type Archive struct {
	dialect  dialect
	pools    pools
	sole     *sole // nil: others may write, or we only read
	readOnly bool
	log      *slog.Logger
	location *time.Location // of a new archive

	preparing sync.Mutex // held by the one Ready at work
	prepared  atomic.Bool
	id        string // known once prepared

	writing   sync.Mutex // held by the one transaction that changes something
	known     directory  // guarded by writing
	lead      lead
	calendars calendars
	sparse    int64 // see the constant

	rebuilding  sync.Mutex // held by the one SetLocation at work
	rebuildStep int        // CDRs that it counts in one transaction, so that the drain gets its turn
}

// Open opens the archive, makes it if need be, and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Archive, error) {
	d, dsn, err := dialectOf(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	p, err := d.open(dsn, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open archive %s: %w", Shown(dsn), err)
	}
	a := &Archive{dialect: d, pools: p, readOnly: o.ReadOnly, log: o.Log, location: o.Location, rebuildStep: rebuildStep, sparse: sparse}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.location == nil {
		a.location = time.UTC
	}
	if d.sole != nil && !o.ReadOnly {
		if a.sole, err = d.sole(ctx, dsn, a.log); err != nil {
			return nil, errors.Join(fmt.Errorf("open archive %s: %w", Shown(dsn), err), a.Close())
		}
	}
	err = a.Ready(ctx)
	if o.Patient && errors.Is(err, rating.ErrUnavailable) {
		a.log.Error("the archive cannot be reached: going on, and coming back to it; records wait in the store", "err", err)
		return a, nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open archive %s: %w", Shown(dsn), err), a.Close())
	}
	return a, nil
}

// Ready reaches the database and brings it up to date, if that has not been done yet. Where the database server cannot
// be reached the error wraps rating.ErrUnavailable.
func (a *Archive) Ready(ctx context.Context) error {
	if a.prepared.Load() {
		return nil
	}
	a.preparing.Lock()
	defer a.preparing.Unlock()
	if a.prepared.Load() {
		return nil
	}
	if err := a.prepare(ctx); err != nil {
		return a.lost(err)
	}
	a.prepared.Store(true)
	return nil
}

// prepare checks the database, brings schema and meta rows up to date, and sees that the archive's time zone is known here.
func (a *Archive) prepare(ctx context.Context) error {
	if err := a.dialect.fit(ctx, a.pools, a.readOnly); err != nil {
		return err
	}
	a.calendars.add(a.location)
	steps, err := migrationsOf(a.dialect)
	if err != nil {
		return err
	}
	if err := a.migrate(ctx, steps); err != nil {
		return err
	}
	if !a.readOnly {
		if err := a.begin(ctx); err != nil {
			return err
		}
	}
	return a.reading(ctx, func(s *session) error {
		if a.id, err = s.meta(metaID); err != nil {
			return err
		}
		_, err := a.era(s)
		return err
	})
}

// begin gives a new archive its id and its time zone.
func (a *Archive) begin(ctx context.Context) error {
	return a.changing(ctx, func(s *session) error {
		made, err := s.meta(metaID)
		if err != nil || made != "" {
			return err
		}
		for key, value := range map[string]string{metaID: rand.Text(), metaTimezone: a.location.String(), metaGeneration: "1", metaScheme: strconv.Itoa(sumScheme)} {
			if _, err := s.exec(`INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING`, key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// ID names the archive. It was made at random with it and never changes, so that a store can tell whether it has
// been filing into this archive or into another. It is "" until Ready.
func (a *Archive) ID() string {
	if !a.prepared.Load() {
		return ""
	}
	return a.id
}

// Ping reports whether the archive can be read.
func (a *Archive) Ping(ctx context.Context) error {
	return a.view(ctx, func(s *session) error {
		_, err := s.meta(metaID)
		return err
	})
}

// Warnings says which settings of the database can lose what was filed.
func (a *Archive) Warnings(ctx context.Context) ([]string, error) {
	if a.dialect.advice == nil {
		return nil, nil
	}
	return a.dialect.advice(ctx, a.pools)
}

// Close waits for running transactions and closes the database.
func (a *Archive) Close() error {
	a.lead.mu.Lock()
	defer a.lead.mu.Unlock()
	return errors.Join(a.giveUpLead(), a.pools.close(), a.sole.release())
}
