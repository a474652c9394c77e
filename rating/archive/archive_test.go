package archive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestArchiveIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "what?is #this%20.db")
	a := open(t, Options{DSN: path})
	if err := a.SetLocation(t.Context(), zone(t, "Asia/Shanghai")); err != nil { // writes something
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", info.Name(), info.Mode().Perm())
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder has mode %v (%v), want 700", info.Mode(), err)
	}
}

func TestConnectionsAreDurable(t *testing.T) {
	a := open(t, Options{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000"} {
		var got string
		if err := a.pools.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
	if _, err := a.pools.read.Exec(`DELETE FROM meta`); err == nil {
		t.Error("a connection for reading can write")
	}
}

func TestEveryArchiveHasItsOwnID(t *testing.T) {
	path := file(t)
	first, other := open(t, Options{DSN: path}), open(t, Options{})
	if err := first.Close(); err != nil { // its one writer goes
		t.Fatal(err)
	}
	again, reader := open(t, Options{DSN: "sqlite:" + path}), open(t, Options{DSN: path, ReadOnly: true})
	if len(first.ID()) < 20 || first.ID() == other.ID() || first.ID() != again.ID() || first.ID() != reader.ID() {
		t.Errorf("ids are %q, %q when opened again, %q for a reader, %q of another archive", first.ID(), again.ID(), reader.ID(), other.ID())
	}
	if err := reader.SetLocation(t.Context(), time.UTC); err == nil {
		t.Error("a reader may write")
	}
	if err := reader.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhyNot(t *testing.T) {
	newer := file(t)
	a := open(t, Options{DSN: newer})
	if _, err := a.pools.write.Exec(`INSERT INTO migrations VALUES (99, '0099_future.sql', 0)`); err != nil {
		t.Fatal(err)
	}
	strange := file(t)
	b := open(t, Options{DSN: strange})
	if _, err := b.pools.write.Exec(`UPDATE meta SET value = 'Atlantis/Capital' WHERE key = 'timezone'`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	text := file(t)
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := file(t)
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		o    Options
		says string
	}{
		{"no name", Options{}, "no file is named"},
		{"a database that is not known", Options{DSN: "oracle://x"}, `"oracle"`},
		{"a newer schema", Options{DSN: newer}, "newer program (schema 99"},
		{"a newer schema, to read", Options{DSN: newer, ReadOnly: true}, "newer program"},
		{"nothing to read", Options{DSN: file(t), ReadOnly: true}, "no such file"},
		{"an empty file to read", Options{DSN: empty, ReadOnly: true}, "open archive"},
		{"a time zone that is not installed", Options{DSN: strange}, "Atlantis/Capital"},
		{"another kind of file", Options{DSN: text}, "not a database"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := Open(t.Context(), tc.o)
			if err == nil {
				a.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("says %q, want something about %q", err, tc.says)
			}
		})
	}
}

// Two processes that start at once both find an archive.
func TestOpenedTwiceAtOnce(t *testing.T) {
	path := file(t)
	ids := make(chan string, 4)
	for range 4 {
		go func() {
			a, err := Open(context.Background(), Options{DSN: path})
			if err != nil {
				ids <- err.Error()
				return
			}
			ids <- a.ID()
			a.Close()
		}()
	}
	first := <-ids
	for range 3 {
		if id := <-ids; id != first {
			t.Errorf("one got %q, another %q", first, id)
		}
	}
}

// What migrations left is what the current schema says: each step is applied once and in order.
func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	steps, err := migrationsOf(sqliteDialect)
	if err != nil || len(steps) == 0 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	a := open(t, Options{})
	if n := rows(t, a, "migrations"); n != int64(len(steps)) {
		t.Errorf("%d steps are recorded, want %d", n, len(steps))
	}
	if err := a.migrate(t.Context(), steps); err != nil {
		t.Errorf("a second time: %v", err)
	}
	broken := append(steps, migration{len(steps) + 1, "broken.sql", "CREATE TABLE half (n INTEGER); CREATE TABLE half (n INTEGER)"})
	if a.migrate(t.Context(), broken) == nil {
		t.Error("a broken step is no error")
	}
	if version, err := a.version(t.Context()); err != nil || version != len(steps) || rows(t, a, "sqlite_master WHERE name = 'half'") != 0 {
		t.Errorf("a broken step left the schema at %d (%v), or half of itself", version, err)
	}
}
