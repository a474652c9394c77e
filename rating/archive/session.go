package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tollgate/rating"
)

// session is one transaction. All statements go through it.
type session struct {
	ctx      context.Context
	tx       *sql.Tx
	dialect  dialect
	prepared map[string]*sql.Stmt // those that change something: a batch repeats a few of them very often
}

// view runs f in a transaction that reads one state of the archive.
func (a *Archive) view(ctx context.Context, f func(*session) error) error {
	if err := a.Ready(ctx); err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	return a.reading(ctx, f)
}

// update runs f in a transaction, alone, and commits what it did unless it fails.
func (a *Archive) update(ctx context.Context, f func(*session) error) error {
	if err := a.Ready(ctx); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return a.changing(ctx, f)
}

// reading is view before the archive is prepared.
func (a *Archive) reading(ctx context.Context, f func(*session) error) error {
	tx, err := a.pools.read.BeginTx(ctx, a.dialect.snapshot)
	if err != nil {
		return fmt.Errorf("read the archive: %w", a.lost(err))
	}
	defer tx.Rollback() // nothing was changed
	if err := f(&session{ctx: ctx, tx: tx, dialect: a.dialect}); err != nil {
		return fmt.Errorf("read the archive: %w", a.lost(err))
	}
	return nil
}

// lost adds rating.ErrUnavailable to an error that comes from a database server which is not there at present.
func (a *Archive) lost(err error) error {
	if a.dialect.unreachable(err) && !errors.Is(err, rating.ErrUnavailable) {
		return fmt.Errorf("%w: %w", rating.ErrUnavailable, err)
	}
	return err
}

// changing is update before the archive is prepared.
func (a *Archive) changing(ctx context.Context, f func(*session) error) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if a.readOnly {
		return errReadOnly
	}
	tx, err := a.pools.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the archive: %w", a.lost(err))
	}
	s := &session{ctx: ctx, tx: tx, dialect: a.dialect, prepared: make(map[string]*sql.Stmt)}
	if a.dialect.exclusive != "" {
		_, err = tx.ExecContext(ctx, a.dialect.exclusive)
	}
	if err == nil {
		err = f(s)
	}
	if err != nil {
		return fmt.Errorf("write the archive: %w", errors.Join(a.lost(err), tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write the archive: %w", a.lost(err))
	}
	return nil
}

var errReadOnly = errors.New("the archive was opened for reading only")

// statement prepares a statement once per transaction, which closes it.
func (s *session) statement(text string) (*sql.Stmt, error) {
	if st, ok := s.prepared[text]; ok {
		return st, nil
	}
	st, err := s.tx.PrepareContext(s.ctx, s.dialect.bind(text))
	if err == nil {
		s.prepared[text] = st
	}
	return st, err
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(text string, args ...any) (int64, error) {
	var r sql.Result
	var err error
	if s.dialect.prepares {
		var st *sql.Stmt
		if st, err = s.statement(text); err == nil {
			r, err = st.ExecContext(s.ctx, args...)
		}
	} else {
		r, err = s.tx.ExecContext(s.ctx, s.dialect.bind(text), args...)
	}
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// try runs f, and takes back what it changed where f says that it is not to stay.
func (s *session) try(f func() (stays bool, err error)) (bool, error) {
	if _, err := s.exec("SAVEPOINT trial"); err != nil {
		return false, err
	}
	stays, err := f()
	if err != nil {
		return false, err // the transaction ends with it
	}
	if !stays {
		if _, err := s.exec("ROLLBACK TO SAVEPOINT trial"); err != nil {
			return false, err
		}
	}
	_, err = s.exec("RELEASE SAVEPOINT trial")
	return stays, err
}

// one scans the single row of a query; found is false where there is none.
func (s *session) one(dest []any, text string, args ...any) (found bool, err error) {
	err = s.tx.QueryRowContext(s.ctx, s.dialect.bind(text), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls f for every row of a query.
func (s *session) each(f func(scan func(dest ...any) error) error, text string, args ...any) error {
	rows, err := s.tx.QueryContext(s.ctx, s.dialect.bind(text), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
