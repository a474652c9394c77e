package digest

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestNonces(t *testing.T) {
	begin := time.Now()
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	n := NewNonces([]byte("key"), begin, time.Minute, 100)
	made := func() string { return n.New(at(time.Second), "here") }
	used := made()
	if !n.Use(at(2*time.Second), used, "here", 1) {
		t.Fatal("a new nonce is no good")
	}
	for _, c := range []struct {
		name  string
		nonce string
		place string
		count uint32
		at    time.Duration
		good  bool
	}{
		{"the same count again", used, "here", 1, 3 * time.Second, false},
		{"the next count", used, "here", 2, 3 * time.Second, true},
		{"from another place", made(), "there", 1, 3 * time.Second, false},
		{"without a count", made(), "here", 0, 3 * time.Second, false},
		{"at the last moment", made(), "here", 1, time.Minute + time.Second - 1, true},
		{"a moment later", made(), "here", 1, time.Minute + time.Second, false},
		{"before it was made", made(), "here", 1, 0, false},
		{"of another process", NewNonces([]byte("other"), begin, time.Minute, 100).New(at(time.Second), "here"), "here", 1, 3 * time.Second, false},
		{"with another end", used[:42] + "A", "here", 9, 3 * time.Second, false},
		{"with another beginning", "A" + used[1:], "here", 9, 3 * time.Second, false},
		{"of another length", used + "A", "here", 9, 3 * time.Second, false},
		{"of other letters", "+" + used[1:], "here", 9, 3 * time.Second, false},
		{"empty", "", "here", 1, 3 * time.Second, false},
	} {
		if got := n.Use(at(c.at), c.nonce, c.place, c.count); got != c.good {
			t.Errorf("%s: good %v, want %v", c.name, got, c.good)
		}
	}
}

// Whatever the order in which counts come, none is good twice; and those that come in order, or nearly so, are all good.
func TestNoCountIsGoodTwice(t *testing.T) {
	for round := range 300 {
		var c counts
		good := map[uint32]bool{}
		for i := range 400 {
			count := uint32(1 + i)
			switch round % 3 {
			case 1:
				count = 1 + rand.Uint32N(200)
			case 2:
				count = uint32(1+i+20) - rand.Uint32N(20)
			}
			fresh := c.use(count)
			if fresh && good[count] {
				t.Fatalf("round %d: %d is good twice", round, count)
			}
			if !fresh && !good[count] && c.highest-count <= 64 {
				t.Fatalf("round %d: %d is refused, with %d as the highest", round, count, c.highest)
			}
			good[count] = good[count] || fresh
		}
	}
	var c counts
	for _, count := range []uint32{1 << 31, 1<<32 - 1} {
		if !c.use(count) || c.use(count) || c.use(1) {
			t.Errorf("%d", count)
		}
	}
}

// What is forgotten for want of room is outdated, and never accepted once more.
func TestAForgottenNonceIsOutdated(t *testing.T) {
	const limit = 50
	begin := time.Now()
	now := begin
	n := NewNonces([]byte("key"), begin, time.Hour, limit)
	type use struct {
		nonce string
		count uint32
	}
	var uses []use
	for i := range 1000 {
		now = now.Add(time.Millisecond)
		u := use{n.New(now, "here"), uint32(i + 1)}
		if i%3 == 0 { // made long before it is answered
			u.nonce = n.New(now.Add(-time.Duration(rand.IntN(i+1))*time.Millisecond), "here")
		}
		if n.Use(now, u.nonce, "here", u.count) {
			uses = append(uses, u)
		} else if i%3 != 0 {
			t.Fatalf("nonce %d, just made, is no good", i)
		}
	}
	for i, u := range uses {
		if n.Use(now, u.nonce, "here", u.count) {
			t.Fatalf("nonce %d of %d is good again", i, len(uses))
		}
	}
	if len(n.counts) > limit || len(n.queue) > limit {
		t.Errorf("%d nonces are kept, %d at most", len(n.counts), limit)
	}
	now = now.Add(2 * time.Hour)
	if !n.Use(now, n.New(now, "here"), "here", 1) || len(n.counts) != 1 {
		t.Errorf("%d nonces are left of those that are over", len(n.counts))
	}
}
