package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// Who waits for READY=1 can use the API at once, and is told of the end.
func TestTheServiceManagerIsToldWhenItIsReady(t *testing.T) {
	t.Parallel()
	address := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	told := func(want string) {
		t.Helper()
		message := make([]byte, 64)
		manager.SetReadDeadline(time.Now().Add(30 * time.Second))
		if n, err := manager.Read(message); err != nil || string(message[:n]) != want {
			t.Fatalf("told %q %v, want %s", message[:n], err, want)
		}
	}
	n := prepareNode(t, "gw1", "", "")
	n.env = []string{"NOTIFY_SOCKET=" + address}
	n.launch()
	defer n.stop()
	told("READY=1")
	n.login()
	n.stop()
	told("STOPPING=1") // it waits in the socket
}
