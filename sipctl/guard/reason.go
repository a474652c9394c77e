package guard

import "sync/atomic"

// Reason says what became of a datagram, a message or a connection.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	Passed       Reason = iota
	Denied              // the policy drops this source
	SourceRate          // the source sends faster than its bucket refills
	StrangerRate        // all strangers together do
	Keepalive           // CRLF or NULs between messages (RFC 5626 §3.5.1); a ping on a stream was answered
	STUN                // RFC 5626 §3.5.2; not answered
	TooShort            // under MinMessage bytes
	TooLong             // over MaxMessage bytes
	NotSIP              // does not begin as a request or status line does
	NoHeaderEnd         // no empty line (CRLF CRLF) ends the header section
	BareLineEnd         // CR without LF, or LF without CR, in the header section
	Control             // NUL or another control character but TAB in the header section
	TooManyLines        // over MaxLines lines
	LineTooLong         // a line of over MaxLine bytes
	HeaderName          // a header line without a name that is a token and a colon (RFC 3261 §7.3.1)
	MethodCase          // a known method in lower or mixed case: methods are case-sensitive (RFC 3261 §7.1)
	BadLength           // stream: Content-Length missing, twice, or not a number
	Handshake           // stream: TLS was not agreed upon
	Slow                // stream: no complete message before the deadline, or the peer stopped reading
	Idle                // stream: a stranger's connection without traffic
	ConnLimit           // connection refused: too many in total, or too many strangers
	SourceLimit         // connection refused: too many from this source
	SocketError         // a temporary error of the socket, retried
	reasons
)

var reasonNames = [reasons]string{"passed", "denied", "source_rate", "stranger_rate", "keepalive", "stun", "too_short", "too_long",
	"not_sip", "no_header_end", "bare_line_end", "control", "too_many_lines", "line_too_long", "header_name", "method_case", "bad_length", "handshake", "slow",
	"idle", "connection_limit", "source_limit", "socket_error"}

// String is the reason as a metric label, such as "bare_line_end".
func (r Reason) String() string {
	if r >= reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// malformed reports whether the reason blames the bytes and not the sender's right or rate to send them.
func (r Reason) malformed() bool { return r >= TooShort && r <= BadLength }

// Counters count messages and connections by reason. All methods may be called at any time from anywhere.
type Counters struct{ counts [reasons]atomic.Uint64 }

func (c *Counters) add(r Reason) { c.counts[r].Add(1) }

// Count returns how often r has happened.
func (c *Counters) Count(r Reason) uint64 { return c.counts[r].Load() }

// Each calls f for every reason, Passed first.
func (c *Counters) Each(f func(r Reason, n uint64)) {
	for r := range reasons {
		f(r, c.Count(r))
	}
}

// Malformed returns how many datagrams and messages were dropped for what they contain.
func (c *Counters) Malformed() uint64 {
	var n uint64
	for r := range reasons {
		if r.malformed() {
			n += c.Count(r)
		}
	}
	return n
}
