package archive

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

//go:embed migrations
var migrations embed.FS

// migration is one numbered step of the schema. Steps that were ever released are never changed.
type migration struct {
	version int
	name    string
	script  string
}

// migrationsOf lists the steps of a dialect in order: 0001_name.sql, 0002_name.sql …
func migrationsOf(d dialect) ([]migration, error) {
	files, err := fs.ReadDir(migrations, "migrations/"+d.name)
	if err != nil {
		return nil, err
	}
	var list []migration
	for _, f := range files {
		m := migration{name: f.Name()}
		if _, err := fmt.Sscanf(f.Name(), "%04d_", &m.version); err != nil || m.version != len(list)+1 {
			return nil, fmt.Errorf("migration %s is not number %d", f.Name(), len(list)+1)
		}
		script, err := fs.ReadFile(migrations, "migrations/"+d.name+"/"+f.Name())
		if err != nil {
			return nil, err
		}
		m.script = string(script)
		list = append(list, m)
	}
	return list, nil
}

// ErrNone says that the database holds no archive yet. Open makes one, unless it is for reading only.
var ErrNone = errors.New("there is no archive in it yet: let serve make it first")

// migrate brings the schema up to date, each step in a transaction of its own. A database that a newer program made
// is refused; so is an older one where nothing may be written.
func (a *Archive) migrate(ctx context.Context, steps []migration) error {
	version, err := a.version(ctx)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return fmt.Errorf("the archive was made by a newer program (schema %d, this one knows %d): install that version again, or a later one", version, len(steps))
	}
	if a.readOnly && version < len(steps) {
		return fmt.Errorf("the archive has schema %d and this program needs %d: let serve bring it up to date first", version, len(steps))
	}
	for _, m := range steps[version:] {
		if err := a.changing(ctx, m.apply); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// version is the number of the last step applied; 0 is an empty database.
func (a *Archive) version(ctx context.Context) (version int, err error) {
	if !a.readOnly {
		err = a.changing(ctx, func(s *session) error {
			_, err := s.exec(`CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)`)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	err = a.reading(ctx, func(s *session) error {
		_, err := s.one([]any{&version}, `SELECT COALESCE(MAX(version), 0) FROM migrations`)
		return err
	})
	if err != nil && a.dialect.absent(err) {
		err = ErrNone
	}
	return version, err
}

// apply runs the step, unless another process did so since the version was read.
func (m migration) apply(s *session) error {
	added, err := s.exec(`INSERT INTO migrations (version, name, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`, m.version, m.name, time.Now().UnixMicro())
	if err != nil || added == 0 {
		return err
	}
	_, err = s.tx.ExecContext(s.ctx, m.script)
	return err
}
