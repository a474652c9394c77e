package transaction

import (
	"net/netip"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/transport"
)

// answerHead composes the header lines that every answer to a request copies from it (RFC 3261 §8.2.6.2), with the tag. A
// request that is refused as malformed may lack any of them, or have one that only its sender understands.
func answerHead(req *sip.Request, f transport.Flow, tag string) []byte {
	w := make(buffer, 0, 512)
	top := true
	for _, h := range req.Headers() {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		w.text("Via: ")
		if top {
			w.topVia(via, f)
		} else {
			w.text(via.Value())
		}
		w.text("\r\n")
		top = false
	}
	w.line("From", field(req, req.From(), "from"))
	to := field(req, req.To(), "to")
	if req.To() != nil && !req.To().Params.Has("tag") {
		to += ";tag=" + tag
	}
	w.line("To", to)
	w.line("Call-ID", field(req, req.CallID(), "call-id"))
	w.line("CSeq", field(req, req.CSeq(), "cseq"))
	return w
}

// field is the value of a header as parsed, else as it came, else "".
func field[H interface {
	comparable
	sip.Header
}](req *sip.Request, parsed H, name string) string {
	var none H
	if parsed != none {
		return parsed.Value()
	}
	if h := grammar.Header(req.Headers(), name); h != nil {
		return grammar.Clean(h.Value())
	}
	return ""
}

// buffer grows as header lines are appended.
type buffer []byte

func (w *buffer) text(s string) { *w = append(*w, s...) }

// line appends a header, unless it is empty.
func (w *buffer) line(name, value string) {
	if value == "" {
		return
	}
	*w = append(append(append(append(*w, name...), ": "...), value...), "\r\n"...)
}

// topVia says where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4).
func (w *buffer) topVia(via *sip.ViaHeader, f transport.Flow) {
	v := via.Clone()
	source := f.Remote.Addr().Unmap().String()
	if v.Params.Has("rport") {
		v.Params.Add("rport", strconv.Itoa(int(f.Remote.Port())))
	}
	if v.Params.Has("rport") || v.Host != source {
		v.Params.Add("received", source)
	}
	w.text(v.Value())
}

func addrPort(a netip.Addr, port int) netip.AddrPort { return netip.AddrPortFrom(a, uint16(port)) }

// Reply composes an answer without a transaction: for what must leave nothing behind.
func Reply(req *sip.Request, f transport.Flow, code int, reason string, headers []byte) (transport.Flow, []byte) {
	return ReplyAs(NewTag(), req, f, code, reason, headers)
}

// ReplyAs is Reply with a To tag of the caller's: copies of a request must get the same one (RFC 3261 §8.2.7).
func ReplyAs(tag string, req *sip.Request, f transport.Flow, code int, reason string, headers []byte) (transport.Flow, []byte) {
	return answerPath(req, f), composeResponse(code, reason, answerHead(req, f, tag), headers, nil)
}
