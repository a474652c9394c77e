package redistest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// startAttempts: another process may take a TCP port between our choice and the server's bind.
const startAttempts = 5

// Server is a redis-server that belongs to one test. Its data survives Kill9 and Stop until the test ends.
type Server struct {
	Addr string // unix socket path, or host:port with TCP()
	Dir  string // working folder: append-only file, log

	t      testing.TB
	bin    string
	config []setting
	tcp    bool
	proc   *process

	user, password string // with ACL
}

type setting struct{ key, value string }

// Option changes how a server is started.
type Option func(*Server)

// Config sets one directive of redis.conf, for example Config("appendfsync", "everysec"); a later one wins.
func Config(key, value string) Option {
	return func(s *Server) { s.config = append(s.config, setting{key, value}) }
}

// TCP makes the server listen on a free port of 127.0.0.1 instead of a unix socket.
func TCP() Option { return func(s *Server) { s.tcp = true } }

// At makes the server listen on the host:port of another one, which must have ended.
func At(addr string) Option {
	return func(s *Server) { s.tcp, s.Addr = true, addr }
}

// Start runs a private redis-server that syncs every write and returns a client for it.
func Start(t testing.TB) *redis.Client {
	t.Helper()
	return StartServer(t).Client()
}

// StartServer runs a private redis-server (append-only file, fsync always, noeviction, no snapshots) and waits until it answers.
func StartServer(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{t: t, bin: binary(t), Dir: tempDir(t), config: []setting{
		{"appendonly", "yes"}, {"appendfsync", "always"}, {"save", ""}, {"maxmemory-policy", "noeviction"}, {"databases", "16"},
	}}
	for _, o := range opts {
		o(s)
	}
	t.Cleanup(func() {
		if s.proc == nil {
			return
		}
		if err := s.proc.kill(); err != nil {
			t.Error(err)
		}
	})
	s.start()
	return s
}

// URL is the address in the form that store.redis takes.
func (s *Server) URL() string {
	scheme, login := "unix://", ""
	if s.tcp {
		scheme = "redis://"
	}
	if s.user != "" {
		login = url.UserPassword(s.user, s.password).String() + "@"
	}
	return scheme + login + s.Addr
}

// Options are go-redis options for this server; the caller may change them before it makes a client.
func (s *Server) Options() *redis.Options {
	return &redis.Options{
		Addr: s.Addr, Username: s.user, Password: s.password, DialTimeout: time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		Protocol: 2, DialerRetries: 1, MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Client returns a new client, closed when the test ends. It never repeats a command on its own, so a test sees each
// failure, and it works again after Restart.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(s.Options())
	s.t.Cleanup(func() { c.Close() })
	return c
}

// Kill9 kills the server as a crash would. Data that it acknowledged is in Dir.
func (s *Server) Kill9() {
	s.t.Helper()
	if err := s.proc.kill(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends the server cleanly (SIGTERM).
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.proc.cmd.Process.Signal(syscall.SIGTERM); err != nil && s.proc.running() {
		s.t.Fatalf("stop redis-server: %v", err)
	}
	select {
	case <-s.proc.exited:
	case <-time.After(exitLimit):
		s.t.Fatalf("redis-server did not stop within %s:\n%s", exitLimit, s.Log())
	}
}

// Restart starts the server again on the same address and data, killing it first if it still runs.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill9()
	s.run()
}

// Freeze stops the process in its tracks: connections stay open and nothing answers, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// PID is the process id of the running server.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Log is what the server has printed so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("send %v to redis-server: %v", sig, err)
	}
}

// start chooses the address and runs the server; a TCP port that somebody else took meanwhile is exchanged for another.
func (s *Server) start() {
	s.t.Helper()
	if !s.tcp {
		s.Addr = filepath.Join(s.Dir, "s")
	}
	if s.Addr != "" {
		s.run()
		return
	}
	for attempt := 1; ; attempt++ {
		s.Addr = fmt.Sprintf("127.0.0.1:%d", freePort(s.t))
		err := s.tryRun()
		if err == nil {
			return
		}
		if attempt == startAttempts || !strings.Contains(s.Log(), "Address already in use") {
			s.t.Fatal(err)
		}
	}
}

func (s *Server) run() {
	s.t.Helper()
	if err := s.tryRun(); err != nil {
		s.t.Fatal(err)
	}
}

// tryRun starts the process with the address chosen and waits for its first answer.
func (s *Server) tryRun() error {
	conf := filepath.Join(s.Dir, "redis.conf")
	if err := os.WriteFile(conf, s.renderConfig(), 0o600); err != nil {
		return err
	}
	p, err := launch(s.bin, s.logPath(), conf)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.bin, err)
	}
	s.proc = p
	if err := awaitReady(p, s.Options()); err != nil {
		return fmt.Errorf("%w; its log:\n%s", errors.Join(err, p.kill()), s.Log())
	}
	return nil
}

func (s *Server) renderConfig() []byte {
	var b strings.Builder
	all := append([]setting{{"dir", s.Dir}, {"daemonize", "no"}}, s.config...)
	if s.tcp {
		host, port, _ := strings.Cut(s.Addr, ":")
		all = append(all, setting{"bind", host}, setting{"port", port})
	} else {
		all = append(all, setting{"port", "0"}, setting{"unixsocket", s.Addr}, setting{"unixsocketperm", "700"})
	}
	for _, c := range all {
		fmt.Fprintf(&b, "%s %s\n", c.key, quote(c.value))
	}
	return []byte(b.String())
}

func (s *Server) logPath() string { return filepath.Join(s.Dir, "log") }
