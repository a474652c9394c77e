package archive

import (
	"context"
	"fmt"

	"tollgate/rating"
)

// tables are all that an archive holds, but for its migrations.
var tables = []string{"meta", "positions", "parties", "rates", "cdrs", "entries", "audit_log", "quarantine", "roll_day", "roll_ext", "roll_month", "roll_dest"}

// transferRows is how many rows are in memory at once.
const transferRows = 1000

// CopyTo writes the archive, as it is at one moment, into another, which must be empty: with its id, its positions and its
// sums. The two may be different databases, so an SQLite file is the portable form of an archive in PostgreSQL, for a
// backup or for moving to the other one: open the file, and copy to or from it. The copy is one transaction: it is there
// as a whole, or not at all. While it is made the archive goes on being read and filed into. An archive that holds
// anything is rating.ErrConflict.
func (a *Archive) CopyTo(ctx context.Context, to *Archive) error {
	err := a.view(ctx, func(from *session) error {
		return to.update(ctx, func(into *session) error {
			if err := into.mustBeEmpty(to.id); err != nil {
				return err
			}
			for _, table := range tables {
				if err := transfer(from, into, table); err != nil {
					return fmt.Errorf("table %s: %w", table, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("copy archive %s: %w", a.id, err)
	}
	return to.reload(ctx)
}

// mustBeEmpty is rating.ErrConflict where the archive holds anything.
func (s *session) mustBeEmpty(id string) error {
	some, err := s.hasRows("cdrs", "entries", "positions", "quarantine", "audit_log")
	if err == nil && some {
		err = fmt.Errorf("the archive %s is not empty: %w", id, rating.ErrConflict)
	}
	return err
}

// hasRows reports whether one of the tables has a row.
func (s *session) hasRows(tables ...string) (bool, error) {
	for _, table := range tables {
		var rows int64
		if _, err := s.one([]any{&rows}, `SELECT COUNT(*) FROM (SELECT 1 FROM `+table+` LIMIT 1) any_row`); err != nil || rows > 0 {
			return rows > 0, err
		}
	}
	return false, nil
}

// transfer copies the rows of a table.
func transfer(from, into *session, name string) error {
	if _, err := into.exec("DELETE FROM " + name); err != nil { // what every new archive has, such as its id
		return err
	}
	rows, err := from.tx.QueryContext(from.ctx, "SELECT * FROM "+name)
	if err != nil {
		return err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	all := table{name: name}
	for _, c := range types {
		all.columns = append(all.columns, c.Name()+[]string{"", " text"}[boolean(c.DatabaseTypeName() == "TEXT")])
	}
	batch := make([][]any, 0, transferRows)
	for rows.Next() {
		row, places := make([]any, len(types)), make([]any, len(types))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == transferRows {
			if _, err := into.insert(all, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_, err = into.insert(all, batch)
	return err
}

// reload learns anew what the tables say.
func (a *Archive) reload(ctx context.Context) error {
	a.writing.Lock()
	a.known = directory{}
	a.writing.Unlock()
	return a.view(ctx, func(s *session) (err error) {
		a.id, err = s.meta(metaID)
		return err
	})
}
