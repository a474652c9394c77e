package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// Nonces makes nonces, and judges those that come back: nothing is kept of one until its first right answer has come, so
// that asking for nonces costs its sender more than us. A nonce is random, has the time of its making, and is sealed
// together with the place that it was made for; it is good there, for a while, and once for each count.
//
// Nonces of another process have another seal and are outdated here. That is meant: the counts that have been used are
// known where they were used, and a process that honoured the nonces of another would honour what was overheard there.
type Nonces struct {
	key   []byte
	begin time.Time
	life  time.Duration

	limit int

	mu     sync.Mutex
	counts map[uint64]counts // of nonces that were answered, by their random part
	queue  []answered        // the same in the order of their first answer
	floor  time.Duration     // a nonce made until then may have been in counts once: outdated, unless it is
}

// counts are the counts that were used with one nonce: the highest, and of the 64 below it those whose bit is set.
type counts struct {
	highest uint32
	below   uint64
}

type answered struct {
	id   uint64
	made time.Duration
}

const (
	nonceSeal = 16                // bytes of the HMAC-SHA256 that are sent
	nonceSize = 8 + 8 + nonceSeal // random part, time in ns since begin, seal
)

var nonceText = base64.RawURLEncoding

// NewNonces returns the nonces of a process: sealed with key, good for life, with the counts of at most limit nonces kept
// at a time.
func NewNonces(key []byte, begin time.Time, life time.Duration, limit int) *Nonces {
	return &Nonces{key: key, begin: begin, life: life, limit: limit, counts: map[uint64]counts{}, floor: -1}
}

// New makes a nonce for a place.
func (n *Nonces) New(now time.Time, place string) string {
	var b [nonceSize]byte
	_, _ = rand.Read(b[:8]) // never fails
	binary.BigEndian.PutUint64(b[8:], uint64(now.Sub(n.begin)))
	n.seal(b[16:16], b[:16], place)
	return nonceText.EncodeToString(b[:])
}

// seal appends the seal of a nonce to dst.
func (n *Nonces) seal(dst, head []byte, place string) {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(head)
	mac.Write([]byte(place))
	var sum [sha256.Size]byte
	copy(dst[:nonceSeal], mac.Sum(sum[:0]))
}

// Use reports whether a nonce that came back from a place with a count is good, and if so, uses that count up. Otherwise it
// is outdated, as far as an honest client is concerned: it will answer a new one. Call it for right answers only.
func (n *Nonces) Use(now time.Time, nonce, place string, count uint32) bool {
	id, made, ok := n.open(nonce, place)
	age := now.Sub(n.begin) - made
	if !ok || age < 0 || age >= n.life || count == 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	used, known := n.counts[id]
	if !known && made <= n.floor {
		return false
	}
	if !used.use(count) {
		return false
	}
	if !known {
		n.forget(now)
		n.queue = append(n.queue, answered{id, made})
	}
	n.counts[id] = used
	return true
}

// forget makes room for one nonce: it drops those that are over, and the one first answered when there are too many.
func (n *Nonces) forget(now time.Time) {
	for len(n.queue) > 0 {
		old := n.queue[0]
		over := now.Sub(n.begin)-old.made >= n.life
		if !over && len(n.queue) < n.limit {
			return
		}
		if !over {
			n.floor = max(n.floor, old.made)
		}
		delete(n.counts, old.id)
		n.queue = n.queue[1:]
	}
}

// open takes a nonce apart, if it is one of ours, for this place.
func (n *Nonces) open(nonce, place string) (id uint64, made time.Duration, ok bool) {
	var b, own [nonceSize]byte
	if len(nonce) != nonceText.EncodedLen(nonceSize) {
		return 0, 0, false
	}
	if _, err := nonceText.Decode(b[:], []byte(nonce)); err != nil {
		return 0, 0, false
	}
	n.seal(own[16:16], b[:16], place)
	return binary.BigEndian.Uint64(b[:]), time.Duration(binary.BigEndian.Uint64(b[8:])), hmac.Equal(own[16:], b[16:])
}

// use notes a count, unless it was used before or is so far below the highest that nobody knows.
func (c *counts) use(count uint32) bool {
	if count > c.highest {
		if shift := count - c.highest; c.highest > 0 {
			c.below = c.below<<shift | 1<<(shift-1)
		}
		c.highest = count
		return true
	}
	distance := c.highest - count
	bit := uint64(1) << (distance - 1) // no bit for the highest itself, nor for what is too far below
	if distance == 0 || distance > 64 || c.below&bit != 0 {
		return false
	}
	c.below |= bit
	return true
}
