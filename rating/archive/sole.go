package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrInUse means that another process writes the SQLite file.
var ErrInUse = errors.New("another tollgate writes this archive")

// How long a writer waits for the one before it to leave, as where a service is replaced by its successor: it ends within 10 s.
const (
	soleLimit = 12 * time.Second
	solePoll  = 50 * time.Millisecond
	lockEnds  = ".lock" // what the name of the lock adds to that of the database
)

// sole is what makes a process the only one that writes an SQLite file: a lock (flock) on a file beside it, because SQLite has
// locks of its own on the file itself, which a process loses when it closes any descriptor of it. Readers need none. The kernel
// frees it when the process ends, however it ends; what a killed one leaves behind is an unlocked file, which the next one takes.
type sole struct {
	file *os.File
	path string
}

// takeSole waits up to soleLimit until nobody else writes the database at path, which exists.
func takeSole(ctx context.Context, path string, log *slog.Logger) (*sole, error) {
	real, err := filepath.EvalSymlinks(path) // two names of one file share its lock
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, soleLimit)
	defer cancel()
	tick := time.NewTicker(solePoll)
	defer tick.Stop()
	for first := true; ; first = false {
		s, err := trySole(real + lockEnds)
		if !errors.Is(err, ErrInUse) {
			return s, err
		}
		if first {
			log.Warn("waiting for another process to leave the archive", "limit", soleLimit, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}

// trySole takes the lock if nobody has it, and writes into it who we are, for whoever comes next.
func trySole(path string) (*sole, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &sole{f, path}
	err = s.lock()
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// lock takes the lock of the file that the path leads to: the one before us may have removed what we have opened.
func (s *sole) lock() error {
	for {
		err := syscall.Flock(int(s.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return s.inUse()
		case err != nil:
			return &os.PathError{Op: "lock", Path: s.path, Err: err}
		}
		break
	}
	ours, err := s.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(s.path); err != nil || !os.SameFile(ours, there) {
		return s.inUse()
	}
	return nil
}

// inUse says who has the lock, and how several nodes share an archive.
func (s *sole) inUse() error {
	who := ""
	if text, err := os.ReadFile(s.path); err == nil && len(text) > 1 && len(text) < 20 {
		who = ", process " + strings.TrimSpace(string(text))
	}
	return fmt.Errorf("%w%s: an SQLite file belongs to one node; give each installation an archive.dsn (or data_dir) of its own, and nodes of one installation a PostgreSQL", ErrInUse, who)
}

// release lets the next one in, and leaves no file.
func (s *sole) release() error {
	if s == nil {
		return nil
	}
	if _, err := s.file.Stat(); errors.Is(err, os.ErrClosed) {
		return nil // it was released before, and may be another's
	}
	err := os.Remove(s.path) // while we have it: who has opened it meanwhile sees that it is gone
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.file.Close())
}
