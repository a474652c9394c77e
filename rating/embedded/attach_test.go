package embedded_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tollgate/rating/embedded"
	"tollgate/rating/embedded/redistest"
)

func attach(t *testing.T, o embedded.Options) *embedded.Store {
	t.Helper()
	s, err := embedded.Attach(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func TestAToolUsesTheServerThatServeRuns(t *testing.T) {
	dir := dataDir(t)
	serve := open(t, dir)
	set(t, serve, "k", "v")
	tool := attach(t, embedded.Options{DataDir: dir})
	want(t, tool, "k", "v")
	if r := tool.Report(); tool.Kind != embedded.Private || r.Durability != embedded.Always {
		t.Errorf("kind %s, report %+v", tool.Kind, r)
	}
	shut(t, tool)
	want(t, serve, "k", "v")
	if st := serve.State(); !st.Up || st.Restarts != 0 {
		t.Errorf("the tool disturbed serve: %+v", st)
	}
}

func TestAToolStartsTheServerAndStopsItAgain(t *testing.T) {
	dir := dataDir(t)
	serve := open(t, dir)
	set(t, serve, "k", "v")
	shut(t, serve)
	tool := attach(t, embedded.Options{DataDir: dir})
	want(t, tool, "k", "v")
	pid := tool.State().PID
	shut(t, tool)
	if alive(pid) {
		t.Error("the server outlives the tool that started it")
	}
	want(t, open(t, dir), "k", "v")
}

func TestAToolLeavesALeftoverServerAsItWas(t *testing.T) {
	dir := dataDir(t)
	helper, server := startHelper(t, dir)
	helper.Process.Kill()
	helper.Wait()
	tool := attach(t, embedded.Options{DataDir: dir})
	set(t, tool, "k", "v")
	shut(t, tool)
	if !alive(server) {
		t.Fatal("the tool stopped a server that it had not started")
	}
	s := open(t, dir)
	if st := s.State(); st.PID != server || !st.Adopted {
		t.Errorf("state %+v", st)
	}
	want(t, s, "k", "v")
}

func TestAToolMakesNoStoreUnlessToldTo(t *testing.T) {
	dir := dataDir(t)
	if _, err := embedded.Attach(t.Context(), embedded.Options{DataDir: dir}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "redis")); err == nil {
		t.Error("it made the folder")
	}
	set(t, attach(t, embedded.Options{DataDir: dir, Create: true}), "k", "v")
}

func TestAToolFailsWhereTheStoreIsDown(t *testing.T) {
	server := redistest.StartServer(t)
	o := embedded.Options{Redis: server.URL()}
	set(t, attach(t, o), "k", "v")
	server.Kill9()
	if s, err := embedded.Attach(t.Context(), o); err == nil {
		s.Close(context.Background())
		t.Error("it attached to nothing")
	}
}

func TestAToolGivesUpOnAServeWhoseStoreIsDown(t *testing.T) {
	dir := dataDir(t)
	_, server := startHelper(t, dir)
	kill(t, server, syscall.SIGSTOP)
	began := time.Now()
	_, err := embedded.Attach(t.Context(), embedded.Options{DataDir: dir, StartLimit: 300 * time.Millisecond})
	if took := time.Since(began); err == nil || took > 3*time.Second {
		t.Errorf("it got %v after %s", err, took)
	}
}
