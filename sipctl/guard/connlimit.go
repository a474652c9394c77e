package guard

import "sync"

// seat is a connection's place in the counts.
type seat struct {
	class  Class
	source [16]byte
}

// connLimits counts the connections that are open.
type connLimits struct {
	mu               sync.Mutex
	total, strangers int
	bySource         map[[16]byte]int // never more entries than connections
}

// take counts a connection in, or says which limit forbids it. Strangers cannot take the places of known peers.
func (l *connLimits) take(s *seat, config *Config) Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	perSource := config.MaxConnsPerKnown
	if s.class == Stranger {
		perSource = config.MaxConnsPerStranger
	}
	switch {
	case l.total >= config.MaxConns, s.class == Stranger && l.strangers >= config.MaxConns/2:
		return ConnLimit
	case l.bySource[s.source] >= perSource:
		return SourceLimit
	}
	if l.bySource == nil {
		l.bySource = make(map[[16]byte]int)
	}
	l.bySource[s.source]++
	l.total++
	if s.class == Stranger {
		l.strangers++
	}
	return Passed
}

// upgrade makes a stranger's seat a known one's: its phone has authenticated.
func (l *connLimits) upgrade(s *seat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.class == Stranger {
		s.class = Known
		l.strangers--
	}
}

// leave counts a connection out.
func (l *connLimits) leave(s *seat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if s.class == Stranger {
		l.strangers--
	}
	if l.bySource[s.source]--; l.bySource[s.source] == 0 {
		delete(l.bySource, s.source)
	}
}

// Conns returns how many accepted connections are open.
func (g *Guard) Conns() int {
	g.conns.mu.Lock()
	defer g.conns.mu.Unlock()
	return g.conns.total
}
