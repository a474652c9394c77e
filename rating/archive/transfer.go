package archive

import (
	"context"
	"fmt"
	"strings"

	"tollgate/rating"
)

// tables are all that an archive holds, but for its migrations.
var tables = []string{"meta", "positions", "parties", "rates", "cdrs", "entries", "audit_log", "quarantine", "roll_day", "roll_ext", "roll_month", "roll_dest"}

// transferRows is how many rows one statement inserts.
const transferRows = 200

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
func transfer(from, into *session, table string) error {
	if _, err := into.exec("DELETE FROM " + table); err != nil { // what every new archive has, such as its id
		return err
	}
	rows, err := from.tx.QueryContext(from.ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, 0, transferRows*len(columns))
	for rows.Next() {
		row, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if values = append(values, row...); len(values) == cap(values) {
			if _, err := into.exec(insertRows(table, columns, transferRows), values...); err != nil {
				return err
			}
			values = values[:0]
		}
	}
	if err := rows.Err(); err != nil || len(values) == 0 {
		return err
	}
	_, err = into.exec(insertRows(table, columns, len(values)/len(columns)), values...)
	return err
}

// insertRows builds the statement that inserts n rows.
func insertRows(table string, columns []string, n int) string {
	text := strings.Builder{}
	text.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	for row := range n {
		for i := range columns {
			text.WriteString([]string{", ", "("}[boolean(i == 0)] + parameter(row*len(columns)+i+1))
		}
		text.WriteString([]string{"), ", ")"}[boolean(row == n-1)])
	}
	return text.String()
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
