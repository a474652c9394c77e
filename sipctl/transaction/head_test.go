package transaction

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/transport"
)

// What is refused as malformed is answered with as much of itself as there is.
func TestReplyToMalformedRequests(t *testing.T) {
	const via = "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1;rport\r\n"
	for _, c := range []struct {
		sentence string
		headers  string
		want     []string
		tagged   bool
	}{
		{"only a Via", via, nil, false},
		{"a To that cannot be read", via + "To: \"x <sip:a@b>\r\nFrom: <sip:c@d>;tag=1\r\n", []string{"To: \"x <sip:a@b>", "From: <sip:c@d>;tag=1"}, false},
		{"a CSeq that cannot be read", via + "CSeq: 99999999999 INVITE\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n", []string{"CSeq: 99999999999 INVITE", "Call-ID: x"}, true},
		{"a To with a tag keeps it", via + "To: <sip:a@b>;TAG=mine\r\n", []string{"To: <sip:a@b>;tag=mine"}, false},
	} {
		m, err := grammar.NewParser().ParseSIP([]byte("INVITE sip:1@b SIP/2.0\r\n" + c.headers + "\r\n"))
		if err != nil {
			t.Fatalf("%s: %v", c.sentence, err)
		}
		flow := transport.Flow{Network: transport.UDP, Remote: netip.MustParseAddrPort("198.51.100.1:5062")}
		to, answer := Reply(m.(*sip.Request), flow, 400, "Bad Request", []byte("Allow: INVITE\r\n"))
		if to != flow {
			t.Errorf("%s: goes to %+v", c.sentence, to)
		}
		for _, line := range append(c.want, "SIP/2.0 400 Bad Request", "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1;rport=5062;received=198.51.100.1", "Allow: INVITE") {
			if !strings.Contains(string(answer), line+"\r\n") && !strings.Contains(string(answer), line+";tag=") {
				t.Errorf("%s: no %q in %q", c.sentence, line, answer)
			}
		}
		if tagged := strings.Contains(string(answer), "To: <sip:a@b>;tag="); c.tagged && !tagged {
			t.Errorf("%s: no tag of ours in %q", c.sentence, answer)
		}
	}
}
