package sipctl

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var (
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("192.0.2.2")
)

func TestGuessingIsSlow(t *testing.T) {
	begin := time.Now()
	limits := newThrottle(begin)
	guesses := 0
	for now := begin; now.Before(begin.Add(24 * time.Hour)); now = now.Add(time.Second) {
		if !limits.closed(here, "101", now) {
			limits.wrong(here, "101", now)
			guesses++
		}
	}
	if want := guessesOfPair + int(24*time.Hour/pairInterval); guesses > want || guesses < want-2 {
		t.Errorf("%d guesses of one name in a day, want %d", guesses, want)
	}
	limits, guesses = newThrottle(begin), 0
	for now := begin; now.Before(begin.Add(24 * time.Hour)); now = now.Add(time.Second) {
		if name := fmt.Sprint(guesses); !limits.closed(here, name, now) {
			limits.wrong(here, name, now)
			guesses++
		}
	}
	if want := guessesOfSource + int(24*time.Hour/sourceInterval); guesses > want || guesses < want-2 {
		t.Errorf("%d guesses of any name in a day, want %d", guesses, want)
	}
}

func TestNobodyLocksOthersOut(t *testing.T) {
	now := time.Now()
	limits := newThrottle(now)
	limits.right(here, "101", now)
	for i := range 1000 {
		limits.wrong(here, "102", now)
		limits.wrong(here, fmt.Sprint(1000+i), now)
	}
	for _, c := range []struct {
		why    string
		source netip.Addr
		name   string
		closed bool
	}{
		{"the guessed name, where it was guessed", here, "102", true},
		{"the same name elsewhere", there, "102", false},
		{"any other name there", here, "103", true},
		{"a phone there that has shown its password", here, "101", false},
	} {
		if got := limits.closed(c.source, c.name, now); got != c.closed {
			t.Errorf("%s: closed %v, want %v", c.why, got, c.closed)
		}
	}
	if later := now.Add(provenFor + time.Second); limits.closed(here, "101", later) == limits.closed(there, "101", later) {
		t.Error("what was shown an hour ago still counts")
	}
	limits.wrong(there, "101", now)
	limits.right(there, "101", now)
	if len(limits.pairs) == 0 || limits.pairs[limits.guesser(there, "101")].full != 0 {
		t.Error("a right password does not clear the wrong ones before")
	}
}

func TestTheThrottleIsBounded(t *testing.T) {
	now := time.Now()
	limits := newThrottle(now)
	for i := range 3 * maxThrottled {
		source := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		limits.wrong(source, "101", now)
	}
	if len(limits.pairs) > maxThrottled || len(limits.sources) > maxThrottled {
		t.Errorf("%d names and %d sources are kept, %d at most", len(limits.pairs), len(limits.sources), maxThrottled)
	}
}

func TestPlace(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::", "2001:db8:1:3::4": "2001:db8:1:3::", "fe80::1%eth0": "fe80::"} {
		if got := place(netip.MustParseAddr(from)).String(); got != want {
			t.Errorf("%s is at %s, want %s", from, got, want)
		}
	}
}
