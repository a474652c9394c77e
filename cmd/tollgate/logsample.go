package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What is logged of the same message in a second; a flood of strangers must not fill the disk.
const (
	linesASecond = 50
	linesAtOnce  = 100
	mostMessages = 1000 // that are counted apart; messages are constants of the program
)

// sampler passes so many lines of one message a second, and says with the next one how many it left out. Lines about a call,
// which have a call_id, pass always: there are no more of them than calls, and refusals of one caller are counted together
// before they come here.
type sampler struct {
	slog.Handler
	floods *floods
	call   bool
}

// floods counts the lines of each message.
type floods struct {
	mu   sync.Mutex
	seen map[string]*flood
}

type flood struct {
	limit *rate.Limiter
	left  int64
}

func newSampler(h slog.Handler) slog.Handler {
	return sampler{Handler: h, floods: &floods{seen: map[string]*flood{}}}
}

// Handle implements slog.Handler.
func (s sampler) Handle(ctx context.Context, r slog.Record) error {
	call := s.call
	r.Attrs(func(a slog.Attr) bool { call = call || a.Key == callKey; return !call })
	if !call {
		pass, left := s.floods.pass(r.Message, r.Time)
		if !pass {
			return nil
		}
		if left > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int64("left_out", left))
		}
	}
	return s.Handler.Handle(ctx, r)
}

const callKey = "call_id"

// WithAttrs implements slog.Handler.
func (s sampler) WithAttrs(attrs []slog.Attr) slog.Handler {
	s.Handler = s.Handler.WithAttrs(attrs)
	s.call = s.call || slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == callKey })
	return s
}

// WithGroup implements slog.Handler.
func (s sampler) WithGroup(name string) slog.Handler {
	s.Handler = s.Handler.WithGroup(name)
	return s
}

// pass reports whether a line may pass, and if so how many of its kind were left out before it.
func (f *floods) pass(message string, at time.Time) (pass bool, left int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) >= mostMessages && f.seen[message] == nil {
		message = ""
	}
	of := f.seen[message]
	if of == nil {
		of = &flood{limit: rate.NewLimiter(linesASecond, linesAtOnce)}
		f.seen[message] = of
	}
	if !of.limit.AllowN(at, 1) {
		of.left++
		return false, 0
	}
	left, of.left = of.left, 0
	return true, left
}
