package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/rating/embedded"
)

// helperDir, set in the environment, makes the test binary a Tollgate that opens the private store of this data directory,
// prints the process id of its server, and then waits to be killed.
const helperDir = "EMBEDDED_TEST_DATA_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		serveUntilKilled(dir)
	}
	embedded.LogClients(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

func serveUntilKilled(dir string) {
	s, err := embedded.Open(context.Background(), embedded.Options{DataDir: dir})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.State().PID)
	select {}
}

// startHelper runs another Tollgate on dir and returns it with the process id of its server.
func startHelper(t *testing.T, dir string) (helper *exec.Cmd, server int) {
	t.Helper()
	helper = exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { helper.Process.Kill(); helper.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	server, errNum := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || errNum != nil {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return helper, server
}

// dataDir is a data directory whose server, should a test leave one behind, is killed at the end.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		b, err := os.ReadFile(filepath.Join(dir, "redis", "redis.pid")) // a server that ends cleanly removes it
		pid, errNum := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || errNum != nil {
			return
		}
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && cwd == filepath.Join(dir, "redis") {
			syscall.Kill(pid, syscall.SIGKILL)
			eventually(t, "the server is gone", func() bool { return !alive(pid) })
		}
	})
	return dir
}

// open opens the private store of dir; it is closed at the end of the test.
func open(t *testing.T, dir string, change ...func(*embedded.Options)) *embedded.Store {
	t.Helper()
	o := embedded.Options{DataDir: dir, Log: testLog(t)}
	for _, c := range change {
		c(&o)
	}
	s, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	if !s.Up() {
		t.Fatalf("the store is not up: %v", s.State().Err)
	}
	return s
}

// shut closes a store; once more does no harm.
func shut(t *testing.T, s *embedded.Store) {
	t.Helper()
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// alive tells whether a process runs; one that ended and is not yet reaped does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func set(t *testing.T, s *embedded.Store, k, v string) {
	t.Helper()
	if err := s.Client.Set(t.Context(), k, v, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *embedded.Store, k, v string) {
	t.Helper()
	if got, err := s.Client.Get(t.Context(), k).Result(); got != v || err != nil {
		t.Fatalf("GET %s = %q, %v; want %q", k, got, err, v)
	}
}

// wantSoon is want that allows for a restart of the server.
func wantSoon(t *testing.T, s *embedded.Store, k, v string) {
	t.Helper()
	eventually(t, "GET "+k+" = "+v, func() bool {
		got, err := s.Client.Get(t.Context(), k).Result()
		return err == nil && got == v
	})
}

func itoa(n int) string { return strconv.Itoa(n) }

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// startByHand runs a redis-server in folder as an operator would who repairs something.
func startByHand(t *testing.T, folder string, args ...string) int {
	t.Helper()
	cmd := exec.Command("redis-server", append([]string{"--port", "0", "--unixsocket", "redis.sock", "--appendonly", "yes"}, args...)...)
	cmd.Dir = folder
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	eventually(t, "the server made by hand listens", func() bool {
		conn, err := net.Dial("unix", filepath.Join(folder, "redis.sock"))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return cmd.Process.Pid
}

// needSlow leaves out what takes long unless TOLLGATE_SLOW is set, as continuous integration does.
func needSlow(t *testing.T) {
	t.Helper()
	if os.Getenv("TOLLGATE_SLOW") == "" {
		t.Skip("takes long: set TOLLGATE_SLOW=1")
	}
}
