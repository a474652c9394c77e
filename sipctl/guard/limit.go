package guard

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Rate bounds how often something may happen: PerSecond in the long run, Burst at once.
type Rate struct{ PerSecond, Burst int }

// bucket is a token bucket as the generic cell rate algorithm keeps it (ITU-T I.371): one number, the instant at which
// the bucket will be full again. A bucket whose instant is past is full, and the same as one never used.
type bucket struct{ full time.Duration }

// take takes a token at the instant now, unless there is none.
func (b *bucket) take(now, interval, depth time.Duration) bool {
	full := max(b.full, now)
	if full-now > depth-interval {
		return false
	}
	b.full = full + interval
	return true
}

// meter is one bucket for everybody.
type meter struct {
	mu              sync.Mutex
	bucket          bucket
	interval, depth time.Duration
}

func newMeter(r Rate) *meter {
	interval := time.Second / time.Duration(r.PerSecond)
	return &meter{interval: interval, depth: interval * time.Duration(r.Burst)}
}

func (m *meter) take(now time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bucket.take(now, m.interval, m.depth)
}

const (
	tableSets = 1024 // power of two
	tableWays = 8    // buckets that share a set: one more source there makes the most idle of them forgotten
)

// table holds a bucket for each of the sources seen last, in a fixed place of memory: nothing is allocated for a source,
// and the garbage collector has nothing to follow. Of a full set the bucket nearest to full is given up, which loses
// nothing at all while that one is idle.
type table struct {
	mu              sync.Mutex
	seed            maphash.Seed
	interval, depth time.Duration
	sets            [tableSets][tableWays]slot
}

type slot struct {
	source [16]byte
	bucket bucket
}

func newTable(r Rate) *table {
	interval := time.Second / time.Duration(r.PerSecond)
	return &table{seed: maphash.MakeSeed(), interval: interval, depth: interval * time.Duration(r.Burst)}
}

// take takes a token of the source at the instant now.
func (t *table) take(source [16]byte, now time.Duration) bool {
	set := &t.sets[maphash.Bytes(t.seed, source[:])%tableSets]
	t.mu.Lock()
	defer t.mu.Unlock()
	idlest := &set[0]
	for i := range set {
		s := &set[i]
		if s.source == source {
			return s.bucket.take(now, t.interval, t.depth)
		}
		if s.bucket.full < idlest.bucket.full {
			idlest = s
		}
	}
	*idlest = slot{source: source}
	return idlest.bucket.take(now, t.interval, t.depth)
}

// sourceKey is what a source is counted by: the address, and of an IPv6 stranger the /64, all of which is one subscriber's.
func sourceKey(addr netip.Addr, class Class) [16]byte {
	key := addr.As16()
	if class == Stranger && addr.Is6() && !addr.Is4In6() {
		clear(key[8:])
	}
	return key
}
