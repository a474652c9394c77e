package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"tollgate/sipctl"
)

// Limits of the spool.
const (
	maxBytes   = 256 << 20              // of the file; beyond it Put refuses
	maxLine    = 1 << 20                // of one entry
	retryPause = 500 * time.Millisecond // between attempts to hand an entry to a store that does not reply
	applyWait  = 2 * time.Second        // for one attempt
	fileName   = "spool.jsonl"
	refused    = "spool.refused.jsonl"
)

// ErrFull is Put's answer when the disk has no room, or the file has grown to its limit.
var ErrFull = errors.New("the spool is full")

// Apply hands one entry to the store. An error that Final accepts is for good, any other is tried again.
type Apply func(ctx context.Context, e sipctl.SpoolEntry) error

// Spool is the file. It is safe for concurrent use.
type Spool struct {
	log   *slog.Logger
	apply Apply
	final func(error) bool

	mu      sync.Mutex
	file    *os.File
	dir     string
	size    int64
	pending []sipctl.SpoolEntry // in the file, not yet taken by the store
	wake    chan struct{}

	syncing sync.Mutex // one sync at a time serves all that wrote before it
	synced  int64
	written int64
}

// Open opens or makes the spool in a folder and reads what a process before left in it. final tells which errors of apply
// are for good.
func Open(dir string, apply Apply, final func(error) bool, log *slog.Logger) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the spool: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s := &Spool{log: log, apply: apply, final: final, file: file, dir: dir, wake: make(chan struct{}, 1)}
	if err := s.load(); err != nil {
		file.Close()
		return nil, err
	}
	s.ring()
	return s, nil
}

// load reads the entries. What follows a torn line was written after it by a process that had seen it torn, so it counts.
func (s *Spool) load() error {
	text, err := io.ReadAll(io.LimitReader(s.file, maxBytes+maxLine))
	if err != nil {
		return fmt.Errorf("read the spool: %w", err)
	}
	for line := range bytes.Lines(text) {
		e, ok := decode(line)
		if !ok {
			s.log.Warn("a line of the spool is torn, and was never accepted", "bytes", len(line))
			continue
		}
		s.pending = append(s.pending, e)
	}
	s.size = int64(len(text))
	if n := len(text); n > 0 && text[n-1] != '\n' {
		if _, err := s.file.WriteAt([]byte{'\n'}, s.size); err != nil {
			return fmt.Errorf("mend the spool: %w", err)
		}
		s.size++
	}
	s.written, s.synced = s.size, s.size
	return nil
}

// encode is one line: checksum, space, JSON.
func encode(e sipctl.SpoolEntry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("entry of the spool: %w", err)
	}
	if len(text) > maxLine {
		return nil, fmt.Errorf("entry of the spool has %d bytes: %w", len(text), ErrFull)
	}
	line := fmt.Appendf(make([]byte, 0, len(text)+10), "%08x ", crc32.ChecksumIEEE(text))
	return append(append(line, text...), '\n'), nil
}

func decode(line []byte) (e sipctl.SpoolEntry, ok bool) {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	sum, text, found := bytes.Cut(line, []byte{' '})
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !found || err != nil || crc32.ChecksumIEEE(text) != uint32(want) {
		return e, false
	}
	err = json.Unmarshal(text, &e)
	return e, err == nil && (e.Answer != nil || e.Settle != nil || e.File != nil)
}

// Put accepts an entry: it is on the disk when Put returns nil.
func (s *Spool) Put(e sipctl.SpoolEntry) error {
	line, err := encode(e)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.file == nil {
		s.mu.Unlock()
		return os.ErrClosed
	}
	if s.size+int64(len(line)) > maxBytes {
		s.mu.Unlock()
		return ErrFull
	}
	n, err := s.file.WriteAt(line, s.size)
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("write the spool: %w", err) // the next entry goes over what was written of this one
	}
	s.size += int64(n)
	s.written += int64(n)
	mine := s.written
	s.pending = append(s.pending, e)
	s.mu.Unlock()
	if err := s.sync(mine); err != nil {
		return err
	}
	s.ring()
	return nil
}

// sync makes everything up to a position safe. Whoever waits while another syncs may find his part done.
func (s *Spool) sync(position int64) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= position {
		return nil
	}
	s.mu.Lock()
	upTo, file := s.written, s.file
	s.mu.Unlock()
	if file == nil {
		return os.ErrClosed
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync the spool: %w", err)
	}
	s.synced = upTo
	return nil
}

func (s *Spool) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Entries counts what the store has not taken yet.
func (s *Spool) Entries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// Run replays until ctx is done.
func (s *Spool) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		for s.replay(ctx) {
		}
	}
}

// replay hands over the first entry, and reports whether there may be more to do.
func (s *Spool) replay(ctx context.Context) bool {
	s.mu.Lock()
	if len(s.pending) == 0 {
		s.truncate()
		s.mu.Unlock()
		return false
	}
	e := s.pending[0]
	s.mu.Unlock()
	wait, cancel := context.WithTimeout(ctx, applyWait)
	err := s.apply(wait, e)
	cancel()
	switch {
	case err == nil:
	case s.final(err):
		s.log.Error("the store refuses an entry of the spool", "err", err)
		s.setAside(e)
	default:
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryPause):
			return true
		}
	}
	s.mu.Lock()
	s.pending = s.pending[1:]
	s.mu.Unlock()
	return true
}

// truncate empties the file once nothing in it is wanted any more. s.mu is held.
func (s *Spool) truncate() {
	if s.size == 0 || s.file == nil {
		return
	}
	if err := s.file.Truncate(0); err != nil {
		s.log.Error("the spool cannot be emptied", "err", err) // its entries are idempotent: they may be replayed
		return
	}
	s.size, s.pending = 0, nil
}

// setAside keeps an entry that the store refuses.
func (s *Spool) setAside(e sipctl.SpoolEntry) {
	line, err := encode(e)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(filepath.Join(s.dir, refused), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err == nil {
			_, err = f.Write(line)
			err = errors.Join(err, f.Sync(), f.Close())
		}
	}
	if err != nil {
		s.log.Error("a refused entry of the spool could not be set aside", "err", err)
	}
}

// Close closes the file. What is in it is replayed by the next process.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
