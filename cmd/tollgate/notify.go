package main

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// tellManager tells the service manager that started us how far we are: "READY=1", "STOPPING=1" (sd_notify(3), systemd's
// Type=notify). Nothing happens where there is none.
func tellManager(state string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	if name, abstract := strings.CutPrefix(address, "@"); abstract {
		address = "\x00" + name
	}
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err == nil {
		defer socket.Close()
		_, err = socket.Write([]byte(state))
	}
	if err != nil {
		return fmt.Errorf("tell the service manager %s: %w", state, err)
	}
	return nil
}
