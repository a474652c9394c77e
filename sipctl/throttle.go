package sipctl

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// How many passwords may be guessed. The pace of one name at one source keeps a phone with an old password from locking its
// whole site out; the pace of a source, that of somebody who tries names. A name has no pace of its own over all sources:
// anybody could lock its owner out with it.
const (
	guessesOfPair     = 5 // at once, then one each
	pairInterval      = time.Minute
	guessesOfSource   = 60
	sourceInterval    = 10 * time.Second
	maxThrottled      = 32768     // names at sources, and sources, that are kept; beyond them the pace of some is forgotten
	provenFor         = time.Hour // after a right password a name is not held up by what others do at its source
	evictionLookahead = 16
)

// throttle counts wrong passwords by source, and by name and source. What is refused because of it is answered as a wrong
// password is.
type throttle struct {
	begin time.Time
	seed  maphash.Seed

	mu      sync.Mutex
	pairs   map[guesser]guesses
	sources map[netip.Addr]guesses
}

// guesser is a claimed name, hashed, at a source.
type guesser struct {
	source netip.Addr
	name   uint64
}

// guesses is a bucket as the generic cell rate algorithm keeps it (ITU-T I.371): full is the instant at which all guesses
// may be made again.
type guesses struct {
	full   time.Duration
	proven time.Duration // until when
}

func (g guesses) over(now time.Duration) bool { return g.full <= now && g.proven <= now }

func newThrottle(begin time.Time) *throttle {
	return &throttle{begin: begin, seed: maphash.MakeSeed(), pairs: map[guesser]guesses{}, sources: map[netip.Addr]guesses{}}
}

func (t *throttle) guesser(source netip.Addr, name string) guesser {
	return guesser{source, maphash.String(t.seed, name)}
}

// closed reports whether no password of this name counts now at this source, not even the right one.
func (t *throttle) closed(source netip.Addr, name string, now time.Time) bool {
	key, at := t.guesser(source, name), now.Sub(t.begin)
	t.mu.Lock()
	defer t.mu.Unlock()
	pair, all := t.pairs[key], t.sources[source]
	return spent(pair, at, pairInterval, guessesOfPair) || pair.proven <= at && spent(all, at, sourceInterval, guessesOfSource)
}

// spent reports whether a bucket is empty.
func spent(g guesses, at, interval time.Duration, burst int) bool {
	return g.full-at > interval*time.Duration(burst-1)
}

// wrong counts a wrong password.
func (t *throttle) wrong(source netip.Addr, name string, now time.Time) {
	key, at := t.guesser(source, name), now.Sub(t.begin)
	t.mu.Lock()
	defer t.mu.Unlock()
	count(t.pairs, key, at, pairInterval)
	count(t.sources, source, at, sourceInterval)
}

func count[K comparable](buckets map[K]guesses, key K, at, interval time.Duration) {
	g := buckets[key]
	g.full = max(g.full, at) + interval
	keep(buckets, key, g, at)
}

// right clears the name at this source.
func (t *throttle) right(source netip.Addr, name string, now time.Time) {
	key, at := t.guesser(source, name), now.Sub(t.begin)
	t.mu.Lock()
	defer t.mu.Unlock()
	keep(t.pairs, key, guesses{proven: at + provenFor}, at)
}

// keep stores a bucket. Where there are too many it drops those that are over, of a few, or one of them.
func keep[K comparable](buckets map[K]guesses, key K, g guesses, at time.Duration) {
	if _, there := buckets[key]; !there && len(buckets) >= maxThrottled {
		looked := 0
		for other, old := range buckets {
			if looked++; looked > evictionLookahead {
				break
			}
			if old.over(at) || looked == evictionLookahead && len(buckets) >= maxThrottled {
				delete(buckets, other)
			}
		}
	}
	buckets[key] = g
}
