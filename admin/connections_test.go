package admin_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/admin"
)

// A flood of connections takes no more of the process than its bound: who is beyond it waits, and comes in when another has left.
func TestConnectionsAreBounded(t *testing.T) {
	const bound = 20
	w := newWorldWith(t, func(c *admin.Config) { c.Connections = bound })
	address := strings.TrimPrefix(w.url, "http://")
	var held []net.Conn
	t.Cleanup(func() {
		for _, c := range held {
			c.Close()
		}
	})
	for range bound {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	answered := make(chan int, 1)
	go func() { answered <- w.send("GET", "/healthz", nil).status }()
	select {
	case <-answered:
		t.Fatal("there is no bound")
	case <-time.After(500 * time.Millisecond):
	}
	if status := <-answered; status != 200 { // those that say nothing are gone after five seconds
		t.Errorf("afterwards: %d", status)
	}
}
