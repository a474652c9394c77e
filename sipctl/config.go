package sipctl

import (
	"crypto/tls"
	"net/netip"
	"time"
)

// Config of a Server. Zero fields have the defaults that are named here.
type Config struct {
	Node      string         // name of this process among those that share the store
	Listen    []string       // "udp://0.0.0.0:5060", "tcp://…", "tls://…"; port 0 takes a free one
	TLS       *tls.Config    // of tls listeners
	ClientTLS *tls.Config    // towards trunks over TLS; nil: the system's roots
	Advertise string         // host or host:port in Via and Contact; "" = the address of the listener
	Trusted   []Trusted      // upstream peers whose caller identity is believed
	Realm     string         // of the digests; equal on all nodes, and the one that the passwords were hashed with; default "tollgate"
	Digest    []string       // algorithms offered to strangers, in this order; default sha-256, md5
	Strangers StrangerPolicy // what all other sources get
	MaxCalls  int            // calls at a time; default 20,000
	MaxCPS    int            // new calls a second; 0 = no limit
	Ephemeral bool           // the store dies with the process: Drain ends talking calls, too

	Timers Timers
}

// Trusted is an upstream PBX or proxy.
type Trusted struct {
	Net      netip.Prefix
	Identity string // from | pai | header:X-Name | account:NUMBER
}

// StrangerPolicy is what sources get that are neither trusted peers nor trunks.
type StrangerPolicy string

// The policies.
const (
	AutoStrangers      StrangerPolicy = "auto"      // challenged while any extension has a SIP password, else dropped
	ChallengeStrangers StrangerPolicy = "challenge" // asked for a SIP password
	DropStrangers      StrangerPolicy = "drop"      // no answer at all; the default
)

// Timers of SIP (RFC 3261 §17). Tests shorten them; the defaults are those of the RFC.
type Timers struct {
	T1        time.Duration // round trip; default 500 ms. 64·T1 bounds every transaction
	T2        time.Duration // longest pause between retransmissions; default 4 s
	Linger    time.Duration // how long what is over answers late copies; default 10 s
	DrainRing time.Duration // how long ringing calls may go on ringing once draining; default 5 s
	Refresh   time.Duration // how often leases are renewed; default 20 s
	Takeover  time.Duration // how often this node looks whether another one has died; default 1 s
}

func (t Timers) withDefaults() Timers {
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	set(&t.T1, 500*time.Millisecond)
	set(&t.T2, 8*t.T1)
	set(&t.Linger, 20*t.T1)
	set(&t.DrainRing, 5*time.Second)
	set(&t.Refresh, 20*time.Second)
	set(&t.Takeover, time.Second)
	return t
}

// timeout is 64·T1: RFC 3261 timers B, F, H, J.
func (t Timers) timeout() time.Duration { return 64 * t.T1 }

const (
	defaultMaxCalls = 20_000
	callsHardLimit  = 200_000
)

func (c Config) withDefaults() Config {
	if c.MaxCalls <= 0 || c.MaxCalls > callsHardLimit {
		c.MaxCalls = defaultMaxCalls
	}
	if c.Strangers == "" {
		c.Strangers = DropStrangers
	}
	c.Timers = c.Timers.withDefaults()
	return c
}
