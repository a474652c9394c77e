package guard

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Class is what a source address is to us.
type Class uint8

// The classes.
const (
	Drop     Class = iota // gets no answer, costs nothing
	Stranger              // may be challenged: a small bucket each, one for all of them together
	Known                 // a trusted peer, a trunk, or a phone that has authenticated: a large bucket
)

// Policy says what a source is. It is asked for every datagram, must not block, and may change its mind at any time.
type Policy interface {
	Class(source netip.Addr) Class
}

// maxAdmitted limits the phones remembered as authenticated; past it further ones stay strangers, with a small bucket.
const maxAdmitted = 65536

// Access is the Policy of a list of networks that can be replaced while it is in use. The zero value drops everybody.
type Access struct {
	rules atomic.Pointer[rules]

	mu       sync.RWMutex
	admitted map[netip.Addr]time.Time // until when
}

// rules are one version of the list, never changed.
type rules struct {
	networks   map[netip.Prefix]struct{}
	bits4      []int // the prefix lengths in use, so that a look-up is one map access for each
	bits6      []int
	challenged bool
}

// Set replaces the list: peers and trunks are Known, everybody else is a Stranger when challenged, else dropped.
func (a *Access) Set(known []netip.Prefix, challenged bool) {
	r := &rules{networks: make(map[netip.Prefix]struct{}, len(known)), challenged: challenged}
	var seen4, seen6 [129]bool
	for _, network := range known {
		network = unmap(network).Masked()
		if !network.IsValid() {
			continue
		}
		r.networks[network] = struct{}{}
		bits, seen := &r.bits6, &seen6
		if network.Addr().Is4() {
			bits, seen = &r.bits4, &seen4
		}
		if !seen[network.Bits()] {
			seen[network.Bits()] = true
			*bits = append(*bits, network.Bits())
		}
	}
	a.rules.Store(r)
}

// unmap turns ::ffff:192.0.2.0/120 into 192.0.2.0/24: sources are compared in their shorter form.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// Admit makes a challenged source Known for a while: its phone has shown that it has the password.
func (a *Access) Admit(source netip.Addr, d time.Duration) {
	source, now := source.Unmap().WithZone(""), time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.admitted == nil {
		a.admitted = make(map[netip.Addr]time.Time)
	}
	if _, ok := a.admitted[source]; !ok && len(a.admitted) >= maxAdmitted {
		for addr, until := range a.admitted {
			if now.After(until) {
				delete(a.admitted, addr)
			}
		}
		if len(a.admitted) >= maxAdmitted {
			return
		}
	}
	a.admitted[source] = now.Add(d)
}

// Class implements Policy.
func (a *Access) Class(source netip.Addr) Class {
	source = source.Unmap().WithZone("")
	r := a.rules.Load()
	switch {
	case r == nil:
		return Drop
	case r.known(source):
		return Known
	case !r.challenged:
		return Drop
	case a.isAdmitted(source):
		return Known
	}
	return Stranger
}

func (r *rules) known(source netip.Addr) bool {
	lengths := r.bits6
	if source.Is4() {
		lengths = r.bits4
	}
	for _, bits := range lengths {
		network, err := source.Prefix(bits)
		if err != nil {
			continue
		}
		if _, ok := r.networks[network]; ok {
			return true
		}
	}
	return false
}

// Admitted reports whether a source counts as known because of Admit.
func (a *Access) Admitted(source netip.Addr) bool { return a.isAdmitted(source.Unmap().WithZone("")) }

func (a *Access) isAdmitted(source netip.Addr) bool {
	a.mu.RLock()
	until, ok := a.admitted[source]
	a.mu.RUnlock()
	return ok && time.Now().Before(until)
}
