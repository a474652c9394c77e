package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// Options say where the archive is, and how it counts days.
type Options struct {
	DSN      string         // an SQLite file: its path, or sqlite:PATH. It is made when it is not there
	Location *time.Location // whose days a new archive counts in; nil = UTC. An existing one keeps its own: see SetLocation
	ReadOnly bool           // to look at an archive that another process may be writing; it must exist
	Log      *slog.Logger   // nil = slog.Default
}

// Archive is an open archive. It is safe for concurrent use; one process writes it, any number read.
type Archive struct {
	dialect  dialect
	pools    pools
	readOnly bool
	log      *slog.Logger
	id       string

	writing   sync.Mutex // held by the one transaction that changes something
	known     directory  // guarded by writing
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
	p, err := d.open(ctx, dsn, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open archive %s: %w", dsn, err)
	}
	a := &Archive{dialect: d, pools: p, readOnly: o.ReadOnly, log: o.Log, rebuildStep: rebuildStep, sparse: sparse}
	if a.log == nil {
		a.log = slog.Default()
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if err := a.prepare(ctx, o.Location); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive %s: %w", dsn, err), a.Close())
	}
	return a, nil
}

// prepare brings schema and meta rows up to date and checks that the archive's time zone is known here.
func (a *Archive) prepare(ctx context.Context, location *time.Location) error {
	a.calendars.add(location)
	steps, err := migrationsOf(a.dialect)
	if err != nil {
		return err
	}
	if err := a.migrate(ctx, steps); err != nil {
		return err
	}
	if !a.readOnly {
		if err := a.begin(ctx, location); err != nil {
			return err
		}
	}
	return a.view(ctx, func(s *session) error {
		if a.id, err = s.meta(metaID); err != nil {
			return err
		}
		_, err := a.era(s)
		return err
	})
}

// begin gives a new archive its id and its time zone.
func (a *Archive) begin(ctx context.Context, location *time.Location) error {
	return a.update(ctx, func(s *session) error {
		made, err := s.meta(metaID)
		if err != nil || made != "" {
			return err
		}
		for key, value := range map[string]string{metaID: rand.Text(), metaTimezone: location.String(), metaGeneration: "1", metaScheme: strconv.Itoa(sumScheme)} {
			if _, err := s.exec(`INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING`, key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// ID names the archive. It was made at random with it and never changes, so that a store can tell whether it has
// been filing into this archive or into another.
func (a *Archive) ID() string { return a.id }

// Ping reports whether the archive can be read.
func (a *Archive) Ping(ctx context.Context) error {
	return a.view(ctx, func(s *session) error {
		_, err := s.meta(metaID)
		return err
	})
}

// Close waits for running transactions and closes the database.
func (a *Archive) Close() error { return a.pools.close() }
