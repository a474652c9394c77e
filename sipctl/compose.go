package sipctl

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transaction"
	"tollgate/sipctl/transport"
)

// text is a message in the making.
type text []byte

func (t *text) add(parts ...string) {
	for _, p := range parts {
		*t = append(*t, p...)
	}
}

func (t *text) number(n int64) { *t = strconv.AppendInt(*t, n, 10) }

func (t *text) header(name, value string) { t.add(name, ": ", value, "\r\n") }

// outgoing is a request of ours in a dialog before it is bytes.
type outgoing struct {
	method  sip.RequestMethod
	seq     uint32
	to      string // To value; "" = the dialog's with its tag
	headers []byte // complete lines
	body    []byte
	contact bool // the method refreshes the target, or makes the dialog
	hops    int64
}

// maxForwards of requests that we begin ourselves (RFC 3261 §8.1.1.6).
const maxForwards = 70

// compose writes a request of this dialog with a branch of its own (RFC 3261 §12.2.1.1).
func (d *dialog) compose(o outgoing, branch string, f transport.Flow) []byte {
	t := make(text, 0, 700+len(o.headers)+len(o.body))
	uri, routes := d.requestURI(), d.Routes
	if uri != d.Target {
		routes = append(append([]string(nil), routes[1:]...), "<"+d.Target+">")
	}
	t.add(string(o.method), " ", uri, " SIP/2.0\r\nVia: SIP/2.0/", viaNetwork(f), " ", d.SentBy, ";rport;branch=", branch, "\r\nMax-Forwards: ")
	if o.hops == 0 {
		o.hops = maxForwards
	}
	t.number(o.hops)
	t.add("\r\n")
	for _, r := range routes {
		t.header("Route", r)
	}
	t.add("From: ", d.Local, ";tag=", d.LocalTag, "\r\nTo: ")
	switch {
	case o.to != "":
		t.add(o.to)
	case d.RemoteTag != "":
		t.add(d.Remote, ";tag=", d.RemoteTag)
	default:
		t.add(d.Remote)
	}
	t.add("\r\nCall-ID: ", d.CallID, "\r\nCSeq: ")
	t.number(int64(o.seq))
	t.add(" ", string(o.method), "\r\n")
	if o.contact {
		t.header("Contact", d.Contact)
	}
	t = append(t, o.headers...)
	t.add("Content-Length: ")
	t.number(int64(len(o.body)))
	t.add("\r\n\r\n")
	return append(t, o.body...)
}

// requestURI is the remote target, or a strict router (RFC 2543), which wants itself in the request line.
func (d *dialog) requestURI() string {
	if len(d.Routes) > 0 && !looseRoute(d.Routes[0]) {
		return bracketed(d.Routes[0])
	}
	return d.Target
}

func viaNetwork(f transport.Flow) string {
	switch f.Network {
	case transport.UDP:
		return "UDP"
	case transport.TCP:
		return "TCP"
	}
	return "TLS"
}

func looseRoute(route string) bool { return strings.Contains(strings.ToLower(route), ";lr") }

// bracketed returns the URI inside a name-addr.
func bracketed(route string) string {
	if i := strings.IndexByte(route, '<'); i >= 0 {
		route, _, _ = strings.Cut(route[i+1:], ">")
	}
	return route
}

// request makes the next request of the dialog into a transaction's.
func (d *dialog) request(o outgoing) transaction.Outgoing {
	d.LocalSeq++
	o.seq = d.LocalSeq
	branch, flow := transaction.NewBranch(), d.hop()
	out := transaction.Outgoing{Method: o.method, Branch: branch, Flow: flow, Message: d.compose(o, branch, flow)}
	if o.method == sip.INVITE {
		d.InviteSeq = o.seq
		out.Ack = d.refusalAck(o.seq, branch, flow)
	}
	return out
}

// refusalAck returns what composes the ACK of a refused INVITE: in its transaction, so with its branch (RFC 3261
// §17.1.1.3). The dialog is copied: the ACK belongs to the INVITE as it was sent.
func (d *dialog) refusalAck(seq uint32, branch string, f transport.Flow) func(to string) []byte {
	was := *d
	return func(to string) []byte {
		if !cleanText(to) {
			to = ""
		}
		return was.compose(outgoing{method: sip.ACK, seq: seq, to: to}, branch, f)
	}
}

// ack composes the ACK of a 2xx (RFC 3261 §13.2.2.4): a request of its own, to the remote target.
func (d *dialog) ack(seq uint32, headers, body []byte) (transport.Flow, []byte) {
	f := d.hop()
	return f, d.compose(outgoing{method: sip.ACK, seq: seq, headers: headers, body: body}, transaction.NewBranch(), f)
}

// cancel composes the CANCEL of an INVITE that was sent with a branch (RFC 3261 §9.1).
func (d *dialog) cancel(seq uint32, branch string, f transport.Flow, headers []byte) transaction.Outgoing {
	return transaction.Outgoing{Method: sip.CANCEL, Branch: branch, Flow: f,
		Message: d.compose(outgoing{method: sip.CANCEL, seq: seq, headers: headers}, branch, f)}
}
