package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tollgate/rating"
)

// line is one call of the demo as the table shows it.
type line struct {
	n                  int
	who, number, title string
	state              string // dialling, ringing, talking, or how it ended
	trunk              string
	answered, ended    time.Time
	cost, balance      rating.Money
	over               bool
	bad                bool // refused or cut
}

// board is the live table: redrawn in place in a terminal, one plain line per event elsewhere.
type board struct {
	mu    sync.Mutex
	out   io.Writer
	live  bool
	width func() int // of the terminal; nil where nobody redraws
	lines []line
	drawn int // lines on the screen now
}

const boardLines = 14 // newest calls that stay on the screen

// add begins a new line and returns its number.
func (b *board) add(l line) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	l.n = len(b.lines) + 1
	b.lines = append(b.lines, l)
	b.tell(l)
	return l.n
}

// change edits a line; a change of state is told.
func (b *board) change(n int, edit func(*line)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &b.lines[n-1]
	before := l.state
	edit(l)
	if l.state != before {
		b.tell(*l)
	}
}

// tell prints one plain line about an event, where nobody redraws.
func (b *board) tell(l line) {
	if !b.live {
		fmt.Fprintln(b.out, strings.TrimRight(l.plain(time.Now()), " "))
	}
}

// note prints a remark between the calls.
func (b *board) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.live {
		fmt.Fprintf(b.out, "     "+format+"\n", args...)
	}
}

const columns = "%3d  %-9s %-9s %-29s %-5s %7s %7s %8s  %s"

func header() string {
	return fmt.Sprintf(strings.Replace(columns, "%3d", "%3s", 1), "#", "from", "to", "state", "trunk", "talk", "cost", "balance", "what it shows")
}

func (l line) plain(now time.Time) string {
	return fmt.Sprintf(columns, l.n, l.who, l.number, l.state, l.trunk, l.talked(now), l.cost, l.balance, l.title)
}

// talked is the talk time, running or final: "3.2 s".
func (l line) talked(now time.Time) string {
	if l.answered.IsZero() {
		return ""
	}
	end := now
	if !l.ended.IsZero() {
		end = l.ended
	}
	tenths := end.Sub(l.answered).Milliseconds() / 100
	return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
}

// ANSI sequences of the live table.
const (
	green, red, dim, reset = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
	clearLine              = "\x1b[K"
)

// coloured is the line for a terminal, cut to its width so that it never wraps.
func (l line) coloured(now time.Time, width int) string {
	color := green
	switch {
	case l.bad:
		color = red
	case l.over:
		color = dim
	}
	return color + fit(l.plain(now), width) + reset
}

// fit cuts a line to a width.
func fit(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width])
	}
	return text
}

// draw puts the newest lines in the place of those drawn before.
func (b *board) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.live {
		return
	}
	var s strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&s, "\x1b[%dA", b.drawn)
	}
	width := b.width()
	s.WriteString(fit(header(), width) + clearLine + "\n")
	newest := b.lines[max(0, len(b.lines)-boardLines):]
	now := time.Now()
	for _, l := range newest {
		s.WriteString(l.coloured(now, width) + clearLine + "\n")
	}
	b.drawn = 1 + len(newest)
	io.WriteString(b.out, s.String())
}
