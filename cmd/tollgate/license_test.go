package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// trialNode is a node whose clock can be moved, with callers on 127.0.0.0/8.
func trialNode(t *testing.T, name string) *node {
	n := prepareNode(t, name, "  trusted:\n    - { net: 127.0.0.0/8, identity: from }\n", "")
	n.program = travelling
	n.begin()
	return n
}

// at starts the program anew, so much later than now.
func (n *node) at(offset time.Duration) {
	n.t.Helper()
	n.stop()
	n.env = []string{"TIMETRAVEL=" + offset.String()}
	n.start()
}

type billingNow struct {
	Active           bool
	FirstActivatedAt *time.Time `json:"first_activated_at"`
	ExpiresAt        *time.Time `json:"expires_at"`
	LicenseUploaded  bool       `json:"license_uploaded"`
}

func (n *node) billing() (b billingNow) {
	n.t.Helper()
	n.call("GET", "/billing", nil, &b, 200)
	return b
}

// answersProblem makes a request that must be a problem of a type.
func (n *node) answersProblem(kind, method, path string, body any) {
	n.t.Helper()
	status, text, err := n.try(method, path, body)
	var p struct{ Type string }
	if err != nil || json.Unmarshal(text, &p) != nil || p.Type != kind {
		n.t.Errorf("%s %s: %d %s (%v), want %s", method, path, status, text, err, kind)
	}
}

// licence issues a licence for this machine with the development key, as a vendor does, and returns its file.
func (n *node) licence() string {
	n.t.Helper()
	dir := n.t.TempDir()
	request, file := filepath.Join(dir, "billing.ac"), filepath.Join(dir, "license.lic")
	for _, args := range [][]string{{"license", "request", "-o", request}, {"license", "issue", "--key", "../../license/testdata/development.key", "--request", request, "-o", file}} {
		if out, code := n.tollgate(args...); code != 0 {
			n.t.Fatalf("%v: exit %d\n%s", args, code, out)
		}
	}
	return file
}

// upload sends a licence to the API and returns the status.
func (n *node) upload(text []byte) int {
	n.t.Helper()
	request, err := http.NewRequest("POST", n.api+"/api/v1/license", bytes.NewReader(text))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestWithTheTrialOver goes through the life of an installation: a trial that ends, whatever is tried to lengthen it, calls
// that go on all the same, and the licence that ends it.
func TestWithTheTrialOver(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	const after = 30*24*time.Hour + time.Hour
	n := trialNode(t, "test")
	o := newOfficeAt(t, n, netip.MustParseAddr("127.0.0.1"))
	began := n.billing()
	var manager struct{ Username, Password, Token string }
	n.call("POST", "/managers", object{}, &manager, 201)
	n.call("POST", "/login", object{"username": manager.Username, "password": manager.Password}, &manager, 200)

	n.at(after)
	if b := n.billing(); !b.Active || !b.ExpiresAt.Equal(*began.ExpiresAt) || b.ExpiresAt.Sub(*b.FirstActivatedAt) != 30*24*time.Hour {
		t.Errorf("billing %+v", b)
	}
	n.answersProblem("license-expired", "POST", "/recharges", object{"extensions": []string{rich}, "amount": "1.0000"})
	n.answersProblem("license-expired", "POST", "/login", object{"username": manager.Username, "password": manager.Password})
	admin := n.token
	n.token = manager.Token
	n.answersProblem("license-expired", "GET", "/extensions", nil)
	n.token = admin
	o.callsAreChargedAllTheSame()

	n.at(0) // the clock is set back
	n.answersProblem("license-expired", "POST", "/recharges", object{"extensions": []string{rich}, "amount": "1.0000"})
	n.await("told of", 10*time.Second, func() bool {
		var log struct{ Total int }
		n.call("GET", "/audit-log?q=license-attempt", nil, &log, 200)
		clock, _ := n.metric(`tollgate_license_attempts_total{kind="clock"}`)
		return log.Total >= 1 && clock == "1"
	})
	n.call("PUT", "/billing", object{"active": false}, nil, 200)
	n.answersProblem("license-expired", "PUT", "/billing", object{"active": true})

	n.stop()
	for _, wiped := range [][]string{{n.state}, {n.dir}} { // data_dir holds the store too: two places at once
		for _, dir := range wiped {
			emptyFolder(t, dir)
		}
		n.start()
		if b := n.billing(); b.FirstActivatedAt == nil || !b.FirstActivatedAt.Equal(*began.FirstActivatedAt) || b.Active {
			t.Errorf("wiped %v: billing %+v, want the trial of %v", wiped, b, began.FirstActivatedAt)
		}
		n.answersProblem("license-expired", "PUT", "/billing", object{"active": true})
		n.stop()
	}
	n.start()

	file := n.licence()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Clone(text)
	altered[len(altered)/2] ^= 1
	if status := n.upload(altered); status != 422 {
		t.Errorf("one altered bit: %d", status)
	}
	if status := n.upload(text); status != 201 {
		t.Fatalf("the licence: %d", status)
	}
	n.call("PUT", "/billing", object{"active": true}, nil, 200)
	n.call("POST", "/extensions", object{"number": "201"}, nil, 201)
	n.call("POST", "/recharges", object{"extensions": []string{"201"}, "amount": "1.0000"}, nil, 201)

	n.stop()
	emptyFolder(t, n.dir)
	n.at(after)
	if b := n.billing(); !b.LicenseUploaded || b.ExpiresAt != nil {
		t.Errorf("after a factory reset: %+v", b)
	}
}

// callsAreChargedAllTheSame: the licence decides who may operate, not who may talk.
func (o *office) callsAreChargedAllTheSame() {
	o.t.Helper()
	bye := func(c *siptest.Call) {
		if _, err := c.Bye(within(o.t, 5*time.Second)); err != nil {
			o.t.Error(err)
		}
	}
	call := o.phone.Call(number)
	if _, err := call.Answered(within(o.t, 5*time.Second)); err != nil {
		o.t.Fatal(err)
	}
	bye(call)
	if _, err := o.newPhone(broke).Call(number).Answered(within(o.t, 5*time.Second)); err == nil || !strings.Contains(err.Error(), "402") {
		o.t.Errorf("a call without money: %v", err)
	}
	emergency := o.newPhone(broke).Call("112")
	if _, err := emergency.Answered(within(o.t, 5*time.Second)); err != nil {
		o.t.Errorf("an emergency call: %v", err)
	}
	bye(emergency)
	for _, c := range o.calls(3) {
		if want := map[string]string{number + "answered": "0.1000", number + "rejected": "0.0000", "112answered": "0.0000"}[c.Dialled+c.Disposition]; c.Cost != want {
			o.t.Errorf("%s %s cost %s, want %q", c.Dialled, c.Disposition, c.Cost, want)
		}
	}
	o.proved(20 * time.Second)
}

func emptyFolder(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlushingTheStoreDoesNotRestartTheTrial(t *testing.T) {
	t.Parallel()
	n, sister := newNode(t, ""), newNode(t, "") // two installations on one host, each with a state_dir of its own
	n.call("PUT", "/billing", map[string]any{"active": true}, nil, 200)
	began := n.billing()
	if b := sister.billing(); b.Active || b.FirstActivatedAt != nil {
		t.Errorf("the other installation: %+v", b)
	}
	time.Sleep(1500 * time.Millisecond) // so that a trial that began anew would show
	if out, err := exec.Command("redis-cli", "-s", filepath.Join(n.dir, "redis", "redis.sock"), "FLUSHALL").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n.await("counted", 10*time.Second, func() bool {
		wiped, _ := n.metric(`tollgate_license_attempts_total{kind="wiped"}`)
		return wiped == "1"
	})
	n.stop()
	n.start() // and has an administrator again
	n.call("PUT", "/billing", map[string]any{"active": true}, nil, 200)
	if b := n.billing(); !b.FirstActivatedAt.Equal(*began.FirstActivatedAt) {
		t.Errorf("the trial of %v began anew at %v", began.FirstActivatedAt, b.FirstActivatedAt)
	}
	out, code := n.tollgate("license", "status", "-c", n.config)
	if code != 0 || !strings.Contains(out, began.ExpiresAt.Format(time.RFC3339)+" (30 days left)") || !strings.Contains(out, "1 records wiped") {
		t.Errorf("license status: exit %d\n%s", code, out)
	}
	if b := sister.billing(); b.Active || b.FirstActivatedAt != nil {
		t.Errorf("the other installation, afterwards: %+v", b)
	}
}

func TestNoReleaseTravelsInTime(t *testing.T) {
	t.Parallel()
	holds := func(program func() (string, error)) bool {
		path, err := program()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(text, []byte("TIMETRAVEL"))
	}
	if holds(binary) || !holds(travelling) {
		t.Errorf("TIMETRAVEL: in a release %v, with the tag timetravel %v", holds(binary), holds(travelling))
	}
}

func TestTokensAndPasswordsFromTheCommandLine(t *testing.T) {
	t.Parallel()
	n := newNode(t, "")
	out, err := exec.Command(n.path(), "admin", "token", "create", "--name", "reporting", "--role", "viewer", "-c", n.config).Output()
	if err != nil {
		t.Fatal(err)
	}
	session := n.token
	n.token = strings.TrimSpace(string(out))
	n.call("GET", "/extensions", nil, nil, 200)
	list, code := n.tollgate("admin", "token", "list", "-c", n.config)
	if code != 0 || !strings.Contains(list, "reporting") || strings.Contains(list, n.token) {
		t.Errorf("list: exit %d\n%s", code, list)
	}
	id := strings.Fields(strings.Split(list, "\n")[1])[0]
	if out, code := n.tollgate("admin", "token", "revoke", id, "-c", n.config); code != 0 {
		t.Errorf("revoke: exit %d\n%s", code, out)
	}
	n.answersProblem("unauthenticated", "GET", "/extensions", nil)
	if out, code := n.tollgate("admin", "token", "revoke", id, "-c", n.config); code == 0 || !strings.Contains(out, "there is no token") {
		t.Errorf("revoked twice: exit %d\n%s", code, out)
	}
	n.token = session
	n.call("GET", "/me", nil, nil, 200)
	change := exec.Command(n.path(), "admin", "passwd", "-c", n.config)
	change.Env, change.Stdin = cleanEnvironment(), strings.NewReader("a new password\n")
	if out, err := change.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n.answersProblem("unauthenticated", "GET", "/me", nil)
	n.token = ""
	n.call("POST", "/login", map[string]any{"username": "admin", "password": "a new password"}, nil, 200)
}
