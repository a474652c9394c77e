package redistest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// socketLimit is how many bytes of unix socket path every system takes.
const socketLimit = 100

// Ports lie below what the systems hand out to outgoing connections, so a port found free stays free; busOffset is where
// a cluster node listens for its peers (port + 10000 is the only rule that all versions know).
const (
	firstPort, lastPort = 11000, 21999
	busOffset           = 10000
	portAttempts        = 200
)

// binary finds redis-server or valkey-server, or fails the test.
func binary(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs a real Redis: neither redis-server nor valkey-server is in PATH (apt-get install redis-server)")
	return ""
}

// tempDir is a folder with a path short enough for a unix socket; t.TempDir carries the test's name and is not.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redistest")
	if err == nil && len(filepath.Join(dir, "s")) > socketLimit {
		_ = os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", "redistest")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// freePort finds a port of 127.0.0.1 that is free together with its cluster bus port.
func freePort(t testing.TB) int {
	t.Helper()
	for range portAttempts {
		p := firstPort + rand.IntN(lastPort-firstPort+1)
		if portFree(p) && portFree(p+busOffset) {
			return p
		}
	}
	t.Fatalf("no free TCP port in %d tries", portAttempts)
	return 0
}

func portFree(p int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
