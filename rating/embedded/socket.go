package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// maxSocketPath is the longest path, in bytes, that fits the address of a unix socket everywhere (sun_path has 108 bytes on
// Linux, 104 elsewhere, a closing zero included).
const maxSocketPath = 103

// A private server that has ended is back within a fraction of a second. bridgeLimit is how long a dial waits for that.
const (
	bridgeLimit = 600 * time.Millisecond
	bridgePoll  = 5 * time.Millisecond
)

// dialPrivate is dialSocket that bridges a restart of the private server. Otherwise a burst of refused dials would make
// go-redis give up on its pool for a second.
func dialPrivate(ctx context.Context, network, path string) (net.Conn, error) {
	began := time.Now()
	for {
		conn, err := dialSocket(ctx, network, path)
		absent := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
		if !absent || time.Since(began) > bridgeLimit || !sleep(ctx, bridgePoll) {
			return conn, err
		}
	}
}

// dialSocket connects to a unix socket however deep its folder lies. Where the path does not fit an address, the folder is
// opened and named by its descriptor instead. So the socket always lies in the data directory itself, where each process
// finds it whatever its temporary folder is; the server binds it by its bare name from within.
func dialSocket(ctx context.Context, _, path string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialLimit}
	if len(path) <= maxSocketPath {
		return d.DialContext(ctx, "unix", path)
	}
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("the path of the socket %s has %d bytes, more than %d: choose a shorter data_dir", path, len(path), maxSocketPath)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(path)))
}
