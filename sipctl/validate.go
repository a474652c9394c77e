package sipctl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

// What the parser takes and we do not. A message that passes here has one Via at least, and exactly one From, To, Call-ID
// and CSeq, all well formed; nothing in it is a control character; what it names as its method it also is.

const (
	maxIdentity = 512 // bytes of a Call-ID, tag or branch: stored with every call
	maxVias     = 70  // Max-Forwards that requests begin with: no path is longer
)

// rejection is an answer that refuses a request.
type rejection struct {
	code    int
	phrase  string
	headers []byte // complete lines
}

// reject makes a rejection; headers are lines without their ends.
func reject(code int, phrase string, headers ...string) *rejection {
	r := &rejection{code: code, phrase: phrase}
	for _, line := range headers {
		r.headers = append(append(r.headers, line...), "\r\n"...)
	}
	return r
}

// malformed is a 400 that names what is wrong, for whoever looks at a trace (RFC 3261 §21.4.1).
func malformed(format string, args ...any) *rejection {
	return reject(sip.StatusBadRequest, fmt.Sprintf(format, args...))
}

// validateRequest says why a request cannot be processed, nil if it can. It changes nothing.
func validateRequest(req *sip.Request) *rejection {
	if req.SipVersion != "SIP/2.0" {
		return reject(sip.StatusVersionNotSupported, "Version Not Supported")
	}
	if r := validateHeaders(req.Headers()); r != nil {
		return r
	}
	for _, check := range []func(*sip.Request) *rejection{
		checkMandatory, checkMethod, checkTarget, checkIdentity, checkRequestContact, checkBody, checkHops, checkRequire,
	} {
		if r := check(req); r != nil {
			return r
		}
	}
	return nil
}

// validateResponse says why a response is to be dropped, nil if it is not. A Contact may be missing, as from old gateways.
func validateResponse(res *sip.Response) error {
	if res.SipVersion != "SIP/2.0" || res.StatusCode < 100 || res.StatusCode > 699 {
		return fmt.Errorf("status line %s %d", res.SipVersion, res.StatusCode)
	}
	if r := validateHeaders(res.Headers()); r != nil {
		return fmt.Errorf("response %d: %s", res.StatusCode, r.phrase)
	}
	switch vias := countVias(res.Headers()); {
	case vias != 1: // RFC 3261 §8.1.3.3: not for us, or not only
		return fmt.Errorf("response %d: %d Via", res.StatusCode, vias)
	case res.From() == nil, res.To() == nil, res.CallID() == nil, res.CSeq() == nil:
		return fmt.Errorf("response %d: incomplete", res.StatusCode)
	}
	if r := checkTags(res.From(), res.To(), *res.CallID()); r != nil {
		return fmt.Errorf("response %d: %s", res.StatusCode, r.phrase)
	}
	return nil
}

// answerable reports whether a refused request says where its answer belongs, and is one that gets answers.
func answerable(req *sip.Request) bool { return req.Via() != nil && req.Method != sip.ACK }

// single lists the headers of which there may be one (RFC 3261 §7.3.1): where there are two, one element checks the first
// and another acts on the second.
var single = []string{"from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "content-disposition",
	"date", "event", "expires", "mime-version", "min-expires", "min-se", "organization", "priority", "privacy", "rack", "refer-to",
	"referred-by", "replaces", "reply-to", "retry-after", "rseq", "server", "session-expires", "subject", "target-dialog",
	"timestamp", "user-agent"}

var singleBit = func() map[string]uint64 {
	bits := make(map[string]uint64, len(single))
	for i, name := range single {
		bits[name] = 1 << i
	}
	return bits
}()

// validateHeaders checks what holds for requests and responses alike, header by header.
func validateHeaders(headers []sip.Header) *rejection {
	var seen uint64
	for _, h := range headers {
		name := grammar.LongName(h.Name())
		bit := singleBit[name]
		if seen&bit != 0 {
			return malformed("Two %s Headers", canonical(name))
		}
		seen |= bit
		if r := validateHeader(name, h); r != nil {
			return r
		}
	}
	return nil
}

// validateHeader checks one header. The parser has left what it could not read as text under the same name.
func validateHeader(name string, h sip.Header) *rejection {
	ok := true
	switch name {
	case "from":
		_, ok = h.(*sip.FromHeader)
	case "to":
		_, ok = h.(*sip.ToHeader)
	case "call-id":
		_, ok = h.(*sip.CallIDHeader)
	case "cseq":
		_, ok = h.(*sip.CSeqHeader)
	case "max-forwards":
		_, ok = h.(*sip.MaxForwardsHeader)
	case "content-length":
		_, ok = h.(*sip.ContentLengthHeader)
	case "content-type":
		_, ok = h.(*sip.ContentTypeHeader)
	case "via":
		ok = validVia(h)
	case "route":
		route, typed := h.(*sip.RouteHeader)
		ok = typed && grammar.CheckURI(&route.Address) == nil
	case "record-route":
		route, typed := h.(*sip.RecordRouteHeader)
		ok = typed && grammar.CheckURI(&route.Address) == nil
	case "contact":
		if _, typed := h.(*sip.ContactHeader); typed {
			return nil
		}
		ok = !grammar.HasControl(h.Value())
	case "date":
		_, err := time.Parse(sipDate, h.Value())
		ok = err == nil
	default:
		ok = grammar.IsToken(h.Name()) && !grammar.HasControl(h.Value())
	}
	if !ok {
		return malformed("Malformed %s Header", canonical(name))
	}
	return nil
}

// sipDate is the one form of a Date (RFC 3261 §20.17): GMT, never another zone.
const sipDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// canonical writes a name from the switch above, or an unknown one that cannot do harm in a reason phrase.
func canonical(name string) string {
	if !grammar.IsToken(name) || len(name) > 40 {
		return "Unknown"
	}
	parts := strings.Split(name, "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.NewReplacer("Id", "ID", "Cseq", "CSeq").Replace(strings.Join(parts, "-"))
}

// validVia checks one hop (RFC 3261 §20.42). A branch of the magic cookie alone identifies nothing.
func validVia(h sip.Header) bool {
	via, ok := h.(*sip.ViaHeader)
	if !ok || via.ProtocolVersion != "2.0" || !strings.EqualFold(via.ProtocolName, "SIP") || via.Port < 0 || via.Port > 65535 {
		return false
	}
	branch, _ := via.Params.Get("branch")
	return len(branch) <= maxIdentity && branch != sip.RFC3261BranchMagicCookie
}

func countVias(headers []sip.Header) (n int) {
	for _, h := range headers {
		if _, ok := h.(*sip.ViaHeader); ok {
			n++
		}
	}
	return n
}

// checkMandatory looks for what RFC 3261 §8.1.1 demands of every request. Max-Forwards may be missing: RFC 2543 had none.
func checkMandatory(req *sip.Request) *rejection {
	switch {
	case req.Via() == nil:
		return malformed("Missing Via Header")
	case countVias(req.Headers()) > maxVias:
		return malformed("Too Many Via Headers")
	case !grammar.IsHost(req.Via().Host) || !grammar.IsToken(req.Via().Transport):
		return malformed("Malformed Via Header")
	case req.From() == nil:
		return malformed("Missing From Header")
	case req.To() == nil:
		return malformed("Missing To Header")
	case req.CallID() == nil:
		return malformed("Missing Call-ID Header")
	case req.CSeq() == nil:
		return malformed("Missing CSeq Header")
	}
	return nil
}

// methods that we know. Another one is 501, one that is not allowed where it comes 405.
var methods = []sip.RequestMethod{sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.INFO, sip.UPDATE, sip.PRACK, sip.MESSAGE,
	sip.REFER, sip.NOTIFY, sip.SUBSCRIBE, sip.REGISTER, sip.PUBLISH}

func checkMethod(req *sip.Request) *rejection {
	switch {
	case !slices.Contains(methods, req.Method):
		return reject(sip.StatusNotImplemented, "Not Implemented", "Allow: "+allowed)
	case req.CSeq().MethodName != req.Method:
		return malformed("CSeq Method Differs")
	}
	return nil
}

// checkTarget checks the Request-URI (RFC 3261 §8.2.2.1, §19.1.1): headers in it are for the user agent that makes a request
// of it, and have no business in one.
func checkTarget(req *sip.Request) *rejection {
	uri := &req.Recipient
	switch {
	case uri.Scheme != "sip" && uri.Scheme != "sips":
		return reject(sip.StatusRequestedRangeNotSatisfiable, "Unsupported URI Scheme")
	case len(uri.Headers) > 0:
		return malformed("Headers In Request-URI")
	case grammar.CheckURI(uri) != nil:
		return malformed("Malformed Request-URI")
	}
	return nil
}

func checkIdentity(req *sip.Request) *rejection {
	if tag, _ := req.From().Params.Get("tag"); tag == "" {
		return malformed("Missing From Tag")
	}
	return checkTags(req.From(), req.To(), *req.CallID())
}

// checkTags checks what identifies a dialog.
func checkTags(from *sip.FromHeader, to *sip.ToHeader, callID sip.CallIDHeader) *rejection {
	fromTag, _ := from.Params.Get("tag")
	toTag, hasTo := to.Params.Get("tag")
	switch {
	case fromTag != "" && !grammar.IsToken(fromTag), hasTo && !grammar.IsToken(toTag):
		return malformed("Malformed Tag")
	case len(fromTag) > maxIdentity, len(toTag) > maxIdentity, len(callID) > maxIdentity:
		return malformed("Identifier Too Long")
	}
	return nil
}

// checkRequestContact demands of an INVITE exactly one address that we can reach (RFC 3261 §8.1.1.8), and of other requests
// that they have none or such a one; a registration may do as it likes, since it is refused.
func checkRequestContact(req *sip.Request) *rejection {
	n := 0
	for _, h := range req.Headers() {
		if grammar.LongName(h.Name()) != "contact" || req.Method == sip.REGISTER && isContact(h) {
			continue
		}
		c, ok := h.(*sip.ContactHeader)
		if !ok || c.Address.Wildcard || !strings.HasPrefix(c.Address.Scheme, "sip") || len(c.Address.Headers) > 0 {
			return malformed("Malformed Contact Header")
		}
		n++
	}
	switch {
	case n > 1:
		return malformed("Two Contact Headers")
	case n == 0 && req.Method == sip.INVITE:
		return malformed("Missing Contact Header")
	}
	return nil
}

// isContact reports whether a registration's Contact can be read.
func isContact(h sip.Header) bool {
	c, ok := h.(*sip.ContactHeader)
	return ok && (c.Address.Wildcard || c.Address.Scheme == "sip" || c.Address.Scheme == "sips" || c.Address.Scheme == "tel")
}

// checkHops refuses what would be passed on and may not be (RFC 3261 §16.3). What ends here is answered whatever it says.
func checkHops(req *sip.Request) *rejection {
	hops := req.MaxForwards()
	switch req.Method {
	case sip.ACK, sip.BYE, sip.CANCEL, sip.PRACK, sip.OPTIONS:
		return nil
	}
	if hops != nil && hops.Val() == 0 {
		return reject(sip.StatusTooManyHops, "Too Many Hops")
	}
	return nil
}
