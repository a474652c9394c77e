package siptest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Network is what happens to the datagrams of an user agent, in each direction. Datagrams with different delays overtake one
// another.
type Network struct {
	Loss      float64       // share of datagrams that vanish, 0 to 1
	Duplicate float64       // share of the others that arrive twice
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // more delay, at random between 0 and this
	Seed      uint64        // the same seed, the same sequence of misfortunes
}

// network is a Network at work.
type network struct {
	Network
	mu     sync.Mutex
	random *rand.Rand
}

func (n *Network) open() *network {
	if n == nil {
		return nil
	}
	return &network{Network: *n, random: rand.New(rand.NewPCG(n.Seed, 0))}
}

// carry delivers a datagram as often and as late as fate has it.
func (n *network) carry(a *ua, deliver func()) {
	for range n.copies() {
		if d := n.delay(); d > 0 {
			a.after(d, deliver)
		} else {
			deliver()
		}
	}
}

func (n *network) copies() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.random.Float64() < n.Loss:
		return 0
	case n.random.Float64() < n.Duplicate:
		return 2
	}
	return 1
}

func (n *network) delay() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.Delay
	if n.Jitter > 0 {
		d += time.Duration(n.random.Int64N(int64(n.Jitter)))
	}
	return d
}
