package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	sentinelReadyLimit = 30 * time.Second
	failoverLimit      = 30 * time.Second
	downAfter          = time.Second
)

// Sentinel is a master, its replica, and one sentinel whose single voice is enough to fail over.
type Sentinel struct {
	Addr       string // of the sentinel
	MasterName string
	Master     *Server // until KillMaster
	Replica    *Server // the master afterwards

	t testing.TB
}

// StartSentinel runs a master, a replica that has caught up, and a sentinel that knows both.
func StartSentinel(t testing.TB, opts ...Option) *Sentinel {
	t.Helper()
	master := StartServer(t, append([]Option{TCP()}, opts...)...)
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := StartServer(t, append([]Option{TCP(), Config("replicaof", host+" "+port)}, opts...)...)
	s := &Sentinel{MasterName: "tollgate", Master: master, Replica: replica, t: t}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if err := eventually(sentinelReadyLimit, s.ready); err != nil {
		t.Fatal(err)
	}
	return s
}

// Client returns a new client that asks the sentinel for the master, closed when the test ends.
func (s *Sentinel) Client() *redis.Client {
	o := s.Master.Options()
	c := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: s.MasterName, SentinelAddrs: []string{s.Addr}, DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout,
		WriteTimeout: o.WriteTimeout, Protocol: o.Protocol, DialerRetries: 1, MaxRetries: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// URL is the address in the form that store.redis takes.
func (s *Sentinel) URL() string { return "redis+sentinel://" + s.Addr + "/" + s.MasterName }

// KillMaster kills the master as a crash would and waits until the replica has been promoted.
func (s *Sentinel) KillMaster() {
	s.t.Helper()
	s.Master.Kill9()
	rdb := s.Replica.Client()
	err := eventually(failoverLimit, func(ctx context.Context) error {
		return infoHas(ctx, rdb, "replication", "role:master")
	})
	if err != nil {
		s.t.Fatalf("no failover: %v", err)
	}
	err = eventually(failoverLimit, func(ctx context.Context) error {
		return s.masterIs(ctx, s.Replica.Addr)
	})
	if err != nil {
		s.t.Fatalf("no failover: %v", err)
	}
}

// run starts the sentinel on a free port; it keeps its state in its own configuration file.
func (s *Sentinel) run() error {
	dir, bin := tempDir(s.t), binary(s.t)
	host, port, _ := strings.Cut(s.Master.Addr, ":")
	var err error
	for range startAttempts {
		s.Addr = fmt.Sprintf("127.0.0.1:%d", freePort(s.t))
		if err = s.launch(bin, dir, host, port); err == nil {
			return nil
		}
	}
	return err
}

func (s *Sentinel) launch(bin, dir, masterHost, masterPort string) error {
	_, port, _ := strings.Cut(s.Addr, ":")
	conf, logPath := filepath.Join(dir, "sentinel.conf"), filepath.Join(dir, "log")
	text := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor %[3]s %s %s 1\n"+
		"sentinel down-after-milliseconds %[3]s %[6]d\nsentinel failover-timeout %[3]s 5000\n",
		port, dir, s.MasterName, masterHost, masterPort, downAfter.Milliseconds())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	p, err := launch(bin, logPath, conf, "--sentinel")
	if err != nil {
		return fmt.Errorf("start sentinel: %w", err)
	}
	s.t.Cleanup(func() {
		if err := p.kill(); err != nil {
			s.t.Error(err)
		}
	})
	if err := awaitReady(p, s.options()); err != nil {
		log, _ := os.ReadFile(logPath)
		return fmt.Errorf("sentinel: %w; its log:\n%s", errors.Join(err, p.kill()), log)
	}
	return nil
}

func (s *Sentinel) options() *redis.Options {
	o := s.Master.Options()
	o.Addr = s.Addr
	return o
}

// ready tells that the replica follows the master and that the sentinel has found it.
func (s *Sentinel) ready(ctx context.Context) error {
	rdb := redis.NewClient(s.Replica.Options())
	defer rdb.Close()
	if err := infoHas(ctx, rdb, "replication", "master_link_status:up"); err != nil {
		return err
	}
	sentinel := redis.NewSentinelClient(s.options())
	defer sentinel.Close()
	replicas, err := sentinel.Replicas(ctx, s.MasterName).Result()
	if err != nil {
		return err
	}
	if len(replicas) != 1 || replicas[0]["flags"] != "slave" || replicas[0]["master-link-status"] != "ok" {
		return fmt.Errorf("sentinel does not see the replica in order: %v", replicas)
	}
	return s.masterIs(ctx, s.Master.Addr)
}

func (s *Sentinel) masterIs(ctx context.Context, addr string) error {
	sentinel := redis.NewSentinelClient(s.options())
	defer sentinel.Close()
	got, err := sentinel.GetMasterAddrByName(ctx, s.MasterName).Result()
	if err != nil {
		return err
	}
	if strings.Join(got, ":") != addr {
		return fmt.Errorf("sentinel names %v as master, want %s", got, addr)
	}
	return nil
}

func infoHas(ctx context.Context, rdb *redis.Client, section, line string) error {
	info, err := rdb.Info(ctx, section).Result()
	if err == nil && !strings.Contains(info, line+"\r\n") {
		err = fmt.Errorf("no %s in\n%s", line, info)
	}
	return err
}
