package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// A call through the edge with a real rtpengine (in user space): both sides send their media to it, and it arrives.
// Phones behind NAT need that.
func TestMediaThroughAnRTPEngineAtTheEdge(t *testing.T) {
	program := checkedBy(t, "rtpengine")
	const relay = "127.0.0.9"
	control := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	engine := exec.Command(program, "--foreground", "--log-stderr", "--table=-1", "--interface="+relay, "--listen-ng="+control,
		"--port-min=31000", "--port-max=31200", "--num-threads=2", "--pidfile="+filepath.Join(t.TempDir(), "pid"))
	companion(t, "rtpengine", engine)
	o := newOffice(t, "")
	phoneMedia, carrierMedia := mediaSocket(t, "127.0.0.5"), mediaSocket(t, "127.0.0.1")
	answer := siptest.Answer(20 * time.Millisecond)
	answer.Session = sessionAt(carrierMedia)
	o.carrier.On("855", answer)
	e := startEdgeWith(t, []string{"WITH_RTPENGINE", fmt.Sprintf("RTPENGINE=%q", "udp:"+control)}, o)
	e.awaitBelief(o, "AP")
	call := e.answered(e.phone(rich), siptest.Plan{Number: "9855", Body: sessionAt(phoneMedia)})
	accepted, err := call.Answered(within(t, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	leg, err := o.carrier.Await(within(t, 5*time.Second), "")
	if err != nil {
		t.Fatal(err)
	}
	toCarrier, toPhone := mediaOf(t, leg.Invite().Body), mediaOf(t, accepted.Body)
	if !strings.HasPrefix(toCarrier, relay+":") || !strings.HasPrefix(toPhone, relay+":") {
		t.Fatalf("media goes to %s and %s, want both to %s", toCarrier, toPhone, relay)
	}
	heard(t, phoneMedia, toPhone, carrierMedia, relay)
	heard(t, carrierMedia, toCarrier, phoneMedia, relay)
	if m, err := call.Bye(within(t, 5*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("BYE: %v %v", m, err)
	}
	if c := o.calls(1)[0]; c.Cost != "0.1000" {
		t.Errorf("%+v", c)
	}
	o.proved(10 * time.Second)
}

func mediaSocket(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// sessionAt is a session description of one audio stream.
func sessionAt(media *net.UDPConn) siptest.Body {
	at := media.LocalAddr().(*net.UDPAddr)
	return siptest.Body{Type: "application/sdp", Text: fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", at.IP, at.IP, at.Port)}
}

// mediaOf is the address of the audio in a session description.
func mediaOf(t *testing.T, session string) string {
	t.Helper()
	address, port := regexp.MustCompile(`c=IN IP4 (\S+)`).FindStringSubmatch(session), regexp.MustCompile(`m=audio (\d+)`).FindStringSubmatch(session)
	if address == nil || port == nil {
		t.Fatalf("no audio in\n%s", session)
	}
	return address[1] + ":" + port[1]
}

// heard sends RTP (RFC 3550 §5.1) to the relay until it comes out at the other side.
func heard(t *testing.T, from *net.UDPConn, relayed string, to *net.UDPConn, relay string) {
	t.Helper()
	target, err := net.ResolveUDPAddr("udp", relayed)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		packet := append([]byte{0x80, 0, 0, byte(n), 0, 0, 0, byte(n), 1, 2, 3, 4}, make([]byte, 160)...)
		if _, err := from.WriteToUDP(packet, target); err != nil {
			t.Fatal(err)
		}
		to.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		got := make([]byte, 1500)
		size, source, err := to.ReadFromUDP(got)
		if err == nil && source.IP.String() == relay && size == len(packet) && got[1]&0x7f == 0 {
			return
		}
	}
	t.Errorf("nothing sent to %s arrives at %s", relayed, to.LocalAddr())
}
