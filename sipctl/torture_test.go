package sipctl

import (
	"encoding/csv"
	"fmt"
	"os"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
	"tollgate/sipctl/guard"
)

// verdict is what becomes of a datagram before any call hears of it.
func verdict(datagram []byte) string {
	if r := guard.Check(datagram); r != guard.Passed {
		return "dropped: " + r.String()
	}
	m, err := grammar.NewParser().ParseSIP(datagram)
	if err != nil {
		return "dropped: unreadable"
	}
	switch m := m.(type) {
	case *sip.Request:
		if r := validateRequest(m); r != nil {
			return fmt.Sprintf("%d %s", r.code, r.phrase)
		}
		return string(m.Method)
	case *sip.Response:
		if validateResponse(m) != nil {
			return "dropped: invalid"
		}
		return "response"
	}
	return ""
}

// The torture messages of RFC 4475, with what becomes of each. The method stands for a message that passes: what is said to
// a REGISTER or a MESSAGE is another table's business.
func TestTortureMessages(t *testing.T) {
	want := map[string]string{
		"wsinv": "INVITE", "intmeth": "dropped: control", "esc01": "INVITE", "escnull": "REGISTER", "esc02": "501 Not Implemented",
		"lwsdisp": "OPTIONS", "longreq": "INVITE", "dblreq": "REGISTER", "semiuri": "OPTIONS", "transports": "OPTIONS",
		"mpart01": "MESSAGE", "unreason": "response", "noreason": "response",

		"badinv01": "400 Malformed Via Header", "clerr": "dropped: unreadable", "ncl": "400 Malformed Content-Length Header",
		"scalar02": "400 Malformed CSeq Header", "scalarlg": "dropped: invalid", "quotbal": "400 Malformed To Header",
		"ltgtruri": "dropped: unreadable", "lwsruri": "dropped: unreadable", "lwsstart": "dropped: unreadable",
		"trws": "dropped: unreadable", "escruri": "400 Headers In Request-URI", "baddate": "400 Malformed Date Header",
		"regbadct": "400 Malformed Contact Header", "badaspec": "400 Malformed To Header", "baddn": "400 Malformed From Header",
		"badvers": "505 Version Not Supported", "mismatch01": "400 CSeq Method Differs", "mismatch02": "501 Not Implemented",
		"bigcode": "dropped: unreadable", "badbranch": "400 Malformed Via Header",

		"insuf": "400 Missing From Header", "unkscm": "416 Unsupported URI Scheme", "novelsc": "dropped: unreadable",
		"unksm2": "400 Malformed Contact Header", "bext01": "420 Bad Extension", "invut": "415 Unsupported Media Type",
		"regaut01": "REGISTER", "multi01": "400 Two CSeq Headers", "mcl01": "400 Two Content-Length Headers",
		"bcast": "dropped: invalid", "zeromf": "OPTIONS", "cparam01": "REGISTER", "cparam02": "REGISTER", "regescrt": "REGISTER",
		"sdp01": "406 Not Acceptable", "inv2543": "400 Missing From Tag", // RFC 2543 dialogs have no tags: we need them
	}
	f, err := os.Open("testdata/rfc4475/expect.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 50 || len(want) != 49 {
		t.Fatalf("%d rows, %d verdicts: %v", len(rows), len(want), err)
	}
	for _, row := range rows[1:] {
		name, rule := row[0], row[5]
		datagram, err := os.ReadFile("testdata/rfc4475/" + name + ".dat")
		if err != nil {
			t.Fatal(err)
		}
		got := verdict(datagram)
		if got != want[name] {
			t.Errorf("%s (RFC 4475 §%s, %s): got %q, want %q", name, row[1], row[2], got, want[name])
		}
		if breaks(rule, got, row[3]) {
			t.Errorf("%s: %q breaks the rule %s", name, got, rule)
		}
	}
}

// breaks applies the corpus's own rules: !2xx forbids that the message could be accepted as a call, !400 that a valid one is
// refused as malformed or lost, !5xx a server error, !any an answer.
func breaks(rule, got, kind string) bool {
	switch rule {
	case "!2xx":
		return got == "INVITE" || got == "OPTIONS" // a REGISTER is 405 whatever it holds
	case "!400":
		return got[:3] == "400" || kind == "valid" && got[0] == 'd'
	case "!5xx":
		return got[0] == '5'
	case "!any":
		return got != "response" && got[0] != 'd'
	}
	return false
}
