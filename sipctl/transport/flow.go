package transport

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The networks.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
)

// Flow is a way for messages to a peer. It is plain data: in another process it still says where, and Conn is void.
type Flow struct {
	Network string         `json:"network"`
	Local   netip.AddrPort `json:"local"`          // the listener that it came through, or is to go out through
	Remote  netip.AddrPort `json:"remote"`         // the peer's socket
	Name    string         `json:"name,omitempty"` // whom the peer must prove to be, where we dial it over TLS
	Conn    uint64         `json:"-"`              // a stream's connection while it is up; 0 = the one that we dial
}

// Stream reports whether messages arrive reliably, so that nobody need repeat them.
func (f Flow) Stream() bool { return f.Network != UDP }

// Message is what came in.
type Message struct {
	SIP  sip.Message
	Flow Flow
	At   time.Time // of its reading, with the monotonic clock

	Proven string // who sent it, where the layers above have found out: the extension whose password he has
}

// Handler takes what comes in. It must not block: it holds up the socket.
type Handler func(Message)
