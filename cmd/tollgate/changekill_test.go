package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/rating/embedded/redistest"
)

// A kill between a change and its record in the audit log: real Redis, real kill -9, at exactly that point.

// betweenStore stands between a program and its Redis, and can end the program at the moment when it sends something.
type betweenStore struct {
	listener net.Listener
	onSend   atomic.Pointer[func(sent []byte) (pass bool)]
}

func newBetweenStore(t *testing.T, server *redistest.Server) *betweenStore {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b := &betweenStore{listener: listener}
	address, network := server.Options().Addr, "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			store, err := net.Dial(network, address)
			if err != nil {
				client.Close()
				continue
			}
			go func() { io.Copy(client, store); client.Close(); store.Close() }()
			go b.pass(client, store)
		}
	}()
	return b
}

func (b *betweenStore) pass(client, store net.Conn) {
	defer client.Close()
	defer store.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if look := b.onSend.Load(); look != nil && !(*look)(buffer[:n]) {
			return
		}
		if _, failed := store.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func TestAKillBetweenAChangeAndItsRecordLosesNoRecord(t *testing.T) {
	t.Parallel()
	between := newBetweenStore(t, redistest.StartServer(t))
	n := newNode(t, fmt.Sprintf("store: { redis: %q }\n", "redis://"+between.listener.Addr().String()))
	n.call("POST", "/extensions", object{"number": "101", "username": "Ann"}, nil, 201)
	for _, c := range []struct{ method, path, body, action, object, asked string }{
		{"POST", "/extensions", `{"number":"102","sip_password":"hunter2hunter2"}`, "create-extension", "extension 102", `"number":"102"`},
		{"POST", "/recharges", `{"extensions":["101"],"amount":"7.5"}`, "recharge", "extension 101", `"amount":"7.5`},
		{"PATCH", "/extensions/101", `{"credit":"3"}`, "edit-extension", "extension 101", `"credit":"3`},
		{"DELETE", "/extensions/102", ``, "delete-extension", "extension 102", `"outcome":"unknown"`},
	} {
		var killed atomic.Bool
		kill := func(sent []byte) bool {
			if !bytes.Contains(sent, []byte("{auditlog}:open")) || !bytes.Contains(sent, []byte("always")) {
				return !killed.Load()
			}
			killed.Store(true)
			n.process.Process.Kill()
			return false
		}
		between.onSend.Store(&kill)
		request, err := http.NewRequest(c.method, n.api+"/api/v1"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + n.token, "Idempotency-Key": "k"} {
			request.Header.Set(name, value)
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			text, _ := io.ReadAll(answer.Body)
			t.Fatalf("%s %s was answered before its record: %d %s", c.method, c.path, answer.StatusCode, text)
		}
		<-n.done
		between.onSend.Store(nil)
		n.start()
		var list struct {
			Total int
			Items []struct {
				Actor, Address, Role, Action, Object string
				After                                object
				At                                   time.Time
			}
		}
		_, raw, err := n.try("GET", "/audit-log?q="+c.action, nil)
		if err == nil {
			err = json.Unmarshal(raw, &list)
		}
		if err != nil {
			t.Fatalf("%s, %v", raw, err)
		}
		text := string(raw)
		unknown := 0
		for _, r := range list.Items {
			if r.After["outcome"] == "unknown" {
				unknown++
				if r.Actor != "admin" || r.Role != "admin" || r.Address != "127.0.0.1" || r.Object != c.object {
					t.Errorf("%s: who did what is lost: %+v", c.action, r)
				}
			}
		}
		if unknown != 1 || !strings.Contains(text, c.asked) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %d records with an unknown outcome: %s", c.action, unknown, text)
		}
	}
	var ann struct{ Balance, Credit string }
	if n.call("GET", "/extensions/101", nil, &ann, 200); ann.Balance != "7.5000" || ann.Credit != "3.0000" {
		t.Errorf("the changes themselves are lost: %+v", ann)
	}
	n.call("GET", "/extensions/102", nil, nil, 404)
	n.proved(10 * time.Second)
}
