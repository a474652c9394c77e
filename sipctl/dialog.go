package sipctl

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// dialog is one leg of a call as RFC 3261 §12 sees it: plain data, so that it can be stored and revived by a process that
// has never heard of the call.
type dialog struct {
	CallID    string   `json:"call_id"`
	LocalTag  string   `json:"local_tag"`
	RemoteTag string   `json:"remote_tag"`
	Local     string   `json:"local"`  // our From value without a tag
	Remote    string   `json:"remote"` // our To value without a tag
	LocalSeq  uint32   `json:"local_seq"`
	RemoteSeq uint32   `json:"remote_seq"`
	InviteSeq uint32   `json:"invite_seq"` // of our newest INVITE, or of theirs in the caller's leg until we send one
	Routes    []string `json:"routes,omitempty"`
	Target    string   `json:"target"` // remote target: the Contact of the peer
	Contact   string   `json:"contact"`
	SentBy    string   `json:"sent_by"` // our host:port in Via

	Flow transport.Flow `json:"flow"` // where the newest message came from, or the first INVITE went
}

// dialogVersion is that of the blob that the ledger keeps for us.
const dialogVersion = 1

// blob is a talking call as the store keeps it.
type blob struct {
	Version int    `json:"v"`
	Caller  dialog `json:"caller"`
	Trunk   dialog `json:"trunk"`
	Limit   int64  `json:"limit"`            // seconds that the call may talk; 0 = no limit
	Digest  bool   `json:"digest,omitempty"` // the caller has shown the extension's SIP password
	Late    bool   `json:"late,omitempty"`   // the ACK carries the answer and has not come yet

	Session session `json:"session,omitzero"`

	Answer *unanswered `json:"answer,omitempty"` // until the caller's ACK
}

// encode returns the blob's bytes.
func (b blob) encode() []byte {
	b.Version = dialogVersion
	text, err := json.Marshal(b)
	if err != nil { // a struct of strings and numbers always has a text
		panic(err)
	}
	return text
}

// decodeBlob reads what encode wrote, here or in an older process.
func decodeBlob(text []byte) (blob, error) {
	var b blob
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("dialogs of a stored call: %w", err)
	}
	if b.Version != dialogVersion {
		return b, fmt.Errorf("dialogs of a stored call have version %d, this program knows %d", b.Version, dialogVersion)
	}
	for _, d := range []dialog{b.Caller, b.Trunk} {
		if d.CallID == "" || d.LocalTag == "" || d.Target == "" || !d.Flow.Remote.IsValid() || !cleanText(d.CallID+d.LocalTag+d.RemoteTag+d.Local+d.Remote+d.Target+d.Contact+d.SentBy+strings.Join(d.Routes, "")) {
			return b, fmt.Errorf("dialogs of a stored call are incomplete or hold control characters")
		}
	}
	return b, nil
}

func cleanText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// callerDialog is the dialog that a caller's INVITE begins, with us as the called party.
func callerDialog(req *sip.Request, m transport.Message, tag string) dialog {
	from, to := req.From(), req.To()
	d := dialog{CallID: req.CallID().Value(), LocalTag: tag, RemoteTag: fromTag(req), Local: untagged(to.Value()), Remote: untagged(from.Value()),
		RemoteSeq: req.CSeq().SeqNo, InviteSeq: req.CSeq().SeqNo, Routes: recordRoutes(req.Headers(), false), Flow: m.Flow}
	d.retarget(req.Contact())
	return d
}

// retarget takes over the peer's Contact (RFC 3261 §12.2.1.2).
func (d *dialog) retarget(c *sip.ContactHeader) {
	if c == nil || c.Address.Wildcard {
		return
	}
	address := c.Address
	address.Headers = nil
	if target := address.String(); cleanText(target) {
		d.Target = target
	}
}

// untagged cuts the tag off a From or To value: it is the last parameter but for others that nobody needs.
func untagged(value string) string {
	if end := strings.LastIndexByte(value, '>'); end >= 0 {
		return value[:end+1]
	}
	return value
}

// recordRoutes returns the route set: in the order of the headers for who was called, reversed for who called
// (RFC 3261 §12.1).
func recordRoutes(headers []sip.Header, caller bool) []string {
	var routes []string
	for _, h := range headers {
		if r, ok := h.(*sip.RecordRouteHeader); ok && len(routes) < maxRoutes {
			if v := r.Value(); cleanText(v) {
				routes = append(routes, v)
			}
		}
	}
	if caller {
		for i, j := 0, len(routes)-1; i < j; i, j = i+1, j-1 {
			routes[i], routes[j] = routes[j], routes[i]
		}
	}
	return routes
}

// maxRoutes limits the proxies of one route set.
const maxRoutes = 10

// hop is where the next request in the dialog goes: the first proxy, else the remote target. What is not written as an
// address, or is a private one behind another, is reached the way that the peer's messages came.
func (d *dialog) hop() transport.Flow {
	next := d.Target
	if len(d.Routes) > 0 {
		next = d.Routes[0]
	}
	if d.Flow.Conn != 0 {
		return d.Flow
	}
	at, ok := uriAddress(next, d.Flow.Network)
	if !ok || at.Addr().IsPrivate() && !d.Flow.Remote.Addr().IsPrivate() {
		return d.Flow
	}
	return transport.Flow{Network: d.Flow.Network, Local: d.Flow.Local, Remote: at, Name: d.Flow.Name}
}

// uriAddress reads the address of a URI or name-addr; false where it is a host name.
func uriAddress(text, network string) (netip.AddrPort, bool) {
	if i := strings.IndexByte(text, '<'); i >= 0 {
		text = text[i+1:]
	}
	_, text, _ = strings.Cut(text, ":")
	if i := strings.IndexAny(text, ">;?"); i >= 0 {
		text = text[:i]
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		text = text[i+1:]
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at, true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return netip.AddrPortFrom(addr, defaultPort(network)), err == nil
}

func defaultPort(network string) uint16 {
	if network == transport.TLS {
		return uint16(sip.DefaultTlsPort)
	}
	return uint16(sip.DefaultUdpPort)
}
