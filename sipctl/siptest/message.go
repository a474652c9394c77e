package siptest

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Header is one header field as it stands in a message: the name in the sender's spelling, the value without the white
// space around it and with folded lines joined (RFC 3261 §7.3.1).
type Header struct{ Name, Value string }

// Message is a SIP message as it came from the wire. A request has a Method and a URI, a response a Code and a Reason.
type Message struct {
	Method  string
	URI     string
	Code    int
	Reason  string
	Headers []Header // in the order and the spelling of the sender
	Body    string

	At     time.Time      // when the socket gave it to us
	Source netip.AddrPort // who sent it

	from peer // the way back

	callID, fromValue, toValue, topVia string
	cseq                               uint32
	cseqMethod                         string
}

// Errors of Parse. A witness is strict: what two readers could read differently is malformed.
var (
	errTruncated  = errors.New("the header section has no end")
	errStartLine  = errors.New("the first line is neither a request nor a status line of SIP/2.0")
	errHeaderLine = errors.New("a header line has no colon")
	errMissing    = errors.New("one of Via, From, To, Call-ID, CSeq is missing")
	errRepeated   = errors.New("one of From, To, Call-ID, CSeq, Content-Length stands twice")
	errCSeq       = errors.New("the CSeq header is not a number and a method")
	errLength     = errors.New("the Content-Length is not a number that the message can hold")
)

// Parse reads one whole message. A datagram may be longer than its Content-Length says (RFC 3261 §18.3); the rest is
// ignored.
func Parse(raw string) (*Message, error) {
	head, body, found := strings.Cut(raw, "\r\n\r\n")
	if !found {
		return nil, errTruncated
	}
	first, rest, _ := strings.Cut(head, "\r\n")
	m := &Message{}
	if err := m.startLine(first); err != nil {
		return nil, err
	}
	if err := m.headerLines(rest); err != nil {
		return nil, err
	}
	length, err := m.index()
	if err != nil {
		return nil, err
	}
	if length > len(body) {
		return nil, errLength
	}
	if length >= 0 {
		body = body[:length]
	}
	m.Body = body
	return m, nil
}

func (m *Message) startLine(line string) error {
	first, rest, _ := strings.Cut(line, " ")
	second, third, found := strings.Cut(rest, " ")
	switch {
	case first == "SIP/2.0":
		code, err := strconv.Atoi(second)
		if err != nil || len(second) != 3 || code < 100 {
			return errStartLine
		}
		m.Code, m.Reason = code, third
	case found && third == "SIP/2.0" && first != "" && second != "":
		m.Method, m.URI = first, second
	default:
		return errStartLine
	}
	return nil
}

const usualHeaders = 16 // what one message normally has; more is fine, only costs a second allocation

func (m *Message) headerLines(lines string) error {
	m.Headers = make([]Header, 0, usualHeaders)
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		if line == "" || strings.ContainsAny(line, "\r\n") {
			return errHeaderLine
		}
		if line[0] == ' ' || line[0] == '\t' { // folded (RFC 3261 §7.3.1)
			if len(m.Headers) == 0 {
				return errHeaderLine
			}
			last := &m.Headers[len(m.Headers)-1]
			last.Value += " " + strings.TrimSpace(line)
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if name = strings.TrimRight(name, " \t"); !found || name == "" {
			return errHeaderLine
		}
		m.Headers = append(m.Headers, Header{name, strings.TrimSpace(value)})
	}
	return nil
}

// index notes the headers that decide where the message belongs and returns its Content-Length, -1 without one.
func (m *Message) index() (length int, err error) {
	length = -1
	var cseq, contentLength string
	for _, h := range m.Headers {
		var slot *string
		switch name := longName(h.Name); {
		case strings.EqualFold(name, "Via"):
			if m.topVia == "" {
				if m.topVia = firstOf(h.Value); m.topVia == "" {
					return 0, errMissing
				}
			}
			continue
		case strings.EqualFold(name, "From"):
			slot = &m.fromValue
		case strings.EqualFold(name, "To"):
			slot = &m.toValue
		case strings.EqualFold(name, "Call-ID"):
			slot = &m.callID
		case strings.EqualFold(name, "CSeq"):
			slot = &cseq
		case strings.EqualFold(name, "Content-Length"):
			slot = &contentLength
		default:
			continue
		}
		if *slot != "" {
			return 0, errRepeated
		}
		*slot = h.Value
	}
	if m.topVia == "" || m.fromValue == "" || m.toValue == "" || m.callID == "" || cseq == "" {
		return 0, errMissing
	}
	number, method, _ := strings.Cut(cseq, " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if m.cseqMethod = strings.TrimSpace(method); err != nil || m.cseqMethod == "" || m.Method != "" && m.Method != m.cseqMethod {
		return 0, errCSeq
	}
	m.cseq = uint32(n)
	if contentLength != "" {
		if length, err = strconv.Atoi(contentLength); err != nil || length < 0 {
			return 0, errLength
		}
	}
	return length, nil
}

// IsRequest tells a request from a response.
func (m *Message) IsRequest() bool { return m.Method != "" }

// CallID is the value of the Call-ID header.
func (m *Message) CallID() string { return m.callID }

// CSeq is the number and the method of the CSeq header.
func (m *Message) CSeq() (number uint32, method string) { return m.cseq, m.cseqMethod }

// FromTag and ToTag are the tag parameters of From and To, empty without one.
func (m *Message) FromTag() string { return Param(m.fromValue, "tag") }

// ToTag is described at FromTag.
func (m *Message) ToTag() string { return Param(m.toValue, "tag") }

// Branch is the branch parameter of the topmost Via.
func (m *Message) Branch() string { return Param(m.topVia, "branch") }

// String is one line for a log or a failed test: "INVITE sip:9@h" or "486 Busy Here (INVITE)".
func (m *Message) String() string {
	if m.IsRequest() {
		return m.Method + " " + m.URI
	}
	return fmt.Sprintf("%d %s (%s)", m.Code, m.Reason, m.cseqMethod)
}
