package guard

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// In no span of time does a bucket give more than its burst and what has flowed in meanwhile, and an honest sender loses nothing.
func TestBucketLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{PerSecond: rapid.IntRange(1, 1000).Draw(t, "per second"), Burst: rapid.IntRange(1, 50).Draw(t, "burst")}
		m := newMeter(rate)
		var now time.Duration
		var given []time.Duration
		for range 200 {
			now += time.Duration(rapid.Int64Range(0, int64(2*m.interval)).Draw(t, "pause"))
			if m.take(now) {
				given = append(given, now)
			} else if len(given) < rate.Burst {
				t.Fatalf("refused number %d of a burst of %d", len(given)+1, rate.Burst)
			}
		}
		for i := range given {
			for j := i; j < len(given); j++ {
				if limit := time.Duration(rate.Burst) + (given[j]-given[i])/m.interval; time.Duration(j-i+1) > limit {
					t.Fatalf("%d tokens in %v at %+v", j-i+1, given[j]-given[i], rate)
				}
			}
		}
	})
}

func TestSteadySenderWithinItsRateIsNeverRefused(t *testing.T) {
	table := newTable(Rate{PerSecond: 50, Burst: 1})
	for i := range 1000 {
		if !table.take([16]byte{1}, time.Duration(i)*20*time.Millisecond) {
			t.Fatalf("message %d refused", i)
		}
	}
}

func TestSourcesDoNotShareABucket(t *testing.T) {
	table := newTable(Rate{PerSecond: 1, Burst: 2})
	for i := range byte(100) {
		source := [16]byte{15: i}
		first, second, third := table.take(source, 0), table.take(source, 0), table.take(source, 0)
		if !first || !second || third {
			t.Fatalf("source %d: %v %v %v, not exactly two of three", i, first, second, third)
		}
	}
}

// A flood from ever new sources neither grows the table nor takes the bucket of a source that is active.
func TestTableForgetsTheIdlest(t *testing.T) {
	table := newTable(Rate{PerSecond: 10, Burst: 1000})
	busy := [16]byte{15: 1}
	for range 1000 {
		table.take(busy, 0)
	}
	for i := range 200_000 {
		table.take([16]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}, time.Millisecond)
	}
	if table.take(busy, 2*time.Millisecond) {
		t.Error("the empty bucket was forgotten, and is full again")
	}
}

func TestScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		access := new(Access)
		access.Set([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, true)
		g := New(Config{Policy: access, KnownRate: Rate{100, 1000}, StrangerRate: Rate{10, 5}, StrangersRate: Rate{20, 12}})
		send := func(source string, times int) (passed int) {
			for range times {
				r := g.screen([]byte(options), netip.MustParseAddr(source))
				g.add(r)
				if r == Passed {
					passed++
				}
			}
			return passed
		}
		for _, c := range []struct {
			sentence string
			source   string
			times    int
			want     int
		}{
			{"a known peer has a large bucket", "192.0.2.7", 900, 900},
			{"which is the same in both spellings", "::ffff:192.0.2.7", 200, 100},
			{"a stranger has a small one", "198.51.100.1", 20, 5},
			{"an IPv6 stranger has one for his /64", "2001:db8::1", 3, 3},
			{"not another for each address", "2001:db8::2", 20, 2},
			{"what is left for all strangers goes to the next", "198.51.100.2", 20, 2},
			{"and then to nobody", "198.51.100.3", 20, 0},
			{"which a known peer does not notice", "192.0.2.8", 500, 500},
		} {
			if got := send(c.source, c.times); got != c.want {
				t.Errorf("%s: %d passed, want %d", c.sentence, got, c.want)
			}
		}
		if g.Count(SourceRate) != 100+15+18+15+15 || g.Count(StrangerRate) != 3+5 {
			t.Errorf("counted %d by source, %d as strangers", g.Count(SourceRate), g.Count(StrangerRate))
		}
		time.Sleep(time.Second)
		if got := send("198.51.100.3", 20); got != 5 {
			t.Errorf("a second later %d passed, want 5", got)
		}
		access.Set(nil, false)
		if got := send("198.51.100.3", 1) + send("192.0.2.7", 1); got != 0 {
			t.Errorf("%d passed after the list was emptied", got)
		}
	})
}

func TestScreenAllocatesNothing(t *testing.T) {
	access := new(Access)
	g := New(Config{Policy: access})
	known, stranger, dropped := netip.MustParseAddr("192.0.2.1"), uint32(0), netip.MustParseAddr("2001:db8::1")
	access.Set([]netip.Prefix{netip.PrefixFrom(known, 32)}, true)
	good, bad := []byte(options), []byte(with("Subject: a\nb"))
	for sentence, f := range map[string]func(){
		"a known peer's message": func() { g.add(g.screen(good, known)) },
		"a malformed message":    func() { g.add(g.screen(bad, known)) },
		"a flood of new strangers": func() {
			stranger++
			g.add(g.screen(good, netip.AddrFrom4([4]byte{10, byte(stranger >> 16), byte(stranger >> 8), byte(stranger)})))
		},
	} {
		if n := testing.AllocsPerRun(5000, f); n != 0 {
			t.Errorf("%s: %v allocations", sentence, n)
		}
	}
	access.Set(nil, false)
	if n := testing.AllocsPerRun(100, func() { g.add(g.screen(good, dropped)) }); n != 0 {
		t.Errorf("a dropped source's message: %v allocations", n)
	}
}

func BenchmarkScreen(b *testing.B) {
	access := new(Access)
	known := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}
	for i := range 200 {
		known = append(known, netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", i)))
	}
	access.Set(known, true)
	g := New(Config{Policy: access, KnownRate: Rate{100_000_000, 100_000_000}})
	message, source := []byte(options), netip.MustParseAddr("198.51.100.7")
	b.ReportAllocs()
	for b.Loop() {
		if r := g.screen(message, source); r != Passed {
			b.Fatal(r)
		}
	}
}
