package redistest_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded/redistest"
)

// set writes k and fails the test where that is not acknowledged.
func set(t *testing.T, c redis.UniversalClient, k, v string) {
	t.Helper()
	if err := c.Set(t.Context(), k, v, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, c redis.UniversalClient, k, v string) {
	t.Helper()
	if got, err := c.Get(t.Context(), k).Result(); got != v || err != nil {
		t.Fatalf("GET %s = %q, %v, want %q", k, got, err, v)
	}
}

func TestServerKeepsAcknowledgedDataOverKill9(t *testing.T) {
	s := redistest.StartServer(t)
	c := s.Client()
	set(t, c, "k", "v")
	s.Kill9()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	s.Restart()
	want(t, c, "k", "v")
	s.Stop()
	s.Restart()
	want(t, c, "k", "v")
}

func TestFrozenServerDoesNotAnswerUntilThawed(t *testing.T) {
	s := redistest.StartServer(t, redistest.TCP())
	c := s.Client()
	set(t, c, "k", "v")
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Fatal("a frozen server answered")
	}
	s.Thaw()
	want(t, c, "k", "v")
}

func TestServersLeaveNothingBehind(t *testing.T) {
	var s *redistest.Server
	t.Run("uses a server", func(t *testing.T) { s = redistest.StartServer(t) })
	if err := syscall.Kill(s.PID(), 0); err == nil {
		t.Errorf("redis-server %d still runs", s.PID())
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there", s.Dir)
	}
}

func TestClusterServesEverySlot(t *testing.T) {
	c := redistest.StartCluster(t)
	for _, k := range []string{"{0}", "{1}", "{2}", "{3}", "{4}", "{5}", "{6}", "{7}"} {
		set(t, c, k, k)
		want(t, c, k, k)
	}
}

func TestSentinelPromotesTheReplica(t *testing.T) {
	s := redistest.StartSentinel(t)
	c := s.Client()
	set(t, c, "k", "v")
	if n, err := c.Wait(t.Context(), 1, 5*time.Second).Result(); n != 1 || err != nil {
		t.Fatalf("WAIT = %d, %v", n, err)
	}
	s.KillMaster()
	for try := 0; ; try++ { // the client learns of the failover by a message of the sentinel
		if err := c.Set(t.Context(), "k2", "v", 0).Err(); err == nil {
			break
		} else if try == 100 {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	want(t, c, "k", "v")
}

func TestMemoryExpiresByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := redistest.Memory(t)
		if err := c.Set(t.Context(), "k", "v", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - 1)
		want(t, c, "k", "v")
		time.Sleep(time.Second)
		if err := c.Get(t.Context(), "k").Err(); err != redis.Nil {
			t.Fatalf("GET after its time = %v", err)
		}
	})
}
