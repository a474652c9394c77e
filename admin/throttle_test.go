package admin

import (
	"fmt"
	"testing"
	"time"
)

func newClockedThrottle() (*throttle, *time.Time) {
	now := time.Date(2019, 5, 31, 0, 0, 0, 0, time.UTC)
	t := newThrottle()
	t.now = func() time.Time { return now }
	return t, &now
}

func TestThrottleGrowsWithEveryFailure(t *testing.T) {
	throttle, now := newClockedThrottle()
	for range triesPerPair {
		if _, ok := throttle.begin("a", "admin"); !ok {
			t.Fatal("a free try was refused")
		}
	}
	for _, want := range []time.Duration{10, 20, 40, 80, 160} {
		wait, ok := throttle.begin("a", "admin")
		if ok || wait != want*time.Second {
			t.Fatalf("wait %s, let in %v; want %ds", wait, ok, want)
		}
		*now = now.Add(wait)
		if _, ok := throttle.begin("a", "admin"); !ok {
			t.Fatal("refused after the wait")
		}
	}
	for range 40 {
		wait, ok := throttle.begin("a", "admin")
		if !ok {
			*now = now.Add(wait)
		}
		if wait > longestDelay {
			t.Fatalf("a wait of %s locks the owner out", wait)
		}
	}
}

func TestThrottleForgetsAfterASuccessAndAfterAnHour(t *testing.T) {
	throttle, now := newClockedThrottle()
	for range 50 {
		if _, ok := throttle.begin("a", "admin"); !ok {
			t.Fatal("a log-in that succeeds was counted as a failure")
		}
		throttle.succeeded("a", "admin")
	}
	for range triesPerPair {
		throttle.begin("a", "admin")
	}
	*now = now.Add(forgetAfter + time.Minute)
	for range triesPerPair {
		if _, ok := throttle.begin("a", "admin"); !ok {
			t.Fatal("failures of yesterday count today")
		}
	}
}

func TestThrottleCountsAddressesAndUsersToo(t *testing.T) {
	throttle, _ := newClockedThrottle()
	for i := range triesPerAddress {
		if _, ok := throttle.begin("a", fmt.Sprint("user", i)); !ok {
			t.Fatal("a free try was refused")
		}
	}
	if _, ok := throttle.begin("a", "another"); ok {
		t.Error("one address may try as many users as it likes")
	}
	if _, ok := throttle.begin("b", "another"); !ok {
		t.Error("another address is refused")
	}
	for i := range triesPerUser {
		throttle.begin(fmt.Sprint("bot", i), "admin")
	}
	if wait, ok := throttle.begin("home", "admin"); ok || wait > longestAny {
		t.Errorf("after a flood from many addresses the owner waits %s (let in %v), want at most %s", wait, ok, longestAny)
	}
}

func TestThrottleKeepsABoundedNumberOfKeys(t *testing.T) {
	throttle, _ := newClockedThrottle()
	for i := range 2 * mostTracked {
		throttle.begin(fmt.Sprint(i), "admin")
	}
	if len(throttle.attempts) > mostTracked+3 {
		t.Errorf("%d keys are kept", len(throttle.attempts))
	}
}
