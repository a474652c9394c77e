package embedded_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/rating/embedded"
)

// program puts a shell script into a folder.
func program(t *testing.T, folder, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutAServerTheErrorNamesTheThreeWaysOut(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := embedded.Open(t.Context(), embedded.Options{DataDir: t.TempDir()})
	if !errors.Is(err, embedded.ErrNoServer) {
		t.Fatalf("error %v", err)
	}
	for _, way := range []string{"install", "store.redis", "store.ephemeral: true"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("the error does not name %q: %v", way, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
}

func TestAServerThatIsTooOldIsRefused(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	program(t, bin, "redis-server", `echo "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=a3fdef44459b3ad6"`)
	_, err := embedded.Open(t.Context(), embedded.Options{DataDir: t.TempDir()})
	if !errors.Is(err, embedded.ErrTooOld) || !strings.Contains(err.Error(), "6.0.16") || !strings.Contains(err.Error(), bin) {
		t.Errorf("error %v", err)
	}
}

func TestValkeyServesWhereRedisIsTooOld(t *testing.T) {
	real, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("this test needs redis-server in PATH: %v", err)
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	program(t, bin, "redis-server", `echo "Redis server v=5.0.7 sha=0"`)
	program(t, bin, "valkey-server", `[ "$1" = --version ] && echo "Valkey server v=8.0.1 sha=0" && exit; exec `+real+` "$@"`)
	s := open(t, dataDir(t))
	set(t, s, "k", "v")
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	program(t, bin, "redis-server", `[ "$1" = --version ] && echo "Redis server v=7.2.0 sha=0" && exit; echo "out of luck"; exit 3`)
	s, err := embedded.Open(t.Context(), embedded.Options{DataDir: t.TempDir(), Log: testLog(t)})
	if err != nil {
		t.Fatal(err) // serve goes on without a store: emergency calls pass
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	if why := s.State().Err; s.Up() || why == nil || !strings.Contains(why.Error(), "exit status 3") || !strings.Contains(why.Error(), "out of luck") {
		t.Errorf("state %+v", s.State())
	}
	_, err = embedded.Attach(t.Context(), embedded.Options{DataDir: t.TempDir(), Create: true})
	if err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("a tool got %v", err)
	}
}
