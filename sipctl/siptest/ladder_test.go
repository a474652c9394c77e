package siptest

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestLadder(t *testing.T) {
	l := &Ladder{}
	phone, gate, carrier := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"), netip.MustParseAddrPort("127.0.0.1:3")
	l.join("carrier", carrier, right)
	l.join("phone", phone, left)
	l.Name("tollgate", gate)
	start := time.Now()
	message := func(first, callID string) []byte {
		return []byte(first + "\r\nVia: v\r\nFrom: f\r\nTo: t\r\nCall-ID: " + callID + "\r\nCSeq: 1 INVITE\r\nl: 4\r\n\r\nv=0\n")
	}
	from := func(source netip.AddrPort, at time.Duration, first, callID string) *Message {
		m, err := Parse(string(message(first, callID)))
		if err != nil {
			t.Fatal(err)
		}
		m.At, m.Source = start.Add(at), source
		return m
	}
	l.sent(start, phone, gate, message("INVITE sip:988@h SIP/2.0", "a"))
	l.sent(start.Add(30*time.Millisecond), carrier, gate, message("SIP/2.0 200 OK", "b"))
	l.received(carrier, from(gate, 2*time.Millisecond, "INVITE sip:+88@h SIP/2.0", "b"))
	l.received(phone, from(gate, 31*time.Millisecond, "SIP/2.0 200 A reason much too long for the space", "a"))
	l.received(phone, from(carrier, 40*time.Millisecond, "SIP/2.0 200 Twice", "a")) // the carrier has noted it already
	l.garbage(start.Add(50*time.Millisecond), gate, phone, errCSeq)
	want := `
          phone                         tollgate                      carrier
    0.000 │─ INVITE 988 SDP ───────────▶│                             │
    0.002 │                             │─ INVITE +88 SDP ───────────▶│
    0.030 │                             │◀────── 200 OK (INVITE) SDP ─│
    0.031 │◀ 200 A reason much too lon…─│                             │
    0.050 │◀ malformed: the CSeq heade…─│                             │
`
	var got []string
	for line := range strings.Lines(l.String()) {
		got = append(got, strings.TrimRight(line, " \n"))
	}
	if text := "\n" + strings.Join(got, "\n") + "\n"; text != want {
		t.Errorf("got%swant%s", text, want)
	}
	var one strings.Builder
	if err := l.Print(&one, "b"); err != nil || strings.Count(one.String(), "\n") != 3 || strings.Contains(one.String(), "phone") {
		t.Errorf("one call: %v\n%s", err, &one)
	}
}

func TestLadderIsBounded(t *testing.T) {
	l := &Ladder{}
	for range ladderLimit + 10 {
		l.sent(time.Now(), netip.AddrPort{}, netip.AddrPort{}, []byte("no SIP"))
	}
	if len(l.Rungs("")) != ladderLimit || !strings.Contains(l.String(), "(10 earlier messages not kept)") {
		t.Errorf("%d kept", len(l.Rungs("")))
	}
	var none *Ladder
	none.join("phone", netip.AddrPort{}, left)
	none.sent(time.Now(), netip.AddrPort{}, netip.AddrPort{}, nil)
}
