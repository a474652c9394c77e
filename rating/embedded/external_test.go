package embedded_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded"
	"tollgate/rating/embedded/redistest"
)

// refused is when a call on a lost store must have its answer: 3 s, and what a busy test machine adds.
const refused = 4 * time.Second

func openExternal(t *testing.T, url string) (*embedded.Store, error) {
	t.Helper()
	s, err := embedded.Open(t.Context(), embedded.Options{Redis: url, Log: testLog(t)})
	if err == nil {
		t.Cleanup(func() { shut(t, s) })
	}
	return s, err
}

func TestExternalStoreIsChecked(t *testing.T) {
	for _, c := range []struct {
		name       string
		config     []redistest.Option
		durability embedded.Durability
		says       string // in Loss, or in the error
		err        error
	}{
		{"fsync always", nil, embedded.Always, "nothing acknowledged", nil},
		{"fsync each second", conf("appendfsync", "everysec"), embedded.Everysec, "appendfsync always", nil},
		{"no append-only file", conf("appendonly", "no"), embedded.None, "everything is lost", nil},
		{"snapshots only", conf("appendonly", "no", "save", "3600 1"), embedded.None, "last snapshot", nil},
		{"keys are thrown away", conf("maxmemory-policy", "allkeys-lru"), "", "set it to noeviction", embedded.ErrEviction},
		{"a replica", conf("replicaof", "127.0.0.1 1"), "", "redis+sentinel://", embedded.ErrReplica},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.StartServer(t, c.config...)
			s, err := openExternal(t, server.URL())
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), server.Addr) {
					t.Errorf("error %v does not say where and %q", err, c.says)
				}
				return
			}
			r := s.Report()
			if !s.Up() || s.Kind != embedded.External || r.Durability != c.durability || !strings.Contains(r.Loss, c.says) || len(r.Warnings) > 0 {
				t.Errorf("report %+v, want %s", r, c.durability)
			}
			set(t, s, "k", "v")
		})
	}
}

func conf(kv ...string) (opts []redistest.Option) {
	for i := 0; i < len(kv); i += 2 {
		opts = append(opts, redistest.Config(kv[i], kv[i+1]))
	}
	return opts
}

func TestUserWithoutCONFIGLeavesDurabilityUnknown(t *testing.T) {
	server := redistest.StartServer(t, redistest.TCP())
	acl := func(rules ...any) {
		if err := server.Client().Do(t.Context(), append([]any{"ACL", "SETUSER"}, rules...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	acl("toll", "on", ">hunter2", "~*", "&*", "+@all", "-config")
	s, err := openExternal(t, "redis://toll:hunter2@"+server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); !s.Up() || r.Durability != embedded.Unknown || r.Eviction != "noeviction" || !strings.HasPrefix(r.Server, "Redis ") {
		t.Errorf("report %+v", r)
	}
	acl("toll", "-info")
	s, err = openExternal(t, "redis://toll:hunter2@"+server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); !s.Up() || r.Durability != embedded.Unknown || r.Eviction != "" || len(r.Warnings) != 2 {
		t.Errorf("without INFO too: %+v", r)
	}
}

func TestWrongPasswordIsAnErrorWithoutThePassword(t *testing.T) {
	server := redistest.StartServer(t, redistest.TCP(), redistest.Config("requirepass", ""))
	if err := server.Client().ConfigSet(t.Context(), "requirepass", "right").Err(); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"redis://:hunter2@" + server.Addr, "redis://" + server.Addr} {
		_, err := openExternal(t, url)
		if !errors.Is(err, embedded.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", url, err)
		}
	}
	if _, err := openExternal(t, "redis://:right@"+server.Addr); err != nil {
		t.Error(err)
	}
}

func TestAStoreThatIsDownAtTheStartIsCheckedWhenItComes(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.TCP())
	server.Kill9()
	s, err := openExternal(t, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if s.Up() || s.State().Err == nil || s.Report().Durability != embedded.Unknown {
		t.Errorf("state %+v, report %+v", s.State(), s.Report())
	}
	server.Restart()
	eventually(t, "it comes up", s.Up)
	if s.Report().Durability != embedded.Always {
		t.Errorf("report %+v", s.Report())
	}
}

func TestAStoreThatComesBackUnfitStaysDown(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.TCP())
	s, err := openExternal(t, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	server.Kill9()
	eventually(t, "it is lost", func() bool { return !s.Up() })
	other := redistest.StartServer(t, redistest.At(server.Addr), redistest.Config("maxmemory-policy", "volatile-lru"))
	eventually(t, "the reason is told", func() bool { return errors.Is(s.State().Err, embedded.ErrEviction) })
	if s.Up() {
		t.Error("it is up")
	}
	if err := other.Client().ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is up once that is mended", s.Up)
}

func TestALostStoreRefusesWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.TCP())
	s, err := openExternal(t, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		lose, back func()
	}{
		{"frozen", server.Freeze, server.Thaw},
		{"killed", server.Kill9, server.Restart},
	} {
		t.Run(c.name, func(t *testing.T) {
			set(t, s, "k", "v")
			c.lose()
			began := time.Now()
			var calls sync.WaitGroup
			for range 300 { // more than the pool has connections
				calls.Go(func() {
					err := s.Client.Eval(t.Context(), "return 1", nil).Err()
					if took := time.Since(began); err == nil || took > refused {
						t.Errorf("a call got %v after %s", err, took)
					}
				})
			}
			calls.Wait()
			eventually(t, "it counts as down", func() bool { return !s.Up() })
			if took := time.Since(began); took > refused {
				t.Errorf("it counted as up for %s", took)
			}
			c.back()
			eventually(t, "it is up", s.Up)
			eventually(t, "it answers", func() bool { return s.Client.Get(t.Context(), "k").Err() == nil })
		})
	}
}

func TestAPeerThatNeverAnswersRefusesWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, as the kernel does, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	s, err := openExternal(t, "redis://"+l.Addr().String())
	if err != nil || s.Up() {
		t.Fatalf("open: %v, up", err)
	}
	if took := time.Since(began); took > refused {
		t.Errorf("open took %s", took)
	}
	began = time.Now()
	if err := s.Client.Ping(t.Context()).Err(); err == nil || time.Since(began) > refused {
		t.Errorf("ping: %v after %s", err, time.Since(began))
	}
}

func TestABlockingReadMayWait(t *testing.T) {
	t.Parallel()
	s, err := openExternal(t, redistest.StartServer(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	longer := 2700 * time.Millisecond // than a command may take
	err = s.Client.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"s", "$"}, Block: longer}).Err()
	if !errors.Is(err, redis.Nil) {
		t.Errorf("the read got %v", err)
	}
}

func TestClusterIsCheckedNodeByNode(t *testing.T) {
	needSlow(t)
	cluster := redistest.NewCluster(t)
	s, err := openExternal(t, cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); !s.Up() || r.Durability != embedded.Always || len(r.Warnings) > 0 {
		t.Errorf("report %+v", r)
	}
	for _, k := range []string{"{0}", "{1}", "{2}", "{3}"} {
		set(t, s, k, k)
	}
	if _, err := openExternal(t, "redis://"+cluster.Nodes[1].Addr); !errors.Is(err, embedded.ErrMode) || !strings.Contains(err.Error(), "redis+cluster://") {
		t.Errorf("one node as redis://: %v", err)
	}

	third := cluster.Nodes[2].Client()
	if err := third.ConfigSet(t.Context(), "appendfsync", "everysec").Err(); err != nil {
		t.Fatal(err)
	}
	weak, err := openExternal(t, cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	if r := weak.Report(); r.Durability != embedded.Everysec || !strings.HasPrefix(r.Loss, cluster.Nodes[2].Addr) {
		t.Errorf("one weak node: %+v", r)
	}
	if err := third.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := openExternal(t, cluster.URL()); !errors.Is(err, embedded.ErrEviction) || !strings.Contains(err.Error(), cluster.Nodes[2].Addr) {
		t.Errorf("one evicting node: %v", err)
	}
	cluster.Nodes[0].Kill9()
	eventually(t, "a dead master is noticed", func() bool { return !s.Up() })
}

func TestSentinelFailover(t *testing.T) {
	needSlow(t)
	sentinel := redistest.StartSentinel(t)
	s, err := openExternal(t, sentinel.URL())
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Report(); !s.Up() || r.Durability != embedded.Always || !strings.Contains(r.Loss, "failover") {
		t.Errorf("report %+v", r)
	}
	set(t, s, "k", "v")
	if n, err := s.Client.Do(t.Context(), "WAIT", 1, 5000).Int(); n != 1 || err != nil {
		t.Fatalf("WAIT: %d, %v", n, err)
	}
	sentinel.KillMaster()
	eventually(t, "the new master serves", func() bool { return s.Client.Set(t.Context(), "k2", "v", 0).Err() == nil })
	want(t, s, "k", "v")
	eventually(t, "it counts as up", s.Up)
	if _, err := openExternal(t, "redis://"+sentinel.Addr); !errors.Is(err, embedded.ErrMode) {
		t.Errorf("the sentinel as redis://: %v", err)
	}
}
