package transaction

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// Saved is what another process needs to answer an INVITE that this one took: plain data.
type Saved struct {
	Branch string         `json:"branch"`
	SentBy string         `json:"sent_by"`
	From   transport.Flow `json:"from"` // its source
	To     transport.Flow `json:"to"`   // where answers go
	Tag    string         `json:"tag"`
	Head   string         `json:"head"` // the header lines that every answer has
}

// Save returns what Resume needs; the zero value once the INVITE is over.
func (s *Server) Save() Saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.final {
		return Saved{}
	}
	return Saved{Branch: s.key.branch, SentBy: s.key.sentBy, From: transport.Flow{Remote: addrPort(s.key.source, 0)}, To: s.flow, Tag: s.tag, Head: string(s.head)}
}

// Resume takes up an INVITE that another process did not answer, for a user who answers it now; nil where nothing was saved, or a copy of it is here already.
// What comes over a connection cannot be answered any more: it went down with the process.
func (l *Layer) Resume(v Saved, user ServerUser) *Server {
	if v.Head == "" || v.Branch == "" || v.To.Stream() || !v.To.Remote.IsValid() {
		return nil
	}
	s := &Server{layer: l, key: serverKey{branch: v.Branch, sentBy: v.SentBy, source: v.From.Remote.Addr(), method: sip.INVITE},
		flow: v.To, invite: true, tag: v.Tag, head: []byte(v.Head), user: user}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] != nil {
		return nil
	}
	l.servers[s.key] = s
	return s
}
