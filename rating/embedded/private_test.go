package embedded_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tollgate/rating/embedded"
)

func TestPrivateStoreIsDurableAndClosedToOthers(t *testing.T) {
	dir := dataDir(t)
	s := open(t, dir)
	if s.Kind != embedded.Private || s.Ephemeral {
		t.Errorf("kind %s, ephemeral %t", s.Kind, s.Ephemeral)
	}
	if r := s.Report(); r.Durability != embedded.Always || r.Eviction != "noeviction" || len(r.Warnings) > 0 {
		t.Errorf("report %+v", r)
	}
	for name, mode := range map[string]fs.FileMode{"redis": fs.ModeDir | 0o700, "redis/redis.sock": fs.ModeSocket | 0o700} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil || fi.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", name, fi.Mode(), err, mode)
		}
	}
	if port, err := s.Client.ConfigGet(t.Context(), "port").Result(); err != nil || port["port"] != "0" {
		t.Errorf("port %v, %v: it listens on TCP", port, err)
	}
	if env, err := os.ReadFile(filepath.Join("/proc", itoa(s.State().PID), "environ")); err != nil || strings.Contains(string(env), "HOME=") {
		t.Errorf("the server has our environment (%q, %v)", env, err)
	}
	pid := s.State().PID
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the server is in process group %d, %v: a Ctrl-C meant for us would stop it", group, err)
	}
	shut(t, s)
	if alive(pid) {
		t.Error("the server outlives a clean stop")
	}
}

func TestDataSurvivesACleanStop(t *testing.T) {
	dir := dataDir(t)
	s := open(t, dir)
	set(t, s, "k", "v")
	shut(t, s)
	s = open(t, dir)
	want(t, s, "k", "v")
	if st := s.State(); st.Adopted || st.Restarts != 0 {
		t.Errorf("state %+v", st)
	}
}

func TestAKilledServerIsStartedAgain(t *testing.T) {
	s := open(t, dataDir(t))
	for round := 1; round <= 3; round++ {
		set(t, s, "k", itoa(round))
		before := s.State().PID
		kill(t, before, syscall.SIGKILL)
		want(t, s, "k", itoa(round)) // the client bridges the restart
		eventually(t, "it is up again", func() bool { st := s.State(); return st.Up && st.Restarts == round && st.PID != before })
	}
}

func TestCallsDoNotNoticeARestart(t *testing.T) {
	s := open(t, dataDir(t))
	kill(t, s.State().PID, syscall.SIGKILL)
	var calls sync.WaitGroup
	for range 300 { // a burst of refused dials makes go-redis give up on its pool, unless the dial waits
		calls.Go(func() {
			if err := s.Client.Eval(t.Context(), "return 1", nil).Err(); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	s := open(t, dataDir(t))
	var (
		mu    sync.Mutex
		acked []string
		write sync.WaitGroup
	)
	ctx, stop := context.WithCancel(t.Context())
	for w := range 8 {
		write.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				k := itoa(w) + ":" + itoa(i)
				if s.Client.Set(ctx, k, k, 0).Err() == nil {
					mu.Lock()
					acked = append(acked, k)
					mu.Unlock()
				}
			}
		})
	}
	enough := func(more int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) > more }
	}
	for round := 1; round <= 3; round++ {
		eventually(t, "writes go on", enough(200*round))
		eventually(t, "it is up", func() bool { return s.State().PID != 0 })
		kill(t, s.State().PID, syscall.SIGKILL)
	}
	mu.Lock()
	sofar := len(acked)
	mu.Unlock()
	eventually(t, "writes go on after the last kill", enough(sofar+100))
	stop()
	write.Wait()
	for _, k := range acked {
		want(t, s, k, k)
	}
}

func TestAServerThatStaysDownIsReportedAndComesBack(t *testing.T) {
	changes := make(chan embedded.State, 10)
	dir := dataDir(t)
	s := open(t, dir, func(o *embedded.Options) { o.OnChange = func(st embedded.State) { changes <- st } })
	if st := <-changes; !st.Up {
		t.Errorf("first change %+v", st)
	}
	set(t, s, "k", "v")
	aof := filepath.Join(dir, "redis", "appendonlydir")
	if err := os.Rename(aof, aof+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(aof, nil, 0o600); err != nil { // a file in its place: the server cannot start
		t.Fatal(err)
	}
	kill(t, s.State().PID, syscall.SIGKILL)
	if st := <-changes; st.Up || st.Err == nil || st.PID != 0 {
		t.Errorf("after the kill %+v", st)
	}
	eventually(t, "the reason is told", func() bool {
		err := s.State().Err
		return err != nil && strings.Contains(err.Error(), "ended at once") && strings.Contains(err.Error(), "Not a directory")
	})
	if err := errors.Join(os.Remove(aof), os.Rename(aof+".away", aof)); err != nil {
		t.Fatal(err)
	}
	if st := <-changes; !st.Up || st.Err != nil {
		t.Errorf("when it can start again %+v", st)
	}
	want(t, s, "k", "v")
}

func TestATollgateThatIsKilledLeavesItsServerToTheNext(t *testing.T) {
	dir := dataDir(t)
	helper, server := startHelper(t, dir)
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	helper.Wait()
	if !alive(server) {
		t.Fatal("the server died with the process that started it")
	}
	s := open(t, dir)
	if st := s.State(); st.PID != server || !st.Adopted {
		t.Errorf("state %+v, want process %d adopted", st, server)
	}
	set(t, s, "k", "v")

	kill(t, server, syscall.SIGKILL) // an adopted one is supervised like a child
	wantSoon(t, s, "k", "v")
	eventually(t, "a new one is up", func() bool { st := s.State(); return st.Up && st.PID != server && !st.Adopted })
}

func TestAnAdoptedServerIsStoppedCleanly(t *testing.T) {
	dir := dataDir(t)
	helper, server := startHelper(t, dir)
	helper.Process.Kill()
	helper.Wait()
	s := open(t, dir)
	set(t, s, "k", "v")
	shut(t, s)
	if alive(server) {
		t.Fatal("the adopted server outlives a clean stop")
	}
	want(t, open(t, dir), "k", "v")
}

func TestAnAdoptedServerIsHeldToThePolicy(t *testing.T) {
	dir := dataDir(t)
	helper, server := startHelper(t, dir)
	other, err := embedded.Attach(t.Context(), embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range [][2]string{{"appendonly", "no"}, {"appendfsync", "everysec"}, {"maxmemory-policy", "allkeys-lru"}} {
		if err := other.Client.ConfigSet(t.Context(), d[0], d[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set(t, other, "written without a file", "v")
	shut(t, other)
	helper.Process.Kill()
	helper.Wait()

	s := open(t, dir)
	if r := s.Report(); s.State().PID != server || r.Durability != embedded.Always || r.Eviction != "noeviction" {
		t.Errorf("process %d, report %+v", s.State().PID, r)
	}
	kill(t, server, syscall.SIGKILL)
	wantSoon(t, s, "written without a file", "v")
}

func TestAFrozenLeftoverIsKilledAndReplaced(t *testing.T) {
	needSlow(t) // it is given ten seconds to answer
	dir := dataDir(t)
	helper, server := startHelper(t, dir)
	helper.Process.Kill()
	helper.Wait()
	kill(t, server, syscall.SIGSTOP)
	if s := open(t, dir); alive(server) || s.State().PID == server || s.State().Adopted {
		t.Error("the frozen server still lives")
	}
}

func TestTwoTollgatesDoNotShareADataDirectory(t *testing.T) {
	dir := dataDir(t)
	s := open(t, dir)
	_, err := embedded.Open(t.Context(), embedded.Options{DataDir: dir, LockLimit: time.Millisecond})
	if !errors.Is(err, embedded.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("the second got %v, want ErrLocked", err)
	}
	_, err = embedded.Open(t.Context(), embedded.Options{DataDir: dir, LockLimit: time.Millisecond, Ephemeral: true})
	if !errors.Is(err, embedded.ErrLocked) {
		t.Fatalf("a second with another store got %v, want ErrLocked", err)
	}
	set(t, s, "k", "v") // the first is not harmed
	shut(t, s)
	open(t, dir)
}

func TestServeWaitsForAToolToFinish(t *testing.T) {
	dir := dataDir(t)
	shut(t, open(t, dir))
	tool, err := embedded.Attach(t.Context(), embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { tool.Close(context.Background()) })
	if s := open(t, dir); s.State().Adopted {
		t.Error("serve adopted the tool's server, which was about to stop")
	}
}

func TestAForeignServerOnTheSocketIsLeftAlone(t *testing.T) {
	dir := dataDir(t)
	shut(t, open(t, dir))
	pid := startByHand(t, filepath.Join(dir, "redis"), "--requirepass", "secret")
	_, err := embedded.Open(t.Context(), embedded.Options{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "not ours") {
		t.Errorf("error %v, want one that names the foreign server", err)
	}
	if !alive(pid) {
		t.Error("the foreign server was stopped")
	}
}

func TestADeepDataDirectoryWorks(t *testing.T) {
	dir := filepath.Join(dataDir(t), strings.Repeat("deep/", 30))
	s := open(t, dir)
	set(t, s, "k", "v")
	if _, err := os.Stat(filepath.Join(dir, "redis", "redis.sock")); err != nil {
		t.Errorf("the socket is not in the data directory: %v", err)
	}
	pid := s.State().PID
	kill(t, pid, syscall.SIGKILL)
	wantSoon(t, s, "k", "v")
	shut(t, s)
	if alive(s.State().PID) {
		t.Error("the server outlives a clean stop")
	}
}

func TestARelativeDataDirectoryIsRefused(t *testing.T) {
	if _, err := embedded.Open(t.Context(), embedded.Options{DataDir: "data"}); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("error %v", err)
	}
}

func TestARootToolRunsTheServerAsTheOwnerOfTheData(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "embedded") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	set(t, s, "k", "v")
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil && fi.Sys().(*syscall.Stat_t).Uid != nobody {
			t.Errorf("%s belongs to user %d", path, fi.Sys().(*syscall.Stat_t).Uid)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
