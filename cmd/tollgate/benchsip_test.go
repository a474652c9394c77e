package main

import (
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// The load run of `make bench-sip`. It prints figures and judges none: machines differ, so read ratios of one run.

const (
	benchCallers = 200
	benchSeconds = 6
)

func TestBenchSIP(t *testing.T) {
	if os.Getenv("TOLLGATE_BENCH") == "" {
		t.Skip("a measurement, not a test: make bench-sip")
	}
	o := newOffice(t, "log: { level: warn }\n")
	callers := o.manyCallers()
	if os.Getenv("TOLLGATE_BENCH_RAMP") == "" {
		o.beforeTheRamp()
	}
	o.useSippTrunk()
	trunk := sipp{scenario: "uas_answer", port: o.sippTrunk}
	wait := trunk.startLoad(t)
	defer wait()
	ours := subject{"tollgate", o.sip, o.process.Process.Pid, o.storePID()}
	for _, rate := range benchRates() {
		ours.step(t, callers, rate)
	}
	o.proved(60 * time.Second)
}

// beforeTheRamp is what is measured with our own phones; TOLLGATE_BENCH_RAMP=1 leaves it out.
func (o *office) beforeTheRamp() {
	fmt.Printf("post-dial delay at 100 calls/s: direct %s\n", o.delay(netip.MustParseAddrPort(o.carrier.Addr().String()), 100))
	fmt.Printf("                           through us %s\n", o.delay(netip.MustParseAddrPort(o.sip), 100))
	o.cutOffs(300)
	o.heldCalls(1000)
}

// benchRates are calls a second, from TOLLGATE_BENCH where that lists some.
func benchRates() []int {
	var rates []int
	for field := range strings.SplitSeq(os.Getenv("TOLLGATE_BENCH"), ",") {
		if n, err := strconv.Atoi(field); err == nil && n > 1 {
			rates = append(rates, n)
		}
	}
	if rates == nil {
		return []int{100, 500, 1000, 1200, 1500}
	}
	return rates
}

// manyCallers adds extensions with money and returns sipp's list of them.
func (o *office) manyCallers() string {
	o.t.Helper()
	list := []string{"SEQUENTIAL"}
	var numbers []string
	for i := range benchCallers {
		n := fmt.Sprint(1000 + i)
		o.call("POST", "/extensions", map[string]any{"number": n, "billing_enabled": true}, nil, 201)
		list, numbers = append(list, n+";"), append(numbers, n)
	}
	o.call("POST", "/recharges", map[string]any{"extensions": numbers, "amount": "100000.0000"}, nil, 201)
	file := filepath.Join(o.t.TempDir(), "callers.csv")
	if err := os.WriteFile(file, []byte(strings.Join(list, "\n")+"\n"), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return file
}

// delay is INVITE to 180 at a rate, from our own phones to a server.
func (o *office) delay(server netip.AddrPort, rate float64) string {
	o.t.Helper()
	load := siptest.Load{Server: server, Rate: rate, Duration: 5 * time.Second, Plan: func(n int) siptest.Plan {
		return siptest.Plan{Number: number, From: fmt.Sprint(1000 + n%benchCallers)}
	}}
	summary, err := load.Run(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return summary.Ring.String() + fmt.Sprintf(", %d failed", summary.Failed)
}

// cutOffs measures how late n calls are cut that are up together, each with money for five seconds, by the carrier's record.
func (o *office) cutOffs(n int) {
	o.t.Helper()
	const seconds = 5
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = fmt.Sprint(3000 + i)
		o.call("POST", "/extensions", map[string]any{"number": numbers[i], "billing_enabled": true}, nil, 201)
	}
	o.call("POST", "/recharges", map[string]any{"extensions": numbers, "amount": "0.0500"}, nil, 201)
	load := siptest.Load{Server: netip.MustParseAddrPort(o.sip), Rate: 100, Calls: n, Hold: time.Minute, Plan: func(n int) siptest.Plan {
		return siptest.Plan{Number: "951", From: numbers[n]}
	}}
	if _, err := load.Run(o.t.Context()); err != nil {
		o.t.Error(err)
	}
	var late siptest.Latency
	early := 0
	rows, _ := o.carrier.Record()
	for _, r := range rows {
		if r.Number != "51" || !r.Answered() {
			continue
		}
		if d := r.Talked - seconds*time.Second; d < 0 {
			early++
		} else {
			late.Add(d)
		}
	}
	fmt.Printf("cut-off with %d calls up: %s after the instant, %d before it\n", n, &late, early)
}

// heldCalls measures memory with n calls up, once their set-up is forgotten.
func (o *office) heldCalls(n int) {
	o.t.Helper()
	before := resident(o.process.Process.Pid)
	load := siptest.Load{Server: netip.MustParseAddrPort(o.sip), Rate: 200, Calls: n, Hold: 45 * time.Second, Plan: func(n int) siptest.Plan {
		return siptest.Plan{Number: number, From: fmt.Sprint(1000 + n%benchCallers)}
	}}
	done := make(chan error, 1)
	go func() { _, err := load.Run(o.t.Context()); done <- err }()
	time.Sleep(40 * time.Second)
	fmt.Printf("memory: %d kB before, %d kB with %d calls up: %d bytes a call\n", before, resident(o.process.Process.Pid), n, (resident(o.process.Process.Pid)-before)*1024/n)
	if err := <-done; err != nil {
		o.t.Error(err)
	}
}

// subject is a system under load. Its process counts with its children, but for the store.
type subject struct {
	name, at       string
	process, store int // process ids
}

// step is one rate of the ramp, with sipp at both ends.
func (s subject) step(t *testing.T, callers string, rate int) {
	t.Helper()
	dir := t.TempDir()
	busy, storeBusy := s.cpu(), cpu(s.store)
	command := exec.Command("sipp", "-sf", absolute(t, filepath.Join(scenarios, "uac_call.xml")), s.at, "-i", "127.0.0.1", "-p", fmt.Sprint(freePort(t)), "-s", number,
		"-inf", callers, "-r", fmt.Sprint(rate), "-m", fmt.Sprint(rate*benchSeconds), "-d", "0", "-l", "100000", "-nostdin", "-buff_size", "4000000",
		"-timeout", "60s", "-trace_stat", "-stf", "stat.csv", "-fd", "1s")
	command.Dir, command.Env = dir, append(os.Environ(), "TERM=xterm")
	command.Run() // a failed call is in the figures
	busy, storeBusy = s.cpu()-busy, cpu(s.store)-storeBusy
	stat := sippStatistics(t, filepath.Join(dir, "stat.csv"))
	ok := max(1, stat["SuccessfulCall(C)"])
	fmt.Printf("%-16s %5d calls/s: %d ok, %d failed, %d retransmitted, CPU s per 1000 calls %.2f, redis %.2f, resident %d kB\n", s.name, rate, stat["SuccessfulCall(C)"],
		stat["FailedCall(C)"], stat["Retransmissions(C)"], busy.Seconds()*1000/float64(ok), storeBusy.Seconds()*1000/float64(ok), resident(s.process))
}

// startLoad runs a trunk for any number of calls; the result ends it.
func (s sipp) startLoad(t *testing.T) func() {
	t.Helper()
	command := exec.Command("sipp", "-sf", absolute(t, filepath.Join(scenarios, s.scenario+".xml")), "-i", "127.0.0.1", "-p", fmt.Sprint(s.port), "-nostdin", "-buff_size", "4000000")
	command.Dir, command.Env = t.TempDir(), append(os.Environ(), "TERM=xterm")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	return func() { command.Process.Kill(); command.Wait() }
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sippStatistics reads the last line of a -trace_stat file.
func sippStatistics(t *testing.T, path string) map[string]int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comma, reader.FieldsPerRecord = ';', -1
	rows, err := reader.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %v", path, err)
	}
	values := map[string]int{}
	for i, name := range rows[0] {
		if last := rows[len(rows)-1]; i < len(last) {
			values[name], _ = strconv.Atoi(last[i])
		}
	}
	return values
}

// cpu is user and system time so far.
func (s subject) cpu() time.Duration {
	total := cpu(s.process)
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.process, s.process))
	for _, child := range strings.Fields(string(children)) {
		if pid, _ := strconv.Atoi(child); pid != s.store {
			total += cpu(pid)
		}
	}
	return total
}

// cpu is user and system time of a process so far.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	return time.Duration(user+system) * tick
}

// resident is the memory of a process in kB.
func resident(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	var kilobytes int
	if _, after, ok := strings.Cut(string(text), "VmRSS:"); ok {
		fmt.Sscan(after, &kilobytes)
	}
	return kilobytes
}
