package sipctl

import (
	"net/netip"
	"slices"

	"tollgate/sipctl/transport"
)

// peer is who a message comes from, by its source address.
type peer struct {
	trusted *Trusted    // an upstream PBX or proxy
	trunk   *trunkState // else a trunk
	proven  string      // else the extension whose SIP password it has shown
	addr    netip.Addr
}

func trunkPeer(t *trunkState) peer { return peer{trunk: t} }

// stranger reports whether the peer is neither a trusted peer nor a trunk.
func (p peer) stranger() bool { return p.trusted == nil && p.trunk == nil }

// peers is one version of who is who; it is never changed.
type peers struct {
	trusted   []Trusted // the smallest networks first
	addresses map[netip.Addr]*trunkState
	sources   []trunkSource
}

type trunkSource struct {
	net   netip.Prefix
	trunk *trunkState
}

// publishPeers makes a new version of who is who, and tells the guard whom to let through.
func (s *Server) publishPeers() {
	s.peersMu.Lock()
	defer s.peersMu.Unlock()
	p := &peers{trusted: slices.Clone(s.trusted), addresses: map[netip.Addr]*trunkState{}}
	slices.SortStableFunc(p.trusted, func(a, b Trusted) int { return b.Net.Bits() - a.Net.Bits() })
	var known []netip.Prefix
	for _, t := range p.trusted {
		known = append(known, t.Net)
	}
	for _, t := range s.trunks.list() {
		t.mu.Lock()
		for _, at := range t.addresses {
			p.addresses[at.Addr()] = t
			known = append(known, netip.PrefixFrom(at.Addr(), at.Addr().BitLen()))
		}
		t.mu.Unlock()
		for _, source := range t.config().Sources {
			p.sources = append(p.sources, trunkSource{source, t})
			known = append(known, source)
		}
	}
	s.peers.Store(p)
	s.access.Set(known, s.challenged())
}

// identify tells who sent something. A trusted network goes before a trunk at the same address.
func (s *Server) identify(f transport.Flow) peer {
	addr := f.Remote.Addr().Unmap()
	p := s.peers.Load()
	for i := range p.trusted {
		if p.trusted[i].Net.Contains(addr) {
			return peer{trusted: &p.trusted[i], addr: addr, trunk: p.addresses[addr]}
		}
	}
	if t := p.addresses[addr]; t != nil {
		return peer{trunk: t, addr: addr}
	}
	for _, source := range p.sources {
		if source.net.Contains(addr) {
			return peer{trunk: source.trunk, addr: addr}
		}
	}
	return peer{addr: addr}
}

// fromTrunk reports whether a flow leads to a trunk.
func (s *Server) fromTrunk(f transport.Flow) bool { return s.identify(f).trunk != nil }

// mayUse reports whether who sends from here may speak in a leg: from the leg's own address, from any network of its
// trusted peer, or from any address of its trunk.
func (s *Server) mayUse(l *leg, f transport.Flow) bool {
	from := f.Remote.Addr().Unmap()
	if from == l.Flow.Remote.Addr().Unmap() {
		return true
	}
	if l.side == callerSide {
		p := s.identify(l.Flow)
		return p.trusted != nil && p.trusted.Net.Contains(from)
	}
	p := s.identify(f)
	return p.trunk != nil && (p.trunk == l.peer.trunk || p.trunk == s.identify(l.Flow).trunk)
}
