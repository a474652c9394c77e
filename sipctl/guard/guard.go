package guard

import (
	"net/netip"
	"time"
)

// Config of a Guard. Every zero field but Policy has a default.
type Config struct {
	Policy Policy

	KnownRate     Rate // each known source; default 50,000 messages a second, 50,000 at once
	StrangerRate  Rate // each stranger (an IPv6 /64); default 20 a second, 60 at once
	StrangersRate Rate // all strangers together; default 500 a second, 1,000 at once

	MaxConns            int           // connections in total, at most half of them strangers'; default 2,000
	MaxConnsPerStranger int           // default 20
	MaxConnsPerKnown    int           // default half of MaxConns
	MessageTimeout      time.Duration // for a complete message from its first byte, and for the first of a connection; default 8 s
	StrangerIdle        time.Duration // a stranger's connection without traffic is closed after this; default 120 s
	WriteTimeout        time.Duration // for one write; the connection is closed when it is over; default 5 s
}

func (c *Config) setDefaults() {
	set(&c.KnownRate.PerSecond, 50_000)
	set(&c.KnownRate.Burst, 50_000)
	set(&c.StrangerRate.PerSecond, 20)
	set(&c.StrangerRate.Burst, 60)
	set(&c.StrangersRate.PerSecond, 500)
	set(&c.StrangersRate.Burst, 1_000)
	set(&c.MaxConns, 2_000)
	set(&c.MaxConnsPerStranger, 20)
	set(&c.MaxConnsPerKnown, (c.MaxConns+1)/2)
	set(&c.MessageTimeout, 8*time.Second)
	set(&c.StrangerIdle, 120*time.Second)
	set(&c.WriteTimeout, 5*time.Second)
}

func set[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Guard holds what all sockets share: the policy, the buckets, the connections, the counters.
type Guard struct {
	Counters
	config    Config
	begin     time.Time // buckets count from here, on the monotonic clock
	known     *table
	strangers *table
	crowd     *meter // all strangers together
	conns     connLimits
}

// New returns a guard. A nil policy drops everybody.
func New(config Config) *Guard {
	config.setDefaults()
	if config.Policy == nil {
		config.Policy = new(Access)
	}
	return &Guard{config: config, begin: time.Now(), known: newTable(config.KnownRate), strangers: newTable(config.StrangerRate),
		crowd: newMeter(config.StrangersRate)}
}

// screen reports whether a datagram may pass. Rights come before rates and rates before contents: a flood costs its sender
// its own bucket, whatever it is made of.
func (g *Guard) screen(datagram []byte, source netip.Addr) Reason {
	source = source.Unmap()
	if r := g.spend(source, g.config.Policy.Class(source)); r != Passed {
		return r
	}
	return Check(datagram)
}

// spend takes the tokens that one message of the source costs.
func (g *Guard) spend(source netip.Addr, class Class) Reason {
	now, key := time.Since(g.begin), sourceKey(source, class)
	switch {
	case class == Drop:
		return Denied
	case class == Known && !g.known.take(key, now):
		return SourceRate
	case class == Known:
		return Passed
	case !g.strangers.take(key, now):
		return SourceRate
	case !g.crowd.take(now):
		return StrangerRate
	}
	return Passed
}
