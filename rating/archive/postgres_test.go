package archive

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive/postgrestest"
)

// ownPostgres is a server that the test may kill. It syncs as a real one does.
func ownPostgres(t *testing.T) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The server dies in the middle of filing, several times, and each record is there once.
func TestKilledPostgresFilesEachRecordOnce(t *testing.T) {
	const records = 300
	server := ownPostgres(t)
	w, box, a := newWorld(61, 12, 4), newOutbox(4), open(t, Options{DSN: server.DSN("")})
	for range records {
		box.add(w.step())
	}
	killed, visits := 0, map[string]int{}
	d := &Drain{Outbox: box, Archive: a, state: state{limit: 10}}
	d.stop = func(step string) error {
		if visits[step]++; visits[step] == 2 || visits[step] == 4 {
			killed++
			return errors.Join(server.Kill9(), server.Start())
		}
		return nil
	}
	failed := 0
	for box.left() > 0 {
		d.limit = 10 // a failure forgets it
		if err := d.Flush(t.Context()); err != nil {
			if failed++; failed > 30 {
				t.Fatalf("the drain does not come back: %v", err)
			}
		}
	}
	if killed != 6 || failed < 3 {
		t.Errorf("the server was killed %d times, and the drain failed %d times: the test proves too little", killed, failed)
	}
	everythingOnce(t, a, w, time.UTC)
}

// Of several nodes one drains, and when it goes another does.
func TestSeveralNodesFileIntoOneArchive(t *testing.T) {
	server := ownPostgres(t)
	w, box := newWorld(62, 12, 4), newOutbox(4)
	const nodes = 3
	var archives []*Archive
	var drains []*Drain
	for range nodes {
		a, err := Open(t.Context(), Options{DSN: server.DSN(""), Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		archives = append(archives, a)
		drains = append(drains, &Drain{Outbox: box, Archive: a})
	}
	if archives[0].ID() != archives[1].ID() {
		t.Fatal("nodes that share a database have two archives")
	}
	stop := make([]context.CancelFunc, nodes)
	var running [nodes]sync.WaitGroup
	for i, d := range drains {
		ctx, cancel := context.WithCancel(t.Context())
		stop[i] = cancel
		running[i].Go(func() { d.Run(ctx) })
	}
	filed := func() (n int) {
		for _, d := range drains {
			if d.Stats().Filed > 0 {
				n++
			}
		}
		return n
	}
	for gone := range nodes {
		for range 200 {
			box.add(w.step())
		}
		for deadline := time.Now().Add(20 * time.Second); box.left() > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("nobody files the last %d records", box.left())
			}
		}
		if n := filed(); n != gone+1 {
			t.Errorf("%d nodes have filed, want %d: one at a time", n, gone+1)
		}
		for i, d := range drains { // the one that led goes
			if stop[i] != nil && d.Archive.lead.holder != nil {
				stop[i]()
				running[i].Wait()
				stop[i] = nil
				if gone < nodes-1 {
					must(t, archives[i].Close())
				}
				break
			}
		}
	}
	for _, d := range drains {
		if s := d.Stats(); s.Failures != 0 || s.Duplicates != 0 {
			t.Errorf("nodes were in each other's way: %+v", s)
		}
	}
	last := open(t, Options{DSN: server.DSN("")})
	everythingOnce(t, last, w, time.UTC)
	for i, a := range archives {
		if stop[i] != nil {
			stop[i]()
			running[i].Wait()
		}
		must(t, a.Close())
	}
}

// Two drains that both believe to lead do not file anything twice: the positions tell.
func TestTwoLeadersFileEachRecordOnce(t *testing.T) {
	server := ownPostgres(t)
	w, box := newWorld(63, 12, 4), newOutbox(4)
	for range 400 {
		box.add(w.step())
	}
	var both sync.WaitGroup
	for range 2 {
		a := open(t, Options{DSN: server.DSN("")})
		a.dialect.lead = nil // everybody leads
		d := &Drain{Outbox: box, Archive: a, state: state{limit: 7}}
		both.Go(func() {
			for box.left() > 0 {
				d.round(t.Context()) // errMoved, now and then
			}
		})
	}
	both.Wait()
	a := open(t, Options{DSN: server.DSN("")})
	everythingOnce(t, a, w, time.UTC)
	if _, n, err := a.Quarantine(t.Context()); n != 0 || err != nil {
		t.Errorf("%d records were set aside (%v)", n, err)
	}
}

func TestAPatientArchiveComesBack(t *testing.T) {
	server := ownPostgres(t)
	must(t, server.Stop())
	quiet := slog.New(slog.DiscardHandler)
	if _, err := Open(t.Context(), Options{DSN: server.DSN(""), Log: quiet}); !errors.Is(err, rating.ErrUnavailable) || !strings.Contains(err.Error(), "is the server up") {
		t.Errorf("without patience: %v", err)
	}
	a := open(t, Options{DSN: server.DSN(""), Patient: true})
	if _, _, err := a.Calls(t.Context(), rating.CallQuery{}); !errors.Is(err, rating.ErrUnavailable) || a.ID() != "" {
		t.Errorf("asked while there is no server: %v, id %q", err, a.ID())
	}
	must(t, server.Start())
	if _, _, err := a.Calls(t.Context(), rating.CallQuery{}); err != nil || a.ID() == "" {
		t.Errorf("the server is up again, and the archive says %v, id %q", err, a.ID())
	}
	must(t, server.Kill9())
	if err := a.Ping(t.Context()); !errors.Is(err, rating.ErrUnavailable) {
		t.Errorf("a killed server is %v", err)
	}
	must(t, server.Start())
	must(t, a.Ping(t.Context()))
}

func TestPostgresSaysWhyNot(t *testing.T) {
	server, err := sharedPostgres()
	must(t, err)
	must(t, server.Exec(`DROP DATABASE IF EXISTS ascii`))
	must(t, server.Exec(`CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0`))
	must(t, server.Exec(`DROP ROLE IF EXISTS nobody`))
	must(t, server.Exec(`CREATE ROLE nobody LOGIN`))
	good := server.DSN("")
	for _, tc := range []struct{ name, dsn, says string }{
		{"no such database", strings.Replace(good, "///postgres", "///elsewhere", 1), "CREATE DATABASE"},
		{"another encoding", strings.Replace(good, "///postgres", "///ascii", 1), "ENCODING 'UTF8'"},
		{"no such schema", server.DSN("nowhere"), "CREATE SCHEMA"},
		{"no rights", strings.Replace(good, "user=tollgate", "user=nobody", 1), "permission denied"},
		{"nobody listens", "postgres://u:secret@127.0.0.1:1/x", "is the server up"},
		{"no URL", "postgres://u:sec ret@[/x", "it is no URL such as postgres://"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(t.Context(), Options{DSN: tc.dsn, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("says %v, want something about %q", err, tc.says)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec ret")) {
				t.Errorf("shows the password: %v", err)
			}
		})
	}
	name, err := server.Schema()
	must(t, err)
	if _, err := Open(t.Context(), Options{DSN: name, ReadOnly: true}); !errors.Is(err, ErrNone) {
		t.Errorf("an empty schema to read is %v, want ErrNone", err)
	}
}

func TestPostgresCommitsAreSynced(t *testing.T) {
	server, err := sharedPostgres() // whose default is not to
	must(t, err)
	name, err := server.Schema()
	must(t, err)
	a := open(t, Options{DSN: name})
	var got string
	must(t, a.pools.write.QueryRow("SHOW synchronous_commit").Scan(&got))
	if got != "on" {
		t.Errorf("synchronous_commit is %s", got)
	}
	if warnings, err := a.Warnings(t.Context()); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "fsync=off") {
		t.Errorf("a server without fsync is warned of with %q (%v)", warnings, err)
	}
	if _, err := a.pools.read.Exec(`SELECT 1`); err != nil {
		t.Error(err)
	}
}
