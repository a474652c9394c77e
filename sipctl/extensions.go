package sipctl

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

// carried are the option tags (RFC 3261 §27.1) of extensions that work through us end to end, because all that they need are
// headers, bodies and in-dialog requests, which pass; 100rel has a hand of ours in it (prack.go). The others do not: replaces,
// join and tdialog name dialogs that are others on the other leg, gruu, outbound and path are about registrations.
var carried = []string{"100rel", "199", "answermode", "early-session", "geolocation-http", "geolocation-sip", "histinfo", "ice", "norefersub",
	"precondition", "privacy", "record-aware", "resource-priority", "sdp-anat", "timer", "uui"}

// carriedOf keeps the carried ones of a list of option tags.
func carriedOf(list string) string {
	var tags []string
	for tag := range strings.SplitSeq(list, ",") {
		if tag = sip.ASCIIToLower(strings.Trim(tag, " \t")); slices.Contains(carried, tag) {
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
	if len(unknown) == 0 {
		return nil
	}
	return reject(sip.StatusBadExtension, "Bad Extension", "Unsupported: "+strings.Join(unknown, ", "))
}

// maxUnsupported limits how many option tags an answer repeats.
const maxUnsupported = 20
