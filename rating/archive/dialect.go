package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// dialect is what one database does differently from another. Everything else is SQL that they share: statements
// number their parameters ?1, ?2 … and go through a session, which lets the dialect rewrite them.
type dialect struct {
	name     string // scheme of the data source name, and the folder of the migrations
	open     func(ctx context.Context, dsn string, readOnly bool) (pools, error)
	bind     func(statement string) string // writes the parameters as this database wants them
	index    func(name string) string      // follows a table's name: the index to use, where that can be said
	snapshot *sql.TxOptions                // of a transaction that sees one state of the database throughout
	refused  func(error) bool              // the value itself is not accepted: trying again cannot help
}

// pools are the connections to one database: one that writes, and several that read beside it.
type pools struct{ write, read *sql.DB }

func (p pools) close() error {
	return errors.Join(p.read.Close(), p.write.Close())
}

// dialectOf chooses by the scheme of the data source name; a bare path is an SQLite file.
func dialectOf(dsn string) (dialect, string, error) {
	scheme, rest, found := strings.Cut(dsn, ":")
	switch {
	case dsn == "":
		return dialect{}, "", errors.New("no file is named")
	case !found || strings.ContainsAny(scheme, `/\.`):
		return sqliteDialect, dsn, nil
	case scheme == sqliteDialect.name:
		return sqliteDialect, rest, nil
	}
	return dialect{}, "", fmt.Errorf("%q is no database that this program knows: name an SQLite file", scheme)
}
