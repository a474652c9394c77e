package archive

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Connections to PostgreSQL. A lead and a writer are one each.
const (
	postgresReaders = 8
	connectTimeout  = 5 * time.Second
	connectionLife  = 30 * time.Minute // then it is made anew, and finds a server that has moved
)

var postgresDialect = dialect{
	name:        "postgres",
	open:        openPostgres,
	fit:         fitPostgres,
	unreachable: unreachablePostgres,
	bind:        dollars,
	index:       func(string) string { return "" }, // the planner chooses
	snapshot:    &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	exclusive:   "SELECT pg_advisory_xact_lock(hashtextextended('tollgate archive writes ' || current_schema(), 0))",
	arrays:      true,
	lead:        leadPostgres,
	absent:      absentInPostgres,
	refused:     refusedByPostgres,
	advice:      advisePostgres,
}

// openPostgres connects to the database that a URL names: postgres://user:password@host/database, with everything else that
// libpq's URLs may say.
func openPostgres(dsn string, _ bool) (pools, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return pools{}, errors.New("it is no URL such as postgres://tollgate:PASSWORD@db.example.com/tollgate") // the error of the parser shows passwords
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, connectTimeout)
	for name, value := range map[string]string{
		"application_name": "tollgate", "TimeZone": "UTC",
		"plan_cache_mode":                 "force_custom_plan", // what a page costs depends on its span of time and its keyword
		"jit":                             "off",               // compiling takes longer than any page
		"max_parallel_workers_per_gather": "0",                 // so does starting workers, which cost twice the processor and wait for one
		"work_mem":                        "32MB",
	} {
		if _, said := config.RuntimeParams[name]; !said {
			config.RuntimeParams[name] = value
		}
	}
	writing := config.Copy()
	writing.RuntimeParams["tcp_keepalives_idle"], writing.RuntimeParams["tcp_keepalives_interval"], writing.RuntimeParams["tcp_keepalives_count"] = "10", "5", "3" // a lead whose machine is gone is given up
	p := pools{write: stdlib.OpenDB(*writing, stdlib.OptionAfterConnect(syncCommits)), read: stdlib.OpenDB(*config)}
	p.write.SetMaxOpenConns(2)
	p.write.SetMaxIdleConns(2)
	p.read.SetMaxOpenConns(postgresReaders)
	p.read.SetMaxIdleConns(readers)
	p.write.SetConnMaxLifetime(connectionLife)
	p.read.SetConnMaxLifetime(connectionLife)
	return p, nil
}

// syncCommits makes every commit wait for the disk: only then the outbox may forget.
func syncCommits(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// fitPostgres reaches the server and checks that the database can keep an archive.
func fitPostgres(ctx context.Context, p pools, readOnly bool) error {
	var version int
	var encoding string
	var schema *string
	var standby bool
	err := p.read.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_schema(), pg_is_in_recovery()`).Scan(&version, &encoding, &schema, &standby)
	switch {
	case err != nil:
		return explainPostgres(err)
	case version < 120000:
		return fmt.Errorf("PostgreSQL %d is too old: use 12 or later", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", encoding)
	case schema == nil:
		return errors.New("the search_path names no schema that exists: CREATE SCHEMA it, or leave search_path out of the dsn")
	case standby && !readOnly:
		return errors.New("the server is a standby and takes no changes: name the primary, or several hosts with target_session_attrs=read-write")
	}
	return nil
}

// explainPostgres says how to mend what keeps us from the database.
func explainPostgres(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		advice := map[string]string{
			"28P01": "correct the password in the dsn, or in the file that PGPASSFILE names",
			"28000": "let this host and user in (pg_hba.conf), or correct the user in the dsn",
			"3D000": "make it with CREATE DATABASE, or correct the name in the dsn",
			"42501": "GRANT the user CREATE and USAGE on the schema",
			"53300": "raise max_connections of the server, or end what holds them",
			"57P03": "it is starting or stopping; try again",
		}[said.Code]
		return fmt.Errorf("%s: %w", cmp.Or(advice, "the database refuses"), said)
	}
	var unreachable *pgconn.ConnectError
	if errors.As(err, &unreachable) {
		return fmt.Errorf("the database cannot be reached; is the server up, and host and port in the dsn right? %w", unreachable)
	}
	return err
}

// dollars writes ?1 as $1. No statement has a question mark for anything else.
func dollars(statement string) string { return strings.ReplaceAll(statement, "?", "$") }

// refusedByPostgres tells a value that does not fit (classes 22, 23 and 54 of SQLSTATE) from everything else.
func refusedByPostgres(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && len(said.Code) == 5 && slices.Contains([]string{"22", "23", "54"}, said.Code[:2])
}

// unreachablePostgres tells a server that is not there, starting or full, from one that will not have us.
func unreachablePostgres(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return len(said.Code) == 5 && slices.Contains([]string{"08", "53", "57"}, said.Code[:2])
	}
	var failed *pgconn.ConnectError
	return errors.As(err, &failed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

func absentInPostgres(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "42P01"
}

// leadPostgres takes the lead among all that file into this archive, and keeps it as long as the connection lives. held is
// false while another has it.
func leadPostgres(ctx context.Context, p pools) (lead *sql.Conn, held bool, err error) {
	c, err := p.write.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	err = c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtextextended('tollgate archive lead ' || current_schema(), 0))`).Scan(&held)
	if err != nil || !held {
		return nil, false, errors.Join(err, c.Close())
	}
	return c, true, nil
}

// advisePostgres warns of settings with which a commit may be lost.
func advisePostgres(ctx context.Context, p pools) ([]string, error) {
	var fsync, fullPages string
	err := p.read.QueryRowContext(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes')`).Scan(&fsync, &fullPages)
	var warnings []string
	if fsync != "on" || fullPages != "on" {
		warnings = append(warnings, fmt.Sprintf("the server has fsync=%s and full_page_writes=%s: a power cut can damage the archive; set both to on", fsync, fullPages))
	}
	return warnings, err
}
