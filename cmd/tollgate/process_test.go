package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The whole program, as a process of its own: what a person gets who installs it. Tests that mostly wait run beside each other
// (t.Parallel); those that measure, or load the machine, run alone.

// binary is the program, built once for all tests that run it.
var binary = sync.OnceValues(func() (string, error) { return build() })

// travelling is the program with a clock that TIMETRAVEL moves; no release is built so.
var travelling = sync.OnceValues(func() (string, error) { return build("-tags", "timetravel") })

// builds is where the programs are built; TestMain takes it away.
var builds = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "tollgate-test-*") })

func build(flags ...string) (string, error) {
	dir, err := builds()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tollgate"+strings.Join(flags, ""))
	args := append([]string{"build", "-o", path}, flags...)
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := builds(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// node is one running `tollgate serve` with its private store.
type node struct {
	t       *testing.T
	dir     string // data_dir
	state   string // license.state_dir
	sip     string // host:port, UDP and TCP
	api     string // http://host:port
	config  string // file
	token   string
	program func() (string, error) // nil: binary
	env     []string               // beside cleanEnvironment
	process *exec.Cmd
	log     *buffer
	done    chan error
}

const adminPassword = "correct horse battery"

// freePort returns a port of 127.0.0.1 that nobody uses for UDP or TCP: below those that the system hands out by itself,
// so that no other test is given it before it is used.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		tcp, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(18_000)))
		if err != nil {
			continue
		}
		port := tcp.Addr().(*net.TCPAddr).Port
		udp, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		tcp.Close()
		if err == nil {
			udp.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// newNode writes a configuration and starts the program. Callers on 127.0.0.0/8 are trusted by their From.
func newNode(t *testing.T, extra string) *node {
	t.Helper()
	return newNodeFor(t, fromAnybodyHere, extra)
}

const fromAnybodyHere = "  trusted:\n    - { net: 127.0.0.0/8, identity: from }\n"

// newNodeFor is newNode with other callers: lines of the block sip.
func newNodeFor(t *testing.T, callers, extra string) *node {
	t.Helper()
	return newNodeNamed(t, "test", callers, extra)
}

func newNodeNamed(t *testing.T, name, callers, extra string) *node {
	t.Helper()
	n := prepareNode(t, name, callers, extra)
	n.begin()
	return n
}

// prepareNode writes a configuration and starts nothing.
func prepareNode(t *testing.T, name, callers, extra string) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), state: t.TempDir()}
	n.sip = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	n.api = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	n.config = filepath.Join(t.TempDir(), "tollgate.yaml")
	text := fmt.Sprintf("node: %s\ndata_dir: %s\nsip:\n  listen: [\"udp://%s\", \"tcp://%s\"]\n%sadmin: { listen: %q }\nlicense: { state_dir: %s }\n%s",
		name, n.dir, n.sip, n.sip, callers, n.api, n.state, extra)
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.api = "http://" + n.api
	return n
}

// begin starts the program for the length of the test.
func (n *node) begin() {
	n.t.Helper()
	n.start()
	n.t.Cleanup(func() {
		n.stop()
		if n.t.Failed() {
			n.t.Logf("log of the node:\n%s", n.log.tail(12_000))
		}
	})
}

// start runs serve and waits until it is ready.
func (n *node) start() {
	n.t.Helper()
	n.launch()
	n.awaitReady()
	n.login()
}

func (n *node) awaitReady() {
	n.t.Helper()
	n.await("ready", 30*time.Second, func() bool {
		response, err := http.Get(n.api + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// launch runs serve.
func (n *node) launch() {
	n.t.Helper()
	path := n.path()
	n.log = &buffer{}
	n.process = exec.Command(path, "serve", "-c", n.config)
	n.process.Env = append(append(cleanEnvironment(), n.env...), "TOLLGATE_ADMIN_PASSWORD="+adminPassword)
	n.process.Stdout, n.process.Stderr = n.log, n.log
	if err := n.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	process, done := n.process, make(chan error, 1)
	n.done = done
	go func() { done <- process.Wait(); close(done) }() // closed: whoever asks again is told that it has ended
}

// path of the program.
func (n *node) path() string {
	n.t.Helper()
	program := n.program
	if program == nil {
		program = binary
	}
	path, err := program()
	if err != nil {
		n.t.Fatal(err)
	}
	return path
}

// cleanEnvironment is ours without what would configure the program.
func cleanEnvironment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, envPrefix) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// kill9 ends the process as a crash does; its redis-server is left running, as after a crash.
func (n *node) kill9() {
	n.t.Helper()
	n.process.Process.Kill()
	<-n.done
	n.process = nil
}

// stop ends the process with SIGTERM and returns how long that took.
func (n *node) stop() time.Duration {
	if n.process == nil {
		n.start() // so that the private store, left by a crash, is ended too
	}
	began := time.Now()
	n.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(20 * time.Second):
		n.t.Errorf("still running 20 s after SIGTERM")
		n.process.Process.Kill()
		<-n.done
	}
	return time.Since(began)
}

func (n *node) await(what string, limit time.Duration, done func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-n.done:
			n.t.Fatalf("the program ended (%v) before it was %s:\n%s", err, what, n.log.tail(4000))
		default:
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("not %s after %v", what, limit)
		}
	}
}

func (n *node) login() {
	n.t.Helper()
	var answer struct{ Token string }
	n.token = ""
	n.call("POST", "/login", map[string]string{"username": "admin", "password": adminPassword}, &answer, 200, 201)
	n.token = answer.Token
}

// call does one API request and decodes the answer; any other status than those wanted fails the test.
func (n *node) call(method, path string, body, answer any, want ...int) {
	n.t.Helper()
	status, text, err := n.try(method, path, body)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, path, err)
	}
	for _, w := range want {
		if status == w {
			if answer != nil && json.Unmarshal(text, answer) != nil {
				n.t.Fatalf("%s %s answered %s", method, path, text)
			}
			return
		}
	}
	n.t.Fatalf("%s %s answered %d, want %v: %s", method, path, status, want, text)
}

func (n *node) try(method, path string, body any) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	if body == nil {
		text = nil
	}
	request, err := http.NewRequest(method, n.api+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if n.token != "" {
		request.Header.Set("Authorization", "Bearer "+n.token)
	}
	if strings.HasPrefix(path, "/recharges") && method == "POST" {
		request.Header.Set("Idempotency-Key", fmt.Sprint("key-", time.Now().UnixNano()))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, text, err
}

// tollgate runs another command of the program and returns its output and exit code.
func (n *node) tollgate(args ...string) (string, int) {
	n.t.Helper()
	command := exec.Command(n.path(), args...)
	command.Env = append(cleanEnvironment(), n.env...)
	out, err := command.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		n.t.Fatal(err)
	}
	return string(out), command.ProcessState.ExitCode()
}

// proved waits until the audit proves the money, as operators would run it.
func (n *node) proved(limit time.Duration) {
	n.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		out, code := n.tollgate("audit", "-c", n.config)
		if code == 0 {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("audit after %v: exit %d\n%s", limit, code, out)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// metric returns the value of a line of /metrics that begins with name; false when there is none.
func (n *node) metric(name string) (string, bool) {
	n.t.Helper()
	response, err := http.Get(n.api + "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `(?:\{[^}]*\})? (\S+)$`).FindSubmatch(text)
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}

// buffer keeps what a process prints.
type buffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *buffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text[max(0, len(b.text)-n):])
}
