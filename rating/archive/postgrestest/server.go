package postgrestest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// Times of a server.
const (
	startLimit = 60 * time.Second
	exitLimit  = 20 * time.Second
	retryEvery = 20 * time.Millisecond
)

const superuser = "tollgate" // made by initdb; the socket's folder is closed to everybody else

// Server is a private PostgreSQL.
type Server struct {
	dir, bin string
	kept     string // folder of a cluster that outlives the server; "": it is in dir
	settings []string
	as       *syscall.Credential // nil: as we are
	process  *exec.Cmd
	exited   chan struct{}
	schemas  atomic.Int64
}

// Fast are settings of a server that is not killed in the middle of its work.
var Fast = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}

// New makes a database cluster and starts it, with settings such as "work_mem=64MB". Whoever calls it calls Close.
func New(settings ...string) (*Server, error) { return (&Server{settings: settings}).begin() }

// Keep starts a server on the cluster in a folder, which is made where there is none; Close leaves it there.
func Keep(folder string, settings ...string) (*Server, error) {
	return (&Server{kept: folder, settings: settings}).begin()
}

func (s *Server) begin() (_ *Server, err error) {
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("/tmp", "pgtest"); err != nil { // a unix socket's path must be short
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.giveUpRoot(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		return s, s.Start()
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.Start()
}

// binaries finds the folder of PostgreSQL's programs; Debian keeps it out of PATH.
func binaries() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("this test needs a real PostgreSQL, and there is none (apt-get install postgresql)"))
	}
	return filepath.Dir(slices.Max(found)), nil
}

func (s *Server) data() string { return cmp.Or(s.kept, filepath.Join(s.dir, "data")) }

// command is one of PostgreSQL's programs, as a user whom it accepts.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.SysProcAttr = dieWithParent()
	c.SysProcAttr.Credential = s.as
	return c
}

// Start starts the server, and waits until it answers. After Kill9 it begins again and again until the children of the
// killed one have noticed.
func (s *Server) Start() error {
	for deadline := time.Now().Add(startLimit); ; time.Sleep(retryEvery) {
		err := s.start()
		if !errors.Is(err, errEnded) || time.Now().After(deadline) {
			return err
		}
	}
}

var errEnded = errors.New("PostgreSQL ended at once")

func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	c := s.command("postgres", args...)
	c.Stdout, c.Stderr = log, log
	exited, started := make(chan struct{}), make(chan error, 1)
	go func() { // the thread that starts it must live on, or the kernel takes the parent for dead
		defer close(exited)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		if started <- err; err == nil {
			c.Wait() // killed by us, or the log says why
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.exited = c, exited
	return s.awaitReady()
}

func (s *Server) awaitReady() error {
	db, err := sql.Open("pgx", s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	for deadline := time.Now().Add(startLimit); ; time.Sleep(retryEvery) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = db.PingContext(ctx)
		cancel()
		switch {
		case err == nil:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("PostgreSQL does not answer: %w; its log: %s", err, s.Log())
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%w; its log: %s", errEnded, s.Log())
		default:
		}
	}
}

// DSN is the data source name of a schema; "" is the default one.
func (s *Server) DSN(schema string) string {
	q := url.Values{"host": {s.dir}, "user": {superuser}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres:///postgres?" + q.Encode()
}

// Schema makes an empty schema and returns its data source name.
func (s *Server) Schema() (dsn string, err error) {
	name := fmt.Sprintf("t%d", s.schemas.Add(1))
	return s.DSN(name), s.Exec("CREATE SCHEMA " + name)
}

// Exec runs a statement as the superuser.
func (s *Server) Exec(statement string) (err error) {
	db, err := sql.Open("pgx", s.DSN(""))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(statement)
	return err
}

// Kill9 kills the server; its children end by themselves, soon after.
func (s *Server) Kill9() error { return s.end(syscall.SIGKILL) }

// Stop ends the server in order, and its connections at once.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

func (s *Server) end(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(exitLimit):
		return fmt.Errorf("PostgreSQL did not end within %s", exitLimit)
	}
	s.process = nil
	return nil
}

// Log is what the server wrote.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Close kills the server and removes its data; what is kept is closed in order.
func (s *Server) Close() error {
	if s.kept != "" {
		return errors.Join(s.Stop(), os.RemoveAll(s.dir))
	}
	return errors.Join(s.Kill9(), os.RemoveAll(s.dir))
}
