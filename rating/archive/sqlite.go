package archive

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers is how many queries may run beside the writer.
const readers = 4

var sqliteDialect = dialect{
	name:        "sqlite",
	open:        openSQLite,
	fit:         fitSQLite,
	unreachable: func(error) bool { return false },
	bind:        func(statement string) string { return statement },
	index:       func(name string) string { return " INDEXED BY " + name },
	snapshot:    &sql.TxOptions{ReadOnly: true}, // a reader in WAL mode sees the state of its first statement
	prepares:    true,
	sole:        takeSole,
	absent:      func(err error) bool { return strings.Contains(err.Error(), "no such table") },
	refused:     refusedBySQLite,
}

// openSQLite opens the file, and makes it, readable by its owner alone, when it is to be written. The write-ahead log
// lets readers go on while one connection writes; synchronous=FULL syncs every commit before it is acknowledged.
func openSQLite(path string, readOnly bool) (pools, error) {
	if err := makePrivate(path, readOnly); err != nil {
		return pools{}, err
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, "cache_size(-65536)", readOnly))
	if err != nil {
		return pools{}, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteDSN(path, "cache_size(-16384)", true))
	if err != nil {
		return pools{}, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return pools{write, read}, nil
}

// fitSQLite sets WAL mode, before anybody reads. SQLite does not wait for a lock that it needs for that where waiting might be
// for ever, so another process that does the same at this moment is waited for here.
func fitSQLite(ctx context.Context, p pools, _ bool) error {
	const pause, most = 20 * time.Millisecond, 250
	err := p.write.PingContext(ctx)
	for range most {
		if !busySQLite(err) || ctx.Err() != nil {
			break
		}
		sleep(ctx, pause)
		err = p.write.PingContext(ctx)
	}
	return err
}

func busySQLite(err error) bool {
	var failed *sqlite.Error
	return errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_BUSY
}

func sqliteDSN(path, cache string, readOnly bool) string {
	pragmas := []string{"busy_timeout(5000)", "synchronous(FULL)", cache}
	if readOnly {
		pragmas = append(pragmas, "query_only(ON)")
	} else {
		pragmas = append(pragmas, "journal_mode(WAL)", "journal_size_limit(67108864)")
	}
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "mode": {"rw"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// makePrivate sees to it that the file exists with mode 0600; SQLite gives its log files the same.
func makePrivate(path string, readOnly bool) error {
	if readOnly {
		_, err := os.Stat(path)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// refusedBySQLite tells a value that does not fit from a disk that fails or a lock that is taken.
func refusedBySQLite(err error) bool {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}
