package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// dialect is what one database does differently from another. Everything else is SQL that they share: statements
// number their parameters ?1, ?2 … and go through a session, which lets the dialect rewrite them.
type dialect struct {
	name        string // scheme of the data source name, and the folder of the migrations
	open        func(dsn string, readOnly bool) (pools, error)
	fit         func(ctx context.Context, p pools, readOnly bool) error // reaches the database and checks that it can keep an archive
	unreachable func(error) bool                                        // the server is not there, at present
	bind        func(statement string) string                           // writes the parameters as this database wants them
	index       func(name string) string                                // follows a table's name: the index to use, where that can be said
	snapshot    *sql.TxOptions                                          // of a transaction that sees one state of the database throughout
	exclusive   string                                                  // begins a transaction that changes something: no other process has one; "" = there is no other
	prepares    bool                                                    // statements that are repeated are to be prepared by us; else the driver does it
	arrays      bool                                                    // takes the rows of an insertion as an array for each column
	lead        func(ctx context.Context, p pools) (lead *sql.Conn, held bool, err error)
	sole        func(ctx context.Context, dsn string, log *slog.Logger) (*sole, error) // waits until no other process writes; nil = several may
	absent      func(error) bool                                                       // a table is not there
	refused     func(error) bool                                                       // the value itself is not accepted: trying again cannot help
	advice      func(ctx context.Context, p pools) ([]string, error)
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
	case scheme == postgresDialect.name, scheme == "postgresql":
		return postgresDialect, dsn, nil
	}
	return dialect{}, "", fmt.Errorf("%q is no database that this program knows: name an SQLite file (sqlite:/path) or PostgreSQL (postgres://…)", scheme)
}

// Shown is a data source name without its password.
func Shown(dsn string) string {
	d, _, err := dialectOf(dsn)
	if err != nil || d.name == sqliteDialect.name {
		return dsn
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return d.name + "://…"
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
