package sipctl_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/digest"
	"tollgate/sipctl/siptest"
)

// A flood of strangers, with and without credentials, leaves nothing behind, and holds up nobody who is known: peers, and
// phones that have shown their password lately.
func TestAFloodOfStrangersLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	phone := w.stranger("127.0.0.64", "101", "secret")
	hangUp := func(call *siptest.Call) {
		t.Helper()
		if _, err := call.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = call.Bye(t.Context())
	}
	hangUp(phone.Call("91"))
	w.cdrs(1)
	wrong := must(digest.Challenge{Realm: "tollgate", Nonce: "n", Algorithm: digest.MD5, QOP: []string{digest.Auth}}.
		Answer(digest.Credentials{Username: "101", Password: "guess"}, "INVITE", "sip:91@gw", 1, "x", nil))
	flood := func() {
		for source := range 100 {
			socket, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 9, 0, byte(source))}, net.UDPAddrFromAddrPort(w.server.Addrs()[0]))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 {
				credentials := ""
				if i%2 == 1 {
					credentials = "Authorization: " + wrong + "\r\n"
				}
				fmt.Fprintf(socket, "INVITE sip:91@gw SIP/2.0\r\nVia: SIP/2.0/UDP %[1]s;branch=z9hG4bK%[2]d;rport\r\nFrom: <sip:101@gw>;tag=1\r\nTo: <sip:91@gw>\r\n"+
					"Call-ID: %[2]d\r\nCSeq: 1 INVITE\r\nContact: <sip:101@%[1]s>\r\n%[3]sContent-Length: 0\r\n\r\n", socket.LocalAddr(), i, credentials)
			}
			socket.Close()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			flood()
		}
	}()
	began := time.Now()
	hangUp(phone.Call("91"))
	hangUp(w.phone.Call("91"))
	if took := time.Since(began); took > 3*second {
		t.Errorf("two honest calls took %v", took)
	}
	<-done
	w.cdrs(3)
	deadline := time.Now().Add(10 * second)
	for servers, _ := w.server.Transactions(); servers > 0 && time.Now().Before(deadline); servers, _ = w.server.Transactions() {
		time.Sleep(20 * time.Millisecond) // those of the honest calls linger
	}
	if servers, clients := w.server.Transactions(); servers+clients > 0 || len(w.server.Calls()) > 0 {
		t.Errorf("%d and %d transactions and %d calls are left", servers, clients, len(w.server.Calls()))
	}
	if challenged := w.metric("tollgate_sip_challenges_total"); challenged > 4000 {
		t.Errorf("%v of 12000 were answered: the guard has not held them back", challenged)
	}
}

func TestAChallengeIsShort(t *testing.T) { // or a forged source would be sent more than its forger spends
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	m := refusal(t, w.stranger("127.0.0.65", "101", "").Call("91"))
	size := len(spelled(m))
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, "Record-Route") || strings.EqualFold(h.Name, "Server") {
			t.Errorf("a challenge has %s", h.Name)
		}
	}
	if size > 700 {
		t.Errorf("a challenge has %d bytes", size)
	}
}
