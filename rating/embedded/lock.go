package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// ErrLocked means that another process works on the data directory.
var ErrLocked = errors.New("another tollgate uses this data directory")

const lockPoll = 50 * time.Millisecond

// lockFolder takes the advisory lock of a folder, without waiting. It is held until the file is closed, by this process and
// by each child that inherits it, and the kernel frees it when the last of them ends, however it ends. The lock lies on
// the folder itself, so there is no lock file that could be left behind or belong to another user.
func lockFolder(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	}
	return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
}

// awaitLock is lockFolder that waits up to limit, because a tool holds the lock only for as long as it works.
func awaitLock(ctx context.Context, path string, limit time.Duration) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		f, err := lockFolder(path)
		if !errors.Is(err, ErrLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
