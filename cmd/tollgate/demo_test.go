package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/rating"
)

// runProgram runs a command of the program in an environment of its own.
func runProgram(t *testing.T, environ []string, args ...string) (string, int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(within(t, 2*time.Minute), path, args...)
	command.Env = environ
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), command.ProcessState.ExitCode()
}

// The demo needs no set-up, leaves nothing behind, and proves the money; also where redis-server is not installed.
func TestDemo(t *testing.T) {
	for name, path := range map[string]string{"with redis-server": os.Getenv("PATH"), "with nothing installed": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			out, code := runProgram(t, []string{"PATH=" + path, "TMPDIR=" + temp, "HOME=" + temp}, "demo", "--calls", "7")
			if code != 0 || !regexp.MustCompile(`RESULT calls=7 answered=5 cut=1 refused=1 charged=0\.3\d00 reconciled=yes\n$`).MatchString(out) {
				t.Errorf("exit %d\n%s", code, out)
			}
			if loud := strings.Contains(out, "would not survive a restart"); loud != (name == "with nothing installed") {
				t.Errorf("says that balances are in memory: %v\n%s", loud, out)
			}
			if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A demo that is killed takes its redis-server with it, and the next one removes its folder.
func TestAKilledDemoLeavesNothing(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	environ := []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + temp, "HOME=" + temp}
	killed := exec.Command(path, "demo")
	killed.Env = environ
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	pidFile := func() []string {
		files, _ := filepath.Glob(filepath.Join(temp, "tollgate-demo-*", "redis", "*.pid"))
		return files
	}
	var server int
	for deadline := time.Now().Add(20 * time.Second); server == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, file := range pidFile() {
			text, _ := os.ReadFile(file)
			server, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
	}
	killed.Process.Kill()
	killed.Wait()
	if server == 0 {
		t.Fatal("the demo has started no redis-server")
	}
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(server, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("redis-server %d outlives its demo", server)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) != 1 {
		t.Fatalf("the killed demo left %v, want its folder", left)
	}
	if out, code := runProgram(t, environ, "demo", "--calls", "1"); code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind after the next demo: %v", left)
	}
}

// A visitor may recharge who is to be refused: she talks then, and hangs up.
func TestADemoCallThatWasToBeRefusedEnds(t *testing.T) {
	t.Parallel()
	ctx := within(t, time.Minute)
	w, err := openWorld(ctx, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.run(running) }()
	defer func() { stop(); <-ended }()
	if err := w.pay(ctx, carol, 10*rating.Unit); err != nil {
		t.Fatal(err)
	}
	b := &board{out: io.Discard, width: func() int { return 80 }}
	if p := w.act(ctx, scenes[1], b); p.code != 200 {
		t.Fatalf("%s calls with money: %d", p.who.name, p.code)
	}
	if calls := w.app.sip.Calls(); len(calls) != 0 {
		t.Errorf("still up: %+v", calls)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	out, code := o.tollgate("check", "-c", o.config)
	for _, line := range []string{`(?m)^ok +sip udp .* held by the running tollgate$`, `(?m)^ok +store .* on disk before it is acknowledged$`, `(?m)^ok +archive `, `(?m)^ok +trunk FXO-1 .* answers OPTIONS$`} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("nothing like %s in\n%s", line, out)
		}
	}
	if code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
	o.carrier.Close()
	if out, code = o.tollgate("check", "-c", o.config); code != 1 || !strings.Contains(out, "FAIL  trunk FXO-1") {
		t.Errorf("with the trunk gone: exit %d\n%s", code, out)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(file, []byte("data_dir: "+dir+"\nsip: { listen: [\"udp://192.0.2.1:5060\"] }\nadmin: { listen: \"127.0.0.1:0\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := runProgram(t, append(cleanEnvironment(), "PATH="), "check", "-c", file)
	if code != 1 || !strings.Contains(out, "is no address of this machine") || !strings.Contains(out, "store.ephemeral: true") {
		t.Errorf("exit %d\n%s", code, out)
	}
	out, code = runProgram(t, append(cleanEnvironment(), "PATH="), "serve", "-c", file)
	if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "install one of them") || !strings.Contains(out, "store.redis") || !strings.Contains(out, "store.ephemeral: true") {
		t.Errorf("serve without redis-server: exit %d\n%s", code, out)
	}
}

func TestAuditOfNothingCannotBeChecked(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new.yaml")
	if err := os.WriteFile(file, []byte("data_dir: "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := runProgram(t, cleanEnvironment(), "audit", "-c", file); code != 2 {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, name := range []string{"serve", "demo", "check", "audit", "simulate", "admin passwd", "version"} {
		out, code := runProgram(t, cleanEnvironment(), append(strings.Fields(name), "--help")...)
		if code != 0 || !strings.Contains(out, "Examples:") {
			t.Errorf("%s --help: exit %d\n%s", name, code, out)
		}
	}
	if out, code := runProgram(t, cleanEnvironment(), "version"); code != 0 || !regexp.MustCompile(`^tollgate \S+ commit \S+ go1\.`).MatchString(out) {
		t.Errorf("version: exit %d\n%s", code, out)
	}
}

// A new password works beside a running serve, and ends the sessions.
func TestAdminPasswd(t *testing.T) {
	t.Parallel()
	o := newNode(t, "")
	path, _ := binary()
	command := exec.Command(path, "admin", "passwd", "-c", o.config)
	command.Env, command.Stdin = cleanEnvironment(), strings.NewReader("another good one\n")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if status, _, _ := o.try("GET", "/me", nil); status != 401 {
		t.Errorf("the old session gets %d", status)
	}
	o.call("POST", "/login", map[string]string{"username": "admin", "password": "another good one"}, nil, 200, 201)
}
