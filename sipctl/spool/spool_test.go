package spool_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/spool"
)

// store takes entries while it is up.
type store struct {
	mu    sync.Mutex
	up    bool
	taken []rating.CallID
	deny  rating.CallID
}

var errDown, errNo = errors.New("down"), errors.New("no such call")

func (s *store) apply(_ context.Context, e sipctl.SpoolEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.up:
		return errDown
	case e.Settle.Call == s.deny:
		return errNo
	}
	s.taken = append(s.taken, e.Settle.Call)
	return nil
}

func (s *store) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = true
}

func (s *store) has() []rating.CallID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

func open(t *testing.T, dir string, s *store) *spool.Spool {
	t.Helper()
	sp, err := spool.Open(dir, s.apply, func(err error) bool { return errors.Is(err, errNo) }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close() })
	return sp
}

func run(t *testing.T, sp *spool.Spool) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = sp.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func put(t *testing.T, sp *spool.Spool, ids ...rating.CallID) {
	t.Helper()
	for _, id := range ids {
		if err := sp.Put(sipctl.SpoolEntry{Settle: &rating.Settlement{Call: id, Talked: 3 * time.Second}}); err != nil {
			t.Error(err)
		}
	}
}

func empty(t *testing.T, sp *spool.Spool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); sp.Entries() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d entries are left", sp.Entries())
		}
	}
}

func TestWhatWasAcceptedSurvivesTheProcess(t *testing.T) {
	dir, s := t.TempDir(), new(store)
	first := open(t, dir, s)
	put(t, first, "a", "b", "c") // and then the process is killed: nothing is closed
	second := open(t, dir, s)
	if second.Entries() != 3 {
		t.Fatalf("%d entries after the restart", second.Entries())
	}
	run(t, second)
	s.open()
	empty(t, second)
	if got := s.has(); !slices.Equal(got, []rating.CallID{"a", "b", "c"}) {
		t.Errorf("the store took %v", got)
	}
	put(t, second, "d")
	empty(t, second)
	path := filepath.Join(dir, "spool.jsonl")
	for deadline := time.Now().Add(5 * time.Second); must(os.Stat(path)).Size() != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the file is not empty after everything was taken")
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestATornLineWasNeverAccepted(t *testing.T) {
	dir, s := t.TempDir(), new(store)
	first := open(t, dir, s)
	put(t, first, "a", "b")
	text := must(os.ReadFile(filepath.Join(dir, "spool.jsonl")))
	for cut := 0; cut < len(text); cut += 7 {
		other := t.TempDir()
		if err := os.WriteFile(filepath.Join(other, "spool.jsonl"), text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		sp := open(t, other, s)
		before := sp.Entries()
		put(t, sp, "z")
		sp.Close()
		if again := open(t, other, s); again.Entries() != before+1 {
			t.Fatalf("cut at %d: %d entries, and %d after one more", cut, before, again.Entries())
		}
	}
}

func TestWhatTheStoreRefusesIsSetAside(t *testing.T) {
	dir, s := t.TempDir(), &store{up: true, deny: "b"}
	sp := open(t, dir, s)
	put(t, sp, "a", "b", "c")
	run(t, sp)
	empty(t, sp)
	if got := s.has(); !slices.Equal(got, []rating.CallID{"a", "c"}) {
		t.Errorf("the store took %v", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "spool.refused.jsonl")); err != nil || len(text) == 0 {
		t.Errorf("nothing is set aside: %v", err)
	}
}

func TestManyPutAtOnce(t *testing.T) {
	s := &store{up: true}
	sp := open(t, t.TempDir(), s)
	run(t, sp)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 20 {
				put(t, sp, "x")
			}
		})
	}
	group.Wait()
	empty(t, sp)
	if got := len(s.has()); got != 400 {
		t.Errorf("the store took %d of 400", got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("00000000 {}\n"))
	f.Add([]byte("zz\n\n\x00 \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		_ = os.WriteFile(filepath.Join(dir, "spool.jsonl"), text, 0o600)
		open(t, dir, new(store)).Entries()
	})
}
