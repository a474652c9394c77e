package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating/backup"
	"tollgate/sipctl/siptest"
)

// elsewhere writes the configuration of a node on another, empty machine. It is not started.
func (n *node) elsewhere() *node {
	n.t.Helper()
	text, err := os.ReadFile(n.config)
	if err != nil {
		n.t.Fatal(err)
	}
	other := &node{t: n.t, dir: n.t.TempDir(), sip: fmt.Sprintf("127.0.0.1:%d", freePort(n.t)), api: fmt.Sprintf("127.0.0.1:%d", freePort(n.t))}
	other.config = filepath.Join(n.t.TempDir(), "tollgate.yaml")
	state := ""
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "license: { state_dir: "); ok {
			state = strings.TrimSuffix(strings.TrimSpace(rest), " }")
		}
	}
	moved := strings.NewReplacer(n.dir, other.dir, n.sip, other.sip, strings.TrimPrefix(n.api, "http://"), other.api, state, n.t.TempDir()).Replace(string(text))
	if err := os.WriteFile(other.config, []byte(moved), 0o600); err != nil {
		n.t.Fatal(err)
	}
	other.api = "http://" + other.api
	n.t.Cleanup(func() {
		if other.process != nil {
			other.stop()
		}
	})
	return other
}

// must runs a command of the program that has to succeed.
func (n *node) must(args ...string) string {
	n.t.Helper()
	out, code := n.tollgate(args...)
	if code != 0 {
		n.t.Fatalf("tollgate %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// refused runs a command that has to fail and say a word.
func (n *node) refused(word string, args ...string) {
	n.t.Helper()
	out, code := n.tollgate(args...)
	if code == 0 || !strings.Contains(out, word) {
		n.t.Fatalf("tollgate %s: exit %d, want a refusal that says %q\n%s", strings.Join(args, " "), code, word, out)
	}
}

// rechargeUnder pays under an idempotency key and returns status and body.
func (n *node) rechargeUnder(key, body string) (int, string) {
	n.t.Helper()
	request, err := http.NewRequest("POST", n.api+"/api/v1/recharges", strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+n.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// money is what each account has.
func (n *node) money() map[string]account {
	n.t.Helper()
	var list struct{ Items []account }
	n.call("GET", "/extensions?per_page=200", nil, &list, 200)
	accounts := map[string]account{}
	for _, a := range list.Items {
		accounts[a.Number] = a
	}
	return accounts
}

type account struct {
	Number, Username, Balance, Held, Credit, Status string
	TotalRecharges                                  string `json:"total_recharges"`
	BillingEnabled                                  bool   `json:"billing_enabled"`
}

func TestABackupUnderCallsIsRestoredElsewhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	o.carrier.On("85", siptest.RingForever())
	o.call("PATCH", "/extensions/"+broke, map[string]any{"credit": "2.5000", "limits": map[string]any{"concurrent_calls": 3}}, nil, 200)
	o.call("POST", "/extensions", map[string]any{"number": "199", "username": "Gone"}, nil, 201)
	o.recharge("199", "7.0000")
	o.call("DELETE", "/extensions/199", nil, nil, 200, 204)
	batch := fmt.Sprintf(`{"extensions":[%q,%q,%q],"amount":"1.0000","note":"christmas"}`, lockedUp, broke, unbilled)
	if status, text := o.rechargeUnder("christmas", batch); status != 201 {
		t.Fatal(text)
	}
	talked := o.phone.Call(number)
	if _, err := talked.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	talked.Bye(within(t, 5*time.Second))
	o.calls(1)
	talking, ringing := o.newPhone(broke).Call(number), o.newPhone(broke).Call("985")
	if _, err := talking.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := ringing.Ringing(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	before := o.money()
	dir := filepath.Join(t.TempDir(), "backups", "one")
	done := make(chan struct{})
	var busy sync.WaitGroup
	for range 2 { // calls all the time
		busy.Go(func() {
			for phone := o.newPhone(unbilled); ; {
				select {
				case <-done:
					return
				default:
				}
				if call := phone.Call(number); call != nil {
					if _, err := call.Answered(within(t, 10*time.Second)); err == nil {
						call.Bye(within(t, 10*time.Second))
					}
				}
			}
		})
	}
	t.Log(o.must("backup", dir, "-c", o.config))
	close(done)
	busy.Wait()
	for _, f := range []string{"archive.db", "store.jsonl", "manifest.json"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want a file for its owner alone", f, info, err)
		}
	}
	o.refused("is not empty", "backup", dir, "-c", o.config)
	o.refused("stop tollgate serve first", "restore", dir, "-c", o.config)
	o.proved(10 * time.Second) // a backup changes nothing

	there := o.elsewhere()
	out := there.must("restore", dir, "-c", there.config)
	if !strings.Contains(out, "calls that were up are ended") || !strings.Contains(out, "proved") {
		t.Fatal(out)
	}
	there.refused("say --replace", "restore", dir, "-c", there.config)
	there.start()
	after := there.money()
	for number, was := range before {
		is := after[number]
		if number == broke { // it was talking: charged its first minute, and nothing is held
			was.Held, was.Balance = "0.0000", "0.9000"
		}
		if is != was {
			t.Errorf("extension %s is %+v, was %+v", number, is, was)
		}
	}
	var rates, trunks struct{ Total int }
	there.call("GET", "/rates", nil, &rates, 200)
	there.call("GET", "/trunks", nil, &trunks, 200)
	if rates.Total != 2 || trunks.Total != 1 || len(after) != len(before) {
		t.Errorf("%d rates, %d trunks, %d extensions", rates.Total, trunks.Total, len(after))
	}
	if status, text := there.rechargeUnder("christmas", batch); status != 201 || there.money()[lockedUp] != after[lockedUp] {
		t.Errorf("the request that was paid before the backup, again: %s, and the account went from %+v to %+v", text, after[lockedUp], there.money()[lockedUp])
	}
	var list struct{ Items []record }
	there.call("GET", "/calls?disposition=any&per_page=200&q="+broke, nil, &list, 200)
	ended := map[string]string{}
	for _, c := range list.Items {
		if c.EndedBy == "system" {
			ended[c.Dialled] = c.Disposition + " " + c.Cost
		}
	}
	if ended[number] != "answered 0.1000" || ended["985"] != "failed 0.0000" {
		t.Errorf("calls that were up at the backup: %v", ended)
	}
	if status, text := there.rechargeUnder("later", `{"extensions":["101"],"amount":"1.0000","note":""}`); status != 201 {
		t.Fatal(text)
	}
	there.proved(10 * time.Second)
	there.stop()
	there.process = nil
	there.must("restore", dir, "-c", there.config, "--replace")
	there.start()
	if again := there.money(); again[rich] != before[rich] {
		t.Errorf("restored over a later state: %+v, want %+v", again[rich], before[rich])
	}
}

func TestABackupThatIsAlteredOrCutShortIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	dir := filepath.Join(t.TempDir(), "one")
	o.must("backup", dir, "-c", o.config)
	there := o.elsewhere()
	spoil := func(word, name string, change func(string) error) {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := change(filepath.Join(copied, name)); err != nil {
			t.Fatal(err)
		}
		there.refused(word, "restore", copied, "-c", there.config)
	}
	spoil("has no manifest.json", "manifest.json", os.Remove)
	spoil("a file is missing", "archive.db", os.Remove)
	spoil("its checksum is another", "store.jsonl", func(path string) error {
		text, err := os.ReadFile(path)
		text[len(text)/2] ^= 1
		return errors.Join(err, os.WriteFile(path, text, 0o600))
	})
	spoil("had", "archive.db", func(path string) error { return os.Truncate(path, 4096) })
	spoil("manifest.json cannot be read", "manifest.json", func(path string) error { return os.Truncate(path, 100) })
	spoil("is older", "manifest.json", func(path string) error {
		text, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(text), `"format": 1`, `"format": 99`, 1)), 0o600))
	})
	if _, err := os.Stat(filepath.Join(there.dir, "archive.db")); err == nil {
		t.Error("a refused restore has touched the installation")
	}
}

// kill -9 at any moment of a backup leaves a whole backup, or none.
func TestKillingABackupLeavesNoHalfOfOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	began := time.Now()
	o.must("backup", filepath.Join(parent, "whole"), "-c", o.config)
	whole := time.Since(began)
	complete := 0
	const rounds = 12
	for i := range rounds {
		dir := filepath.Join(parent, "killed")
		command := exec.Command(path, "backup", dir, "-c", o.config)
		command.Env = cleanEnvironment()
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole))) * 11 / 10)
		command.Process.Kill()
		command.Wait()
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		complete++
		if _, err := backup.Open(dir); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d of %d backups were complete before they were killed", complete, rounds)
	if left, _ := filepath.Glob(filepath.Join(parent, "killed.partial-*")); len(left) > 0 {
		o.refused("has no manifest.json", "restore", left[0], "-c", o.elsewhere().config)
	}
	o.must("backup", filepath.Join(parent, "killed"), "-c", o.config)
	if left, _ := filepath.Glob(filepath.Join(parent, "*.partial-*")); len(left) > 0 {
		t.Errorf("the next backup leaves %v", left)
	}
	o.recharge(rich, "1.0000")
	o.proved(10 * time.Second)
}

func TestALostStoreIsRebuiltFromTheArchive(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	if status, text := o.rechargeUnder("once", `{"extensions":["101"],"amount":"3.2500","note":""}`); status != 201 {
		t.Fatal(text)
	}
	for range 3 {
		call := o.phone.Call(number)
		if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
			t.Fatal(err)
		}
		call.Bye(within(t, 5*time.Second))
	}
	o.calls(3)
	o.call("PATCH", "/extensions/"+poor, map[string]any{"credit": "1.0000"}, nil, 200)
	before := o.money()
	time.Sleep(time.Second) // the snapshot follows within 10 s, and at the end
	lose := func() {
		t.Helper()
		o.stop()
		o.process = nil
		if err := os.RemoveAll(filepath.Join(o.dir, "redis")); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	o.refused("restore --from-archive", "serve", "-c", o.config) // it would begin with empty accounts, and contradict what is archived
	o.refused("restore --from-archive", "check", "-c", o.config) // which that start has left a store for
	out := o.must("restore", "--from-archive", "-c", o.config)
	if !strings.Contains(out, "proved") {
		t.Fatal(out)
	}
	o.start()
	for number, was := range before {
		if is := o.money()[number]; is != was {
			t.Errorf("extension %s is %+v, was %+v", number, is, was)
		}
	}
	if status, text := o.rechargeUnder("once", `{"extensions":["101"],"amount":"3.2500","note":""}`); status != 201 || o.money()[rich] != before[rich] {
		t.Errorf("the same request again: %s, %+v", text, o.money()[rich])
	}
	call := o.phone.Call(number) // and it goes on
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	call.Bye(within(t, 5*time.Second))
	o.calls(4)
	o.proved(10 * time.Second)

	before = o.money()
	lose()
	if err := os.Remove(filepath.Join(o.dir, "snapshot.json")); err != nil {
		t.Fatal(err)
	}
	o.must("restore", "--from-archive", "-c", o.config)
	o.start()
	for number, was := range before {
		if is := o.money()[number]; is.Balance != was.Balance || is.TotalRecharges != was.TotalRecharges {
			if was.Balance != "0.0000" { // who never had money is not in the journal
				t.Errorf("without a snapshot extension %s is %+v, was %+v", number, is, was)
			}
		}
	}
	o.proved(10 * time.Second)
}

func TestARestoreThatDidNotEndKeepsServeFromStarting(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	dir := filepath.Join(t.TempDir(), "one")
	o.must("backup", dir, "-c", o.config)
	there := o.elsewhere()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	there.must("restore", dir, "-c", there.config)
	whole := time.Since(began)
	halves := 0
	for range 8 {
		command := exec.Command(path, "restore", dir, "-c", there.config, "--replace")
		command.Env = cleanEnvironment()
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		command.Process.Kill()
		command.Wait()
		if out, _ := there.tollgate("backup", filepath.Join(t.TempDir(), "x"), "-c", there.config); strings.Contains(out, "did not end") {
			halves++
			there.refused("did not end", "serve", "-c", there.config)
		}
	}
	t.Logf("%d restores were killed half-way", halves)
	there.must("restore", dir, "-c", there.config, "--replace")
	there.start()
	if is, was := there.money()[rich], o.money()[rich]; is != was {
		t.Errorf("%+v, want %+v", is, was)
	}
	there.proved(10 * time.Second)
}
