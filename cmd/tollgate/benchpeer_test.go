package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/rating/embedded/redistest"
)

// TestBenchPeer is `make bench-peer`: the same calls through Kamailio with dialog and cnxcc, and through us, in turn, in one run.
// The peer keeps credit in a Redis that syncs nothing and writes no call record; ours syncs every step and archives every call.
// Two runs of one program differ by a tenth, so read the medians.
func TestBenchPeer(t *testing.T) {
	if os.Getenv("TOLLGATE_BENCH") == "" {
		t.Skip("a measurement, not a test: make bench-peer")
	}
	const rounds = 3
	o := newOffice(t, "log: { level: warn }\n")
	callers := o.manyCallers()
	o.useSippTrunk()
	trunk := sipp{scenario: "uas_answer", port: o.sippTrunk}
	wait := trunk.startLoad(t)
	defer wait()
	peer := startPeer(t, o.sippTrunk)
	ours := subject{"tollgate", o.sip, o.process.Process.Pid, o.storePID()}
	for _, rate := range benchRates() {
		for range rounds {
			peer.step(t, callers, rate)
			ours.step(t, callers, rate)
		}
	}
	o.proved(60 * time.Second)
}

// startPeer starts Debian's Kamailio with cnxcc (kamailio-cnxcc-modules, kamailio-redis-modules).
func startPeer(t *testing.T, trunk int) subject {
	t.Helper()
	const program = "/usr/sbin/kamailio"
	if found, _ := filepath.Glob("/usr/lib/*/kamailio/modules/cnxcc.so"); found == nil {
		t.Skip("apt-get install kamailio kamailio-cnxcc-modules kamailio-redis-modules")
	}
	store := redistest.StartServer(t, redistest.TCP(), redistest.Config("appendonly", "no"), redistest.Config("save", ""))
	at, dir := fmt.Sprintf("127.0.0.1:%d", freePort(t)), t.TempDir()
	host, port, _ := strings.Cut(store.Addr, ":")
	process := exec.Command(program, "-DD", "-E", "-e", "-m", "1024", "-w", dir, "-Y", dir, "-f", absolute(t, "testdata/cnxcc.cfg"), "-A", "LISTEN=udp:"+at,
		"-A", fmt.Sprintf("TRUNK=%q", fmt.Sprintf("sip:127.0.0.1:%d", trunk)), "-A", fmt.Sprintf("REDIS=%q", "addr="+host+";port="+port+";db=1"))
	companion(t, "kamailio", process)
	time.Sleep(3 * time.Second) // it fills its shared memory
	info, err := store.Client().Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(info, "process_id:")
	pid, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(after, "\n", 2)[0]))
	return subject{"kamailio + cnxcc", at, process.Process.Pid, pid}
}
