package sipctl_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// journal keeps the lines of a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

type logLine struct {
	Msg, Account, Trunk, Cause, Disposition, By string
	CallID                                      rating.CallID `json:"call_id"`
	Code                                        int
	Seconds                                     float64
	Count                                       int64
}

func (j *journal) lines(t *testing.T) (all []logLine) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range bytes.Lines(j.text.Bytes()) {
		var l logLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, l)
	}
	return all
}

func TestEachEventOfACallIsOneLine(t *testing.T) {
	var j journal
	w := newWorld(t, rating.Unit, func(w *world) {
		w.log = slog.New(slog.NewJSONHandler(&j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.extension("102", 0, nil)
	w.extension("103", 20_000, nil)
	w.carrier.On("2", siptest.Busy())
	ctx := t.Context()
	call := w.phone.Call("91")
	must(call.Answered(ctx))
	must(call.Bye(ctx))
	must(w.phone.Call("92").Final(ctx))
	must(w.newPhone(siptest.PhoneConfig{User: "102"}).Call("91").Final(ctx))
	cut := w.newPhone(siptest.PhoneConfig{User: "103"}).Call("91")
	must(cut.Answered(ctx))
	must(cut.Ended(ctx))
	for _, cdr := range w.cdrs(4) {
		var events []string
		var end logLine
		for _, l := range j.lines(t) {
			if l.CallID == cdr.ID {
				events, end = append(events, l.Msg), l
			}
		}
		want := map[rating.Disposition][]string{rating.Answered: {"call begun", "call answered", "call ended"}, rating.Busy: {"call begun", "call ended"},
			rating.Rejected: {"call begun", "call refused"}}[cdr.Disposition]
		if cdr.EndedBy == rating.ByCredit {
			want = []string{"call begun", "call answered", "call cut", "call ended"}
		}
		if !slices.Equal(events, want) {
			t.Errorf("call %+v\nhas the lines %q, want %q", cdr, events, want)
		}
		if end.Account != cdr.Extension || end.Code != cdr.SIPCode || end.Cause != string(cdr.Reason) || int64(end.Seconds) != cdr.Duration || end.Trunk != cdr.Trunk {
			t.Errorf("call %+v\nends with %+v", cdr, end)
		}
	}
}

func TestAPhoneThatTriesAgainAndAgainFillsNoLog(t *testing.T) {
	var j journal
	w := newWorld(t, 0, func(w *world) { w.log = slog.New(slog.NewJSONHandler(&j, nil)) })
	const calls = 60
	var all sync.WaitGroup
	began := time.Now()
	for range calls {
		call := w.phone.Call("91")
		all.Go(func() { _, _ = call.Final(t.Context()) })
	}
	all.Wait()
	var refused int64
	most := 7 * (1 + int(time.Since(began)/time.Second)) // five a second, and one for the rest of it
	for deadline := time.Now().Add(5 * second); ; time.Sleep(10 * time.Millisecond) {
		lines := j.lines(t)
		refused = 0
		for _, l := range lines {
			refused += l.Count
		}
		if refused == calls {
			if len(lines) > most {
				t.Errorf("%d lines for %d refusals", len(lines), calls)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d refusals are in the log", refused, calls)
		}
	}
}
