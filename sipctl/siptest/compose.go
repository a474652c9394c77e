package siptest

import (
	"net/netip"
	"strconv"
	"strings"
)

const draftSize = 640 // bytes: an INVITE with a small SDP fits without growing

// draft is a message being written.
type draft []byte

func newDraft(startLine ...string) draft {
	d := make(draft, 0, draftSize)
	return d.line(startLine...)
}

func (d draft) line(parts ...string) draft {
	for _, p := range parts {
		d = append(d, p...)
	}
	return append(d, "\r\n"...)
}

// unless adds a header of ours that the script does not set itself.
func (d draft) unless(script []Header, name string, value ...string) draft {
	for _, h := range script {
		if sameName(h.Name, name) {
			return d
		}
	}
	return d.header(name, value...)
}

func (d draft) header(name string, value ...string) draft {
	d = append(append(d, name...), ": "...)
	return d.line(value...)
}

func (d draft) headers(hs []Header) draft {
	for _, h := range hs {
		d = d.header(h.Name, h.Value)
	}
	return d
}

func (d draft) body(b Body) []byte {
	if b.Text != "" {
		d = d.header("Content-Type", b.contentType())
	}
	d = append(d, "Content-Length: "...)
	d = strconv.AppendInt(d, int64(len(b.Text)), 10)
	d = append(d, "\r\n\r\n"...)
	return append(d, b.Text...)
}

// Body is a message body. An empty Type means application/sdp.
type Body struct{ Type, Text string }

func (b Body) contentType() string {
	if b.Type == "" {
		return "application/sdp"
	}
	return b.Type
}

// SDP is the smallest description of one G.711 audio stream at addr (RFC 8866). Nobody listens there.
func SDP(addr netip.AddrPort) Body {
	ip := "IP4 " + addr.Addr().String()
	if addr.Addr().Is6() {
		ip = "IP6 " + addr.Addr().String()
	}
	return Body{Text: "v=0\r\no=- 1 1 IN " + ip + "\r\ns=-\r\nc=IN " + ip +
		"\r\nt=0 0\r\nm=audio " + strconv.Itoa(int(addr.Port())) + " RTP/AVP 0 8\r\na=sendrecv\r\n"}
}

// writeReply puts a response into words (RFC 3261 §8.2.6). The To tag is added when the request had none.
func writeReply(req *Message, code int, reason, toTag, contact string, script []Header, b Body) []byte {
	if reason == "" {
		reason = reasonPhrase(code)
	}
	d := newDraft("SIP/2.0 ", strconv.Itoa(code), " ", reason)
	first := true
	for _, h := range req.Headers {
		switch {
		case !sameName(h.Name, "Via"):
		case first:
			d, first = d.header("Via", received(h.Value, req)), false
		default:
			d = d.header("Via", h.Value)
		}
	}
	if code > 100 {
		for _, h := range req.Headers {
			if sameName(h.Name, "Record-Route") {
				d = d.header("Record-Route", h.Value)
			}
		}
	}
	d = d.header("From", req.fromValue)
	if toTag != "" && req.ToTag() == "" && code > 100 {
		d = d.header("To", req.toValue, ";tag=", toTag)
	} else {
		d = d.header("To", req.toValue)
	}
	d = d.header("Call-ID", req.callID)
	d = d.header("CSeq", strconv.FormatUint(uint64(req.cseq), 10), " ", req.cseqMethod)
	if contact != "" {
		d = d.unless(script, "Contact", contact)
	}
	return d.headers(script).body(b)
}

// received notes in the topmost Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4).
func received(via string, req *Message) string {
	top := firstOf(via)
	rest := via[len(top):]
	if _, asked := findParam(top, "rport"); asked {
		parts := strings.Split(top, ";")
		for i, p := range parts {
			if key, _, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(key), "rport") {
				parts[i] = "rport=" + strconv.Itoa(int(req.Source.Port()))
			}
		}
		top = strings.Join(parts, ";")
	}
	return top + ";received=" + req.Source.Addr().String() + rest
}

func reasonPhrase(code int) string {
	switch code {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 183:
		return "Session Progress"
	case 200:
		return "OK"
	case 302:
		return "Moved Temporarily"
	case 401:
		return "Unauthorized"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 491:
		return "Request Pending"
	case 500:
		return "Server Internal Error"
	case 503:
		return "Service Unavailable"
	case 603:
		return "Decline"
	}
	return "Scripted"
}
