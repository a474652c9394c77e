package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFloodOfOneMessageIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, _ := newLogger(&out, LogConfig{Level: "info", Format: "text"})
		log = log.With("node", "gw1")
		lines := func(of string) int { return strings.Count(out.String(), of) }
		for range 1000 {
			log.Warn("log-in failed", "user", "admin")
			log.Info("call ended", "call_id", "c1")
			log.With("call_id", "c2").Info("call cut")
		}
		log.Error("something else")
		if n := lines("log-in failed"); n != linesAtOnce {
			t.Errorf("%d of 1000 lines about strangers, want %d", n, linesAtOnce)
		}
		if a, b := lines("call ended"), lines("call cut"); a != 1000 || b != 1000 {
			t.Errorf("%d and %d lines about calls, want all 1000", a, b)
		}
		if lines("something else") != 1 {
			t.Error("a flood has silenced another message")
		}
		time.Sleep(time.Second)
		log.Warn("log-in failed", "user", "admin")
		if !strings.Contains(out.String(), "left_out=900") {
			t.Error("nothing says how many lines were left out")
		}
	})
}

func TestTheSamplerRemembersABoundedNumberOfMessages(t *testing.T) {
	f := &floods{seen: map[string]*flood{}}
	for i := range 3 * mostMessages {
		f.pass(strings.Repeat("x", i), time.Now())
	}
	if n := len(f.seen); n > mostMessages+1 {
		t.Errorf("%d messages are remembered", n)
	}
}

// stuck is a reader of the log that has stopped to read.
type stuck struct{ release chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.release; return len(p), nil }

func TestACallNeverWaitsForItsLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails where everything waits
		s := stuck{make(chan struct{})}
		w := newLogWriter(s)
		log := slog.New(slog.NewJSONHandler(w, nil))
		began := time.Now()
		for range 3 * mostLines {
			log.Info("call answered", "call_id", "c1")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the calls have waited %v", took)
		}
		if lost := w.lost.Load(); lost < mostLines || lost > 2*mostLines {
			t.Errorf("%d lines are counted as lost", lost)
		}
		w.Close(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the end waits %v for a reader that does not read", took)
		}
		close(s.release)
	})
}

func TestTheLastLinesAreWritten(t *testing.T) {
	var out bytes.Buffer
	w := newLogWriter(&out)
	log := slog.New(slog.NewTextHandler(w, nil))
	for range 1000 {
		log.Info("call ended", "call_id", "c1")
	}
	w.Close(10 * time.Second)
	if n := strings.Count(out.String(), "\n"); n != 1000 {
		t.Errorf("%d of 1000 lines", n)
	}
}
