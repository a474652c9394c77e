package guard

import (
	"bytes"
	"encoding/binary"
)

// What a message may measure. Larger ones are dropped.
const (
	MinMessage = 20    // bytes; the shortest request line alone is longer
	MaxMessage = 16384 // bytes, header section and body
	MaxLines   = 128   // lines of the header section, the start line and continuations included
	MaxLine    = 4096  // bytes of one line without its CRLF
)

const stunCookie = 0x2112A442 // RFC 8489 §5

// tokenChar marks the characters of a token (RFC 3261 §25.1), with which a request line begins; a status line does too.
var tokenChar = tokenTable()

func tokenTable() (table [256]bool) {
	for _, c := range []byte("-.!%*_+`'~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		table[c] = true
	}
	return table
}

// Check reports whether a datagram is worth parsing: Passed, or the first reason why not. The body is not looked at.
func Check(datagram []byte) Reason {
	if r := checkOpening(datagram); r != Passed {
		return r
	}
	if len(datagram) > MaxMessage {
		return TooLong
	}
	var lines scanner
	_, r := lines.scan(datagram)
	return r
}

// checkOpening tells a message from what else arrives at a SIP port.
func checkOpening(b []byte) Reason {
	switch {
	case isKeepalive(b):
		return Keepalive
	case len(b) >= 20 && b[0] < 2 && binary.BigEndian.Uint32(b[4:]) == stunCookie:
		return STUN
	case len(b) < MinMessage:
		return TooShort
	case !tokenChar[b[0]]:
		return NotSIP
	}
	return Passed
}

// isKeepalive reports whether b is nothing but line ends and NULs: pings, pongs and the NAT keep-alives of old phones.
func isKeepalive(b []byte) bool {
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 {
			return false
		}
	}
	return len(b) <= MinMessage
}

// scanner walks over the lines of a header section. It can be called again when more has arrived.
type scanner struct {
	next  int // where the first line not yet seen begins
	lines int
}

// scan returns where the body begins, or why the message is dropped; NoHeaderEnd while the empty line is missing.
func (s *scanner) scan(b []byte) (body int, r Reason) {
	for {
		rest := b[s.next:]
		n := bytes.IndexByte(rest, '\n')
		switch {
		case n < 0 && len(rest) > MaxLine+1:
			return 0, LineTooLong
		case n < 0:
			return 0, NoHeaderEnd
		case n == 0 || rest[n-1] != '\r':
			return 0, BareLineEnd
		}
		s.next += n + 1
		if n == 1 {
			return s.next, Passed
		}
		s.lines++
		if r := checkLine(rest[:n-1], s.lines); r != Passed {
			return 0, r
		}
	}
}

// checkLine checks one line, the first being number 1, without its CRLF.
func checkLine(line []byte, number int) Reason {
	switch {
	case number > MaxLines:
		return TooManyLines
	case len(line) > MaxLine:
		return LineTooLong
	case number == 1 && wrongCase(line):
		return MethodCase
	case number == 2 && isContinuation(line):
		return HeaderName // only a header field can be continued
	case number > 1 && !isContinuation(line) && len(headerName(line)) == 0:
		return HeaderName
	}
	return checkControl(line)
}

// isContinuation reports whether a line goes on with the header field before it (RFC 3261 §7.3.1).
func isContinuation(line []byte) bool { return line[0] == ' ' || line[0] == '\t' }

// headerName returns the name that begins a header line, or nothing when that is no token followed by a colon. The parser
// trims more than spaces from a name; what it would take for a Content-Length must not look like anything else here.
func headerName(line []byte) []byte {
	n := 0
	for n < len(line) && tokenChar[line[n]] {
		n++
	}
	for _, c := range line[n:] {
		switch c {
		case ' ', '\t':
			continue
		case ':':
			return line[:n]
		}
		return nil
	}
	return nil
}

// checkControl looks for control characters, quoted ones (RFC 3261 §25.1 quoted-pair) included: whatever a display name may
// legally hold, the next hop may read as a line end.
func checkControl(line []byte) Reason {
	for _, c := range line {
		if c >= ' ' && c != 0x7f || c == '\t' {
			continue
		}
		if c == '\r' {
			return BareLineEnd
		}
		return Control
	}
	return Passed
}

// methods are those that are known. The parser takes them in any case, and the case is gone when it is done.
var methods = [...]string{"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY",
	"SUBSCRIBE", "MESSAGE", "PUBLISH"}

// wrongCase reports whether a start line has a known method that is not written in capitals.
func wrongCase(line []byte) bool {
	end := bytes.IndexByte(line, ' ')
	if end < 0 {
		return false
	}
	method, lower := line[:end], false
	for _, c := range method {
		lower = lower || 'a' <= c && c <= 'z'
	}
	if !lower {
		return false
	}
	for _, known := range methods {
		if len(known) == len(method) && equalFold(method, known) {
			return true
		}
	}
	return false
}

// equalFold compares with an ASCII word in capitals.
func equalFold(b []byte, capitals string) bool {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != capitals[i] {
			return false
		}
	}
	return true
}
