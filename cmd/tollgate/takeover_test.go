package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"tollgate/rating/archive/postgrestest"
	"tollgate/rating/embedded/redistest"
	"tollgate/sipctl/siptest"
)

// Two processes on one Redis and one archive.

// pair is two nodes, the first with a carrier, phones and accounts.
type pair struct {
	*office
	other *node
}

func newPair(t *testing.T) *pair {
	t.Helper()
	archive, err := postgrestest.New(postgrestest.Fast...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return newPairWith(t, archive.DSN(""))
}

// newPairWith has its archive elsewhere.
func newPairWith(t *testing.T, dsn string) *pair {
	t.Helper()
	shared := fmt.Sprintf("store: { redis: %q }\narchive: { dsn: %q }\n", redistest.StartServer(t).URL(), dsn)
	p := &pair{office: newOfficeOf(t, newNodeNamed(t, "gw1", fromAnybodyHere, shared))}
	p.other = newNodeNamed(t, "gw2", fromAnybodyHere, shared)
	return p
}

// live is a running call as the other node's API shows it.
type live struct{ ID, Dialled, Node, State string }

func (p *pair) live() []live {
	var list struct{ Items []live }
	p.other.call("GET", "/active-calls?per_page=200", nil, &list, 200)
	return list.Items
}

func (p *pair) awaitTaken(n int) {
	p.t.Helper()
	p.other.await(fmt.Sprintf("looking after %d calls of the dead node", n), 20*time.Second, func() bool {
		taken := 0
		for _, c := range p.live() {
			if c.Node == "gw2" && c.State == "talking" {
				taken++
			}
		}
		return taken == n
	})
}

func (p *pair) answered(extension, dialled string) *siptest.Call {
	p.t.Helper()
	call := p.newPhone(extension).Call(dialled)
	if m, err := call.Answered(within(p.t, 5*time.Second)); err != nil || m.Code != 200 {
		p.t.Fatalf("%s: %v %v", dialled, m, err)
	}
	return call
}

func TestAnotherProcessTakesOver(t *testing.T) {
	p := newPair(t)
	overdue, hungUp, back := p.answered(poor, "951"), p.answered(rich, "9811"), p.answered(rich, "9822")
	p.carrier.On("833", siptest.RingForever())
	ringing := p.newPhone(rich).Call("9833")
	if _, err := ringing.Ringing(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	p.kill9()
	died := time.Now()
	end, err := overdue.Ended(within(t, 20*time.Second))
	if err != nil || end.By == siptest.Local {
		t.Fatalf("the call whose money ended: %+v %v", end, err)
	}
	t.Logf("taken over, and cut, %v after kill -9", end.At.Sub(died).Round(100*time.Millisecond))
	p.awaitTaken(2)
	for _, c := range p.live() {
		if c.Dialled == "9811" {
			p.other.call("DELETE", "/active-calls/"+c.ID, nil, nil, 200, 202, 204)
		}
	}
	if _, err := hungUp.Ended(within(t, 5*time.Second)); err != nil {
		t.Errorf("hung up at the new node: %v", err)
	}

	p.start() // its phones still send to it
	if m, err := back.Bye(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("BYE at the old node, back again: %v %v", m, err)
	}
	want := map[string]struct{ node, by, cost string }{
		"951": {"gw2", "credit", "0.0300"}, "9811": {"gw2", "operator", "0.1000"}, "9822": {"gw1", "caller", "0.1000"}, "9833": {"gw1", "system", "0.0000"},
	}
	p.check(want)
}

// check compares the call log with what is wanted, by dialled number, and proves the money.
func (p *pair) check(want map[string]struct{ node, by, cost string }) {
	p.t.Helper()
	p.calls(len(want))
	p.proved(60 * time.Second)
	calls := p.calls(len(want))
	if len(calls) != len(want) {
		p.t.Errorf("%d records, want %d", len(calls), len(want))
	}
	for _, c := range calls {
		var full struct{ Node string }
		p.call("GET", "/calls/"+c.ID, nil, &full, 200)
		if w := want[c.Dialled]; full.Node != w.node || c.EndedBy != w.by || c.Cost != w.cost {
			p.t.Errorf("%s: node %s, ended by %s, cost %s; want %v", c.Dialled, full.Node, c.EndedBy, c.Cost, w)
		}
	}
	p.await("free of calls at the carrier", 40*time.Second, func() bool { return p.carrier.Live() == 0 })
}

// A process that stood still wakes up, finds that its calls go on elsewhere, and leaves them alone.
func TestAProcessThatStoodStill(t *testing.T) {
	p := newPair(t)
	p.recharge(poor, "0.3000") // thirty-three seconds, second by second
	long, poorCall := p.answered(rich, "9811"), p.answered(poor, "951")
	p.process.Process.Signal(syscall.SIGSTOP)
	p.awaitTaken(2)
	p.process.Process.Signal(syscall.SIGCONT)
	p.recharge(poor, "0.0200") // two more
	end, err := poorCall.Ended(within(t, 40*time.Second))
	if err != nil || end.By == siptest.Local {
		t.Fatalf("the poor call: %+v %v", end, err)
	}
	if rows, _ := p.carrier.Record(); len(rows) != 2 {
		t.Errorf("the carrier saw %d calls", len(rows))
	} else {
		for _, r := range rows {
			if r.Number == "51" && (r.Talked < 35*time.Second || r.Talked > 35500*time.Millisecond) {
				t.Errorf("the poor call talked %v on money for 35 s", r.Talked)
			}
		}
	}
	if m, err := long.Bye(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Errorf("BYE at the node that stood still: %v %v", m, err)
	}
	p.check(map[string]struct{ node, by, cost string }{"951": {"gw2", "credit", "0.3500"}, "9811": {"gw1", "caller", "0.1000"}})
}
