package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// Debian's Kamailio with the configuration that we ship, as the edge in front of real nodes.

const ringing = "9777" // rings and is never answered

// edge is a running Kamailio.
type edge struct {
	t       *testing.T
	at      netip.AddrPort
	control string // folder of its control socket
}

// believes is what Kamailio itself says of a node: "A" active, "I" inactive, "T" trying; a "P" behind it says that it is asked.
func (e *edge) believes(o *office) string {
	e.t.Helper()
	program := checkedBy(e.t, "kamcmd", "/usr/sbin/kamcmd")
	out, err := exec.Command(program, "-s", "unix:"+filepath.Join(e.control, "kamailio_ctl"), "dispatcher.list").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("nothing (kamcmd: %v %s)", err, out) // it is only just starting
	}
	found := regexp.MustCompile(`URI: sip:` + regexp.QuoteMeta(o.sip) + `\s+FLAGS: (\w+)`).FindSubmatch(out)
	if found == nil {
		e.t.Fatalf("Kamailio does not know %s:\n%s", o.sip, out)
	}
	return string(found[1])
}

func (e *edge) awaitBelief(o *office, flags string) {
	e.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); e.believes(o) != flags; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			e.t.Fatalf("Kamailio holds %s for %s, want %s", o.sip, e.believes(o), flags)
		}
	}
}

func startEdge(t *testing.T, nodes ...*office) *edge {
	t.Helper()
	return startEdgeWith(t, nil, nodes...)
}

// startEdgeWith has further defines.
func startEdgeWith(t *testing.T, defines []string, nodes ...*office) *edge {
	t.Helper()
	program, err := exec.LookPath("kamailio")
	if err != nil {
		for _, p := range []string{"/usr/sbin/kamailio", "/usr/local/sbin/kamailio"} {
			if _, missing := os.Stat(p); missing == nil {
				program = p
			}
		}
		if program == "" {
			t.Skip("kamailio is not installed: .ci/setup installs it")
		}
	}
	dir := t.TempDir()
	list := "# nodes\n"
	for _, o := range nodes {
		o.identityFromEdge()
		list += fmt.Sprintf("1 sip:%s\n", o.sip)
	}
	listFile := filepath.Join(dir, "tollgate.list")
	if err := os.WriteFile(listFile, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &edge{t: t, control: dir, at: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), uint16(freePort(t)))}
	args := []string{"-A", "LISTEN=udp:" + e.at.String(), "-A", fmt.Sprintf("NODES=%q", listFile), "-A", `PBX_NET="127.0.0.0/8"`,
		"-f", filepath.Join(repository, "deploy", "kamailio", "kamailio.cfg")}
	for _, d := range defines {
		args = append(args, "-A", d)
	}
	if out, err := exec.Command(program, append([]string{"-c"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("kamailio -c: %v\n%s", err, out)
	}
	process := exec.Command(program, append([]string{"-DD", "-E", "-e", "-m", "64", "-M", "8", "-n", "2", "-w", dir, "-Y", dir}, args...)...)
	companion(t, "kamailio", process)
	return e
}

// identityFromEdge makes a node believe the edge, and only what the edge asserts.
func (o *office) identityFromEdge() {
	o.t.Helper()
	text, err := os.ReadFile(o.config)
	if err != nil {
		o.t.Fatal(err)
	}
	changed := strings.Replace(string(text), "net: 127.0.0.0/8, identity: from", "net: 127.0.0.9/32, identity: pai", 1)
	if err := os.WriteFile(o.config, []byte(changed), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.stop()
	o.start()
}

// phone calls through the edge.
func (e *edge) phone(user string) *siptest.Phone {
	e.t.Helper()
	p, err := siptest.NewPhone(siptest.PhoneConfig{Server: e.at, User: user, Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.5")}})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(p.Close)
	return p
}

// answered places calls until one comes through: the edge learns at its next OPTIONS that a node is up.
func (e *edge) answered(p *siptest.Phone, plan siptest.Plan) *siptest.Call {
	e.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		call := p.Place(plan)
		m, err := call.Answered(within(e.t, 10*time.Second))
		if err == nil && m.Code == 200 {
			return call
		}
		if m == nil || m.Code != 503 || time.Now().After(deadline) {
			e.t.Fatalf("INVITE through the edge: %v %v", m, err)
		}
	}
}

func TestBehindAKamailioEdge(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "")
	e := startEdge(t, o)

	phone := e.phone(rich)
	call := e.answered(phone, siptest.Plan{Number: number})
	leg, err := o.carrier.Await(within(t, 5*time.Second), "")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := call.Info(within(t, 5*time.Second), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil || m.Code != 200 {
		t.Errorf("INFO along the route set: %v %v", m, err)
	}
	if m, err := call.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("BYE of the phone: %v %v", m, err)
	}
	if _, err := leg.Ended(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}

	call = e.answered(phone, siptest.Plan{Number: number})
	if leg, err = o.carrier.Await(within(t, 5*time.Second), ""); err != nil {
		t.Fatal(err)
	}
	leg.HangUp()
	if end, err := call.Ended(within(t, 5*time.Second)); err != nil || end.By != siptest.Remote {
		t.Fatalf("BYE of the carrier: %+v %v", end, err)
	}

	// Who has three cents is cut, whatever his phone claims about who he is.
	call = e.answered(e.phone(poor), siptest.Plan{Number: "95551234", Headers: []siptest.Header{{Name: "P-Asserted-Identity", Value: "<sip:" + rich + "@pbx>"}}})
	end, err := call.Ended(within(t, 10*time.Second))
	if err != nil || end.By != siptest.Remote || !strings.Contains(end.Reason, "credit exhausted") {
		t.Fatalf("cut-off through the edge: %+v %v", end, err)
	}
	cdrs := o.calls(3)
	if cdrs[0].Extension != poor || cdrs[0].EndedBy != "credit" || cdrs[0].Cost != "0.0300" {
		t.Errorf("%+v", cdrs[0])
	}
	for _, cdr := range cdrs[1:] {
		if cdr.Extension != rich || cdr.Cost != "0.1000" {
			t.Errorf("%+v", cdr)
		}
	}
	o.proved(10 * time.Second)
}

// A node that drains is down in Kamailio's own eyes, while it still runs: new calls go to the other one, and a call that talks
// stays on its node.
func TestTheEdgeLeavesADrainingNodeAlone(t *testing.T) {
	t.Parallel()
	one, two := newOffice(t, ""), newOffice(t, "")
	for _, o := range []*office{one, two} {
		o.carrier.On(ringing[1:], siptest.RingForever())
	}
	e := startEdge(t, one, two)
	phone := e.phone(rich)
	e.awaitBelief(one, "AP")
	e.awaitBelief(two, "AP")
	rings := phone.Call(ringing)
	if _, err := rings.Ringing(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	draining, other := one, two
	if two.carrier.Totals().Calls > 0 {
		draining, other = two, one
	}
	talks := e.talkingOn(phone, draining)
	if err := draining.process.Process.Signal(syscall.SIGTERM); err != nil { // it lets the ringing call ring for 5 s
		t.Fatal(err)
	}
	e.awaitBelief(draining, "IP")
	select {
	case err := <-draining.done:
		t.Fatalf("the node has ended already (%v): Kamailio saw a dead one, not a draining one", err)
	default:
	}
	if m, err := talks.Info(within(t, 5*time.Second), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil || m.Code != 200 {
		t.Errorf("INFO in a call of the draining node: %v %v", m, err)
	}
	if belief := e.believes(other); belief != "AP" {
		t.Errorf("Kamailio holds %s for the other node", belief)
	}
	before := other.carrier.Totals().Calls
	for range 4 {
		call := phone.Call(number)
		if m, err := call.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
			t.Fatalf("while one node drains: %v %v", m, err)
		}
		call.Bye(within(t, 5*time.Second))
	}
	if n := other.carrier.Totals().Calls - before; n != 4 {
		t.Errorf("the other node took %d of 4 calls", n)
	}
	<-draining.done
	draining.done = nil
	draining.start()
	e.awaitBelief(draining, "AP")
	if m, err := talks.Bye(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("BYE in the call, at its node's next process: %v %v", m, err)
	}
	other.proved(10 * time.Second)
	draining.proved(10 * time.Second)
}

// talkingOn places calls until a node has one, and hangs up the others.
func (e *edge) talkingOn(phone *siptest.Phone, o *office) *siptest.Call {
	e.t.Helper()
	for range 4 { // they take turns
		before := o.carrier.Totals().Calls
		call := e.answered(phone, siptest.Plan{Number: number})
		if o.carrier.Totals().Calls > before {
			return call
		}
		call.Bye(within(e.t, 5*time.Second))
	}
	e.t.Fatal("no call reached the node")
	return nil
}

// A node dies in mid-call, and what its phone says then reaches the node that goes on with the call.
func TestTheEdgeFindsTheHeirOfACall(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	e := startEdge(t, p.office, &office{node: p.other})
	p.login()
	p.other.login()
	call := e.answered(e.phone(rich), siptest.Plan{Number: number})
	calls := p.live()
	if len(calls) != 1 {
		t.Fatalf("running calls: %+v", calls)
	}
	dead, heir, name := p.node, p.other, "gw2"
	if calls[0].Node == "gw2" {
		dead, heir, name = p.other, p.node, "gw1"
	}
	dead.kill9()
	died := time.Now()
	if m, err := call.Bye(within(t, 31*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("BYE through the edge, %v after the node has died: %v %v", time.Since(died), m, err)
	}
	t.Logf("answered %v after kill -9", time.Since(died).Round(100*time.Millisecond))
	var list struct{ Items []record }
	heir.await("in the call log", 15*time.Second, func() bool {
		heir.call("GET", "/calls?disposition=any", nil, &list, 200)
		return len(list.Items) == 1
	})
	var full struct{ Node string }
	heir.call("GET", "/calls/"+list.Items[0].ID, nil, &full, 200)
	if c := list.Items[0]; full.Node != name || c.EndedBy != "caller" || c.Cost != "0.1000" {
		t.Errorf("node %s: %+v", full.Node, c)
	}
	p.office.await("free of calls at the carrier", 10*time.Second, func() bool { return p.carrier.Live() == 0 })
	heir.proved(30 * time.Second)
}
