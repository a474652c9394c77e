package siptest

import (
	"fmt"
	"math/bits"
	"time"
)

// Latency counts durations in buckets that are at most a 32nd of their value wide, from a microsecond up to an hour. Its size
// is fixed. The zero value is empty; it is not safe for use by several goroutines at once.
type Latency struct {
	buckets [latencyBuckets]int64
	count   int64
	sum     time.Duration
	max     time.Duration
}

const (
	latencyBits    = 5 // of the value that a bucket tells apart: 32 buckets for each doubling
	latencyLimit   = time.Hour
	latencyBuckets = 29 << latencyBits // enough for an hour in microseconds
)

// Add counts one duration.
func (l *Latency) Add(d time.Duration) {
	d = min(max(d, 0), latencyLimit)
	l.buckets[bucketOf(d)]++
	l.count++
	l.sum += d
	l.max = max(l.max, d)
}

// bucketOf: the first 32 buckets are a microsecond each, then every doubling has 32.
func bucketOf(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	shift := max(0, bits.Len64(us)-latencyBits-1)
	return shift<<latencyBits + int(us>>shift)
}

// bucketTop is the largest duration of a bucket, in whole microseconds.
func bucketTop(i int) time.Duration {
	shift := max(0, i>>latencyBits-1)
	us := (uint64(i-shift<<latencyBits)+1)<<shift - 1
	return time.Duration(us) * time.Microsecond
}

// Count is how many there were.
func (l *Latency) Count() int64 { return l.count }

// Max is the longest.
func (l *Latency) Max() time.Duration { return l.max }

// Mean is the average, 0 of none.
func (l *Latency) Mean() time.Duration {
	if l.count == 0 {
		return 0
	}
	return l.sum / time.Duration(l.count)
}

// Percentile is the duration that p percent do not exceed, at most a 32nd too high; 0 of none.
func (l *Latency) Percentile(p float64) time.Duration {
	rank := int64(p / 100 * float64(l.count))
	for i, seen := 0, int64(0); i < len(l.buckets); i++ {
		if seen += l.buckets[i]; seen > 0 && seen >= rank {
			return min(bucketTop(i), l.max)
		}
	}
	return 0
}

// String is "p50 1.2ms p95 2ms p99 3ms max 4ms of 1000".
func (l *Latency) String() string {
	if l.count == 0 {
		return "none"
	}
	r := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	return fmt.Sprintf("p50 %s p95 %s p99 %s max %s of %d", r(l.Percentile(50)), r(l.Percentile(95)), r(l.Percentile(99)), r(l.max), l.count)
}
