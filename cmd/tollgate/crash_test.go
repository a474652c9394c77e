package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/embedded"
	"tollgate/sipctl/siptest"
)

// A crash at any instant loses no money and leaves no call that outlives it.
func TestKillDuringTwentyCalls(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	const steady = 18
	calls := make([]*siptest.Call, 0, 20)
	for i := range steady {
		extension, dialled := rich, number
		if i < 3 {
			extension, dialled = poor, "951" // three seconds of money in all
		}
		calls = append(calls, o.newPhone(extension).Call(dialled))
	}
	for _, c := range calls[3:] {
		if _, err := c.Answered(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	// One is ringing, one is being answered, when the process dies.
	o.carrier.On("85", siptest.RingForever())
	o.carrier.On("86", siptest.Answer(100*time.Millisecond))
	ringing, answering := o.phone.Call("985"), o.phone.Call("986")
	if _, err := ringing.Ringing(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	leg, err := o.carrier.Await(within(t, 5*time.Second), "86")
	if err != nil {
		t.Fatal(err)
	}
	for !leg.Rows()[0].Answered() {
		time.Sleep(time.Millisecond)
	}
	o.kill9()
	time.Sleep(time.Second)
	o.start()

	// The calls go on: in-dialog requests are served by the new process.
	survivor := calls[steady-1]
	if _, err := survivor.Info(within(t, 5*time.Second), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil {
		t.Errorf("INFO after the restart: %v", err)
	}
	for _, c := range calls[3:] {
		if _, err := c.Bye(within(t, 10*time.Second)); err != nil {
			t.Errorf("BYE after the restart: %v", err)
		}
	}
	if _, err := answering.Bye(within(t, 10*time.Second)); err != nil {
		t.Logf("the call answered in that instant: %v", err) // it may have been released: what counts is below
	}
	leftovers := func() bool {
		rows, _ := o.carrier.Record()
		for _, r := range rows {
			if r.Live() {
				return false
			}
		}
		return true
	}
	o.await("free of calls at the carrier", 40*time.Second, leftovers)
	o.proved(90 * time.Second)
	if balance, held := o.balance(poor); held != "0.0000" || strings.HasPrefix(balance, "-") {
		t.Errorf("poor: balance %s, held %s", balance, held)
	}
	o.everySecondIsPaid()
}

// everySecondIsPaid compares each CDR of an answered call with the carrier's own record.
func (o *office) everySecondIsPaid() {
	o.t.Helper()
	var list struct{ Items []record }
	o.call("GET", "/calls?disposition=any&per_page=200", nil, &list, 200)
	rows, _ := o.carrier.Record()
	byCall := map[string]siptest.Row{}
	for _, r := range rows {
		byCall[r.CallID] = r
	}
	for _, c := range list.Items {
		var full struct {
			CallIDB string `json:"call_id_b"`
		}
		o.call("GET", "/calls/"+c.ID, nil, &full, 200)
		r, ok := byCall[full.CallIDB]
		if !ok || !r.Answered() || c.Disposition != "answered" {
			continue
		}
		if c.EndedBy == "credit" && c.Duration <= r.Seconds() {
			continue // overdue while the node was dead: cut at once when it came back, billed what had been paid
		}
		if difference := r.Seconds() - c.Duration; difference > 1 || difference < -1 {
			o.t.Errorf("%s from %s: the CDR says %d s, the carrier %d s", c.Dialled, c.Extension, c.Duration, r.Seconds())
		}
	}
}

func TestAnOverdueCallIsCutAtOnceAfterARestart(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	call := o.newPhone(poor).Call("951")
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	o.kill9()
	time.Sleep(4 * time.Second) // its money ends meanwhile
	o.start()
	back := time.Now()
	if end, err := call.Ended(within(t, 10*time.Second)); err != nil || end.By == siptest.Local || end.At.Sub(back) > 2*time.Second {
		t.Fatalf("ended %+v, %v; the node was back at %v", end, err, back)
	}
	o.proved(30 * time.Second)
	if c := o.calls(1)[0]; c.Cost != "0.0300" || c.Duration != 3 {
		t.Errorf("CDR %+v: more was billed than had been paid for", c)
	}
}

func TestTheStoreIsLostAndComesBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	pid := o.storePID()
	syscall.Kill(pid, syscall.SIGSTOP) // it hangs: worse than a crash
	defer syscall.Kill(pid, syscall.SIGCONT)

	began := time.Now()
	final, err := o.phone.Call(number).Final(within(t, 10*time.Second))
	if err != nil || final.Code != 503 || final.Get("Retry-After") == "" || time.Since(began) > 3*time.Second {
		t.Errorf("a new call got %v, %v after %v; want 503 with Retry-After within 3 s", final, err, time.Since(began))
	}
	emergency := o.phone.Call("112")
	if _, err := emergency.Answered(within(t, 5*time.Second)); err != nil {
		t.Errorf("an emergency call without store: %v", err)
	}
	if status, _, _ := o.try("GET", "/me", nil); status == 200 {
		t.Log("the API still answers from memory")
	}
	if _, err := emergency.Bye(within(t, 5*time.Second)); err != nil {
		t.Errorf("BYE of the emergency call: %v", err)
	}
	if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
		t.Errorf("BYE without store: %v", err)
	}
	syscall.Kill(pid, syscall.SIGCONT)
	records := o.calls(3) // the call, the emergency call, the refused one
	if cost := records[len(records)-1].Cost; cost != "0.1000" {
		t.Errorf("the call that was up cost %s", cost)
	}
	o.proved(30 * time.Second)
}

// store opens the private store of the running node, as a tool would.
func (o *office) store() *embedded.Store {
	o.t.Helper()
	store, err := embedded.Attach(o.t.Context(), embedded.Options{DataDir: o.dir})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { store.Close(context.Background()) })
	return store
}

// storePID is the process of the private redis-server.
func (o *office) storePID() int {
	o.t.Helper()
	info, err := o.store().Client.Info(o.t.Context(), "server").Result()
	m := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(info)
	if err != nil || m == nil {
		o.t.Fatalf("INFO: %v\n%s", err, info)
	}
	pid, _ := strconv.Atoi(m[1])
	return pid
}

// balanceField is where the ledger keeps the balance of an account, in micro-units.
const balanceField = "bal"

// changeBalance does what nobody may: it changes the balance of an account by hand.
func (o *office) changeBalance(extension string, by int64) {
	o.t.Helper()
	key := fmt.Sprintf("{%02d}a:%s", rating.ShardOf(extension), extension)
	store := o.store()
	if n, err := store.Client.HExists(o.t.Context(), key, balanceField).Result(); err != nil || !n {
		o.t.Fatalf("%s has no %s: %v", key, balanceField, err)
	}
	if err := store.Client.HIncrBy(o.t.Context(), key, balanceField, by).Err(); err != nil {
		o.t.Fatal(err)
	}
}

func TestSIGTERMHandsEstablishedCallsOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	o.carrier.On("85", siptest.RingForever())
	ringing := o.phone.Call("985")
	if _, err := ringing.Ringing(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan time.Duration, 1)
	go func() { ended <- o.stop() }()
	o.await("refusing new calls", 5*time.Second, func() bool {
		attempt := o.phone.Call(number)
		final, err := attempt.Final(within(t, 2*time.Second))
		if err != nil {
			return false
		}
		if final.Code == 200 { // it was faster than the signal
			attempt.Bye(within(t, 2*time.Second))
			return false
		}
		return final.Code == 503 && final.Get("Retry-After") != ""
	})
	if final, err := ringing.Final(within(t, 10*time.Second)); err != nil || final.Code < 400 {
		t.Errorf("the ringing call got %v, %v", final, err)
	}
	if took := <-ended; took > 10*time.Second {
		t.Errorf("the process ended after %v", took)
	}
	o.process = nil
	o.start()
	if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
		t.Errorf("BYE at the next process: %v", err)
	}
	o.await("free of calls at the carrier", 10*time.Second, func() bool { return o.carrier.Live() == 0 })
	o.proved(60 * time.Second)
}

// SIGHUP reloads whom we believe; a file with a mistake changes nothing.
func TestSIGHUPReloadsTheTrustedPeers(t *testing.T) {
	o := newOffice(t, "")
	answered := func() bool {
		final, err := o.newPhone(broke).Call(number).Final(within(t, 1500*time.Millisecond))
		return err == nil && final.Code == 402
	}
	write := func(net string) {
		t.Helper()
		text, err := os.ReadFile(o.config)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`net: [^,]*,`).ReplaceAll(text, []byte("net: "+net+","))
		if err := os.WriteFile(o.config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		o.process.Process.Signal(syscall.SIGHUP)
	}
	write("nonsense")
	o.await("told of the mistake", 5*time.Second, func() bool { return strings.Contains(o.log.tail(4000), "not reloaded") })
	if !answered() {
		t.Error("a mistake in the file has shut out the peers")
	}
	write("127.7.7.7/32")
	o.await("deaf to a peer that is trusted no more", 10*time.Second, func() bool { return !answered() })
	write("127.0.0.0/8")
	o.await("open to the peer again", 10*time.Second, answered)
}

// One micro-unit changed by hand, in Redis or in SQLite, is found.
func TestTheAuditFindsOneMicroUnit(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	o.calls(1)
	o.proved(10 * time.Second)
	o.changeBalance(rich, 1)
	out, code := o.tollgate("audit", "-c", o.config, "--json")
	var report struct {
		Differences []struct{ Extension, Law string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || len(report.Differences) == 0 || report.Differences[0].Extension != rich {
		t.Fatalf("audit: exit %d, %v\n%s", code, err, out)
	}
	o.changeBalance(rich, -1)
	o.proved(10 * time.Second)
}

// A call that the store has lost is not lost: it is in the call log, and the audit says what is wrong.
func TestACallThatTheStoreHasLost(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	redis := o.store().Client
	keys, err := redis.Keys(t.Context(), "{*}c:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys of running calls: %v, %v", keys, err)
	}
	blob := strings.Replace(keys[0], "}c:", "}b:", 1)
	if err := redis.Del(t.Context(), keys[0], blob).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	if c := o.calls(1)[0]; c.Disposition != "answered" || c.Cost != "0.0000" || c.Duration < 1 {
		t.Errorf("CDR %+v", c)
	}
	if out, code := o.tollgate("audit", "-c", o.config); code != 1 || !strings.Contains(out, "held") {
		t.Errorf("audit: exit %d\n%s", code, out)
	}
}

// A store knows its archive: another one is refused, unless it is empty.
func TestTheStoreKnowsItsArchive(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	o.await("archived", 10*time.Second, func() bool { lag, _ := o.metric("tollgate_outbox_lag"); return lag == "0" })
	o.stop()
	mine, other := filepath.Join(o.dir, archiveFile), filepath.Join(t.TempDir(), archiveFile)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Rename(mine+suffix, other+suffix)
	}
	o.process = nil
	o.start() // with an empty archive: adopted
	if log := o.log.tail(8000); !strings.Contains(log, "THE ARCHIVE IS NEW AND EMPTY") {
		t.Errorf("the empty archive is not told of:\n%s", log)
	}
	if out, code := o.tollgate("audit", "-c", o.config); code != 1 {
		t.Errorf("audit without the old records: exit %d\n%s", code, out)
	}
}
