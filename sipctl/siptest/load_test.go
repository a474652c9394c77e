package siptest

import (
	"context"
	"strings"
	"testing"
	"time"
)

func newCarrierForLoad(t testing.TB, transport string, b Behaviour) *Carrier {
	t.Helper()
	k, err := NewCarrier(CarrierConfig{Config: Config{Transport: transport, Lean: true, Linger: 4 * time.Second}, Default: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestLoadOf500CallsASecond(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			k := newCarrierForLoad(t, transport, Answer(0))
			told := 0
			s, err := Load{Server: k.Addr(), Transport: transport, Rate: 500, Duration: 2 * time.Second, Hold: 100 * time.Millisecond,
				Progress: func(*Summary) { told++ }}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !s.Clean() || s.Placed != 1000 || s.Failed != 0 || s.Up != 0 || told == 0 {
				t.Errorf("told %d times, then:\n%s", told, s)
			}
			if n := k.Counters(); n.StrayRequests+n.Malformed+n.LateAnswers != 0 {
				t.Errorf("the carrier has counted %+v", n)
			}
			if total := k.Totals(); total.Calls != 1000 || total.Answered != 1000 || total.Ended != 1000 || total.Talked < 100*time.Second {
				t.Errorf("the carrier has %+v", total)
			}
		})
	}
}

func TestLoadCountsEveryCallOnce(t *testing.T) {
	var calls int
	k, err := NewCarrier(CarrierConfig{Choose: func(*Message) Behaviour {
		calls++
		return []Behaviour{Busy(), HangUpAfter(10 * time.Millisecond), Answer(0), Forked(2)}[calls%4]
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	s, err := Load{Server: k.Addr(), Rate: 2000, Calls: 400, Hold: 200 * time.Millisecond}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Placed != 400 || s.Failed != 100 || s.Failures[486] != 100 || s.Cut+s.Completed != 300 || s.Cut == 0 || s.Up != 0 {
		t.Errorf("%s", s)
	}
	if err := k.WaitLive(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

func TestLoadKeepsToItsLimitOfCalls(t *testing.T) {
	t.Parallel()
	k := newCarrierForLoad(t, "udp", Answer(0))
	s, err := Load{Server: k.Addr(), Rate: 1000, Calls: 200, Hold: time.Second, MaxUp: 50}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.MostUp != 50 || s.Placed != 50 || s.LeftOut != 150 || s.Completed != 50 || s.Clean() {
		t.Errorf("%s", s)
	}
}

func TestLoadEndsItsCallsWhenTheContextEnds(t *testing.T) {
	for why, b := range map[string]Behaviour{"talking": Answer(0), "ringing": RingForever()} {
		t.Run(why, func(t *testing.T) {
			k := newCarrierForLoad(t, "udp", b)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			s, err := Load{Server: k.Addr(), Rate: 200, Duration: time.Hour, Hold: time.Hour}.Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if s.Placed == 0 || s.Up != 0 || s.Completed+s.Crossed+s.Failures[487] != s.Placed || s.Elapsed > 5*time.Second {
				t.Errorf("%s", s)
			}
		})
	}
}

func TestLoadCancelsWhatRingsTooLong(t *testing.T) {
	k := newCarrierForLoad(t, "udp", RingForever())
	s, err := Load{Server: k.Addr(), Rate: 200, Calls: 20, Answer: 100 * time.Millisecond}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Failures[487] != 20 {
		t.Errorf("%s", s)
	}
	if text := s.String(); !strings.Contains(text, "calls    20 placed") || !strings.Contains(text, "20 failed (487: 20)") {
		t.Errorf("%s", text)
	}
}

func TestLoadCountsACallWhoseByeOvertakesItsAnswer(t *testing.T) {
	k := newCarrierForLoad(t, "udp", Behaviour{Script: []Step{{Do: Provisional(180, Body{})}, {Do: Send("BYE", Body{})}, {Do: Accept()}}})
	s, err := Load{Server: k.Addr(), Rate: 200, Calls: 20, Hold: time.Hour}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Cut != 20 || s.Up != 0 {
		t.Errorf("%s", s)
	}
}

func TestLoadWantsARateAndAnEnd(t *testing.T) {
	if _, err := (Load{Rate: 1}).Run(t.Context()); err == nil {
		t.Error("a load without an end was begun")
	}
}

func TestLatencyIsNearEnough(t *testing.T) {
	var l Latency
	if l.String() != "none" || l.Percentile(99) != 0 || l.Mean() != 0 {
		t.Errorf("empty: %s", &l)
	}
	for us := range 100_000 {
		l.Add(time.Duration(us+1) * time.Microsecond)
	}
	for _, p := range []float64{1, 50, 95, 99, 99.9} {
		want := time.Duration(p * 1000 * float64(time.Microsecond))
		if got := l.Percentile(p); got < want || got > want+want/32+time.Microsecond {
			t.Errorf("p%v is %s, want %s", p, got, want)
		}
	}
	if l.Percentile(100) != l.Max() || l.Max() != 100*time.Millisecond || l.Mean() != 50*time.Millisecond+500*time.Nanosecond {
		t.Errorf("max %s mean %s", l.Max(), l.Mean())
	}
	l.Add(24 * time.Hour) // past the last bucket
	l.Add(-time.Second)   // a clock that went back
}

// BenchmarkCall is one whole call after the other, both user agents together: 14 messages over UDP.
func BenchmarkCall(b *testing.B) {
	k := newCarrierForLoad(b, "udp", Answer(0))
	p, err := NewPhone(PhoneConfig{Config: Config{Lean: true, Linger: loadLinger}, Server: k.Addr()})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		call := p.Call("988")
		if _, err := call.Answered(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, err := call.Bye(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
