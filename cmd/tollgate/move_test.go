package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/rating/archive/postgrestest"
	"tollgate/rating/embedded/redistest"
)

// An installation moves: from one node with everything of its own to two nodes on a Redis Cluster and PostgreSQL, and from
// there, while it takes calls, to a Redis behind Sentinel and another database.
func TestAnInstallationMovesByBackupAndRestore(t *testing.T) {
	t.Parallel()
	database, err := postgrestest.New(postgrestest.Fast...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	one := newOffice(t, "")
	one.talk(rich, number, 0)
	one.talk(unbilled, "9811", 0)
	one.calls(2)
	money, calls := one.money(), one.records()
	dir := filepath.Join(t.TempDir(), "one")
	one.must("backup", dir, "-c", one.config)
	one.stop()
	one.process = nil
	t.Cleanup(func() { one.start() }) // what ends it expects it to run

	dsn, err := database.Schema()
	if err != nil {
		t.Fatal(err)
	}
	shared := fmt.Sprintf("store: { redis: %q }\narchive: { dsn: %q }\n", redistest.NewCluster(t).URL(), dsn)
	first := prepareNode(t, "gw1", fromAnybodyHere, shared)
	first.proves("restore", dir, "-c", first.config)
	first.begin()
	second := newNodeNamed(t, "gw2", fromAnybodyHere, shared)
	for _, n := range []*node{first, second} {
		if is := n.money(); !reflect.DeepEqual(is, money) {
			t.Errorf("moved to a Cluster: %+v, were %+v", is, money)
		}
		if is := n.records(); !reflect.DeepEqual(is, calls) {
			t.Errorf("moved to PostgreSQL: %+v, were %+v", is, calls)
		}
	}

	two := &office{node: second, carrier: one.carrier, ladder: one.ladder}
	two.talk(rich, "9822", 0)
	two.calls(3)
	up := two.newPhone(rich).Call("9833")
	if _, err := up.Answered(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	money, calls = first.money(), first.records()
	dir = filepath.Join(t.TempDir(), "two")
	second.must("backup", dir, "-c", second.config)
	up.Bye(within(t, 10*time.Second))
	two.calls(4)
	two.proved(30 * time.Second)

	if dsn, err = database.Schema(); err != nil {
		t.Fatal(err)
	}
	third := prepareNode(t, "gw3", fromAnybodyHere, fmt.Sprintf("store: { redis: %q }\narchive: { dsn: %q }\n", redistest.StartSentinel(t).URL(), dsn))
	third.proves("restore", dir, "-c", third.config)
	other := newNodeNamed(t, "gw4", fromAnybodyHere, fmt.Sprintf("archive: { dsn: %q }\n", database.DSN("")))
	other.call("POST", "/extensions", map[string]any{"number": "300"}, nil, 201)
	other.await("in its archive", 10*time.Second, func() bool {
		var changes struct{ Total int }
		other.call("GET", "/audit-log?q=300", nil, &changes, 200)
		return changes.Total > 0
	})
	other.stop()
	other.refused("is not empty", "restore", dir, "-c", other.config, "--replace") // somebody else's records in PostgreSQL are left alone
	other.refused("did not end", "serve", "-c", other.config)
	third.begin()
	was := money[rich] // was talking, in a minute that is paid
	was.Held, was.Balance = "0.0000", "99.7000"
	money[rich] = was
	if is := third.money(); !reflect.DeepEqual(is, money) {
		t.Errorf("moved behind Sentinel: %+v, were %+v", is, money)
	}
	ended := 0
	for id, is := range third.records() {
		was, before := calls[id]
		if !before {
			ended++
			if is["dialled"] != "9833" || is["cost"] != "0.1000" || is["ended_by"] != "system" {
				t.Errorf("the call that was up at the backup: %v", is)
			}
		} else if !reflect.DeepEqual(is, was) {
			t.Errorf("call %s is %v, was %v", id, is, was)
		}
	}
	if len(third.records()) != len(calls)+1 || ended != 1 {
		t.Errorf("%d call records, %d of them ended by the restore; there were %d", len(third.records()), ended, len(calls))
	}
	three := &office{node: third, carrier: one.carrier, ladder: one.ladder}
	three.talk(rich, "9844", 0)
	three.calls(5)
	three.proved(30 * time.Second)

	// The same backup over what came after it: a database on a server loses no record, so the later call stays, and is paid.
	third.stop()
	third.process = nil
	third.proves("restore", dir, "-c", third.config, "--replace")
	third.start()
	if balance := third.money()[rich].Balance; balance != "99.6000" || len(third.records()) != 5 {
		t.Errorf("restored again: balance %s, %d call records; want 99.6000 and 5", balance, len(third.records()))
	}
	third.proved(30 * time.Second)
}

// proves is must, of a restore that ends with a proof.
func (n *node) proves(args ...string) {
	n.t.Helper()
	out := n.must(args...)
	if !strings.Contains(out, "proved") {
		n.t.Fatalf("no proof: %s", out)
	}
	if out, code := n.tollgate("audit", "-c", n.config); code != 0 {
		n.t.Fatalf("audit after %v: exit %d\n%s", args, code, out)
	}
}

// records are all call records by id, as the API shows them.
func (n *node) records() map[string]map[string]any {
	n.t.Helper()
	var list struct{ Items []json.RawMessage }
	n.call("GET", "/calls?disposition=any&per_page=200", nil, &list, 200)
	all := map[string]map[string]any{}
	for _, item := range list.Items {
		var fields map[string]any
		if err := json.Unmarshal(item, &fields); err != nil {
			n.t.Fatal(err)
		}
		all[fields["id"].(string)] = fields
	}
	return all
}
