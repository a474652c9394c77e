package sipctl

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

const acceptBodies = "Accept: application/sdp, multipart/mixed, multipart/alternative, multipart/related"

// checkBody refuses bodies without a type (RFC 3261 §20.15), and INVITEs whose offer or answer could not be SDP (RFC 3261
// §8.2.3, §21.4.4): 415 for what they carry, 406 for what they would take in return.
func checkBody(req *sip.Request) *rejection {
	kind := req.ContentType()
	switch {
	case len(req.Body()) > 0 && kind == nil:
		return malformed("Missing Content-Type Header")
	case kind != nil && !isMediaType(string(*kind)):
		return malformed("Malformed Content-Type Header")
	case req.Method != sip.INVITE:
		return nil
	case len(req.Body()) > 0 && !describesSession(string(*kind)) && !optional(req):
		return reject(sip.StatusUnsupportedMediaType, "Unsupported Media Type", acceptBodies)
	case !acceptsSDP(req.Headers()):
		return reject(sip.StatusNotAcceptable, "Not Acceptable", acceptBodies)
	}
	return nil
}

// spaces are what may stand around the marks in a media type.
var spaces = strings.NewReplacer(" ", "", "\t", "")

// mediaType is a Content-Type or Accept value without its parameters, in small letters.
func mediaType(value string) string {
	kind, _, _ := strings.Cut(value, ";")
	return strings.ToLower(spaces.Replace(kind))
}

func isMediaType(value string) bool {
	kind, subtype, ok := strings.Cut(mediaType(value), "/")
	return ok && grammar.IsToken(kind) && grammar.IsToken(subtype)
}

// describesSession reports whether a body can be, or hold, a session description.
func describesSession(contentType string) bool {
	kind := mediaType(contentType)
	return kind == "application/sdp" || strings.HasPrefix(kind, "multipart/")
}

// optional reports whether the sender does not insist on his body being understood (RFC 3261 §20.11).
func optional(req *sip.Request) bool {
	h := grammar.Header(req.Headers(), "content-disposition")
	return h != nil && strings.Contains(strings.ToLower(spaces.Replace(h.Value())), ";handling=optional")
}

// acceptsSDP reports whether an INVITE takes SDP in the answer. Without an Accept it does; with an empty one it takes
// nothing (RFC 3261 §20.1).
func acceptsSDP(headers []sip.Header) bool {
	if grammar.Header(headers, "accept") == nil {
		return true
	}
	for _, accepted := range grammar.Tokens(headers, "accept") {
		switch mediaType(accepted) {
		case "application/sdp", "application/*", "*/*":
			return true
		}
	}
	return false
}
