package main

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	mostLines = 4096     // that wait for a slow reader of the log; further ones are lost, and counted
	batch     = 64 << 10 // bytes written at once
)

// logWriter writes lines from a goroutine of its own: a call never waits for its log, not even where whoever reads our
// standard error has stopped to.
type logWriter struct {
	out   io.Writer
	lines chan []byte
	done  chan struct{}
	lost  atomic.Uint64

	mu     sync.RWMutex // held for reading while a line is handed over
	closed bool
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, mostLines), done: make(chan struct{})}
	go w.run()
	return w
}

// Write takes one line; it never waits.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return w.out.Write(line)
	}
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.lost.Add(1)
	}
	return len(line), nil
}

func (w *logWriter) run() {
	defer close(w.done)
	var buffer []byte
	for line := range w.lines {
		buffer = append(buffer[:0], line...)
		for more := true; more && len(buffer) < batch; {
			select {
			case next, open := <-w.lines:
				buffer, more = append(buffer, next...), open
			default:
				more = false
			}
		}
		_, _ = w.out.Write(buffer) // there is nobody to tell
	}
}

// Close writes what is left, for limit at most. Lines that come later are written at once.
func (w *logWriter) Close(limit time.Duration) {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.lines)
	}
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-time.After(limit):
	}
}

// collector counts the lines that nobody will read.
func (w *logWriter) collector() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tollgate_log_lost_total",
		Help: "Lines of the log that were dropped because whoever reads it is too slow."}, func() float64 { return float64(w.lost.Load()) })
}
