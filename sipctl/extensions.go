package sipctl

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

// carried are the option tags (RFC 3261 §27.1) of extensions that work through us end to end, because all that they need are
// headers and bodies, which pass. Those that need an intermediary's help are absent: 100rel without PRACK, timer without
// tracking the refreshes, replaces and join, gruu, outbound, path, precondition.
var carried = []string{"199", "answermode", "early-session", "explicitsub", "geolocation-http", "geolocation-sip", "histinfo", "ice",
	"multiple-refer", "norefersub", "privacy", "record-aware", "resource-priority", "sdp-anat", "sip-uui", "uui"}

// supported returns the value of the Supported header for the other leg: of what this side offers, what is carried.
// "" = no header.
func supported(headers []sip.Header) string { return carriedOf(headers, "supported") }

// required returns the value of the Require header for the other leg. checkRequire has refused what is not carried.
func required(headers []sip.Header) string { return carriedOf(headers, "require") }

func carriedOf(headers []sip.Header, name string) string {
	var tags []string
	for _, tag := range grammar.Tokens(headers, name) {
		if slices.Contains(carried, tag) && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return strings.Join(tags, ", ")
}

// checkRequire refuses what demands an extension that is not carried (RFC 3261 §8.2.2.3). ACK and CANCEL may not demand
// anything, and are not refused for it.
func checkRequire(req *sip.Request) *rejection {
	if req.Method == sip.ACK || req.Method == sip.CANCEL {
		return nil
	}
	var unknown []string
	for _, name := range []string{"require", "proxy-require"} {
		for _, tag := range grammar.Tokens(req.Headers(), name) {
			if !slices.Contains(carried, tag) && !slices.Contains(unknown, tag) && len(unknown) < maxUnsupported && grammar.IsToken(tag) {
				unknown = append(unknown, tag)
			}
		}
	}
	if unknown == nil {
		return nil
	}
	return reject(sip.StatusBadExtension, "Bad Extension", "Unsupported: "+strings.Join(unknown, ", "))
}

// maxUnsupported limits how many option tags an answer repeats.
const maxUnsupported = 20
