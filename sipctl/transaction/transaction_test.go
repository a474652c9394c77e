package transaction

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/transport"
)

// bench is a layer without a network: what it sends is kept with its time, what it tells its user, too.
type bench struct {
	t     *testing.T
	layer *Layer
	start time.Time

	mu   sync.Mutex
	sent []string // "3.5s SIP/2.0 200 OK"
	raw  []string
	told []string
	tx   *Server
}

const (
	t1   = 500 * time.Millisecond
	here = "192.0.2.1:5060"
	peer = "192.0.2.9:5060"
)

func newBench(t *testing.T) *bench {
	b := &bench{t: t, start: time.Now()}
	b.layer = New(Timers{T1: t1, T2: 4 * time.Second, Timeout: 64 * t1, Linger: 10 * time.Second, Trying: 200 * time.Millisecond}, b, b.send)
	return b
}

func (b *bench) send(_ transport.Flow, m []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	line, _, _ := strings.Cut(string(m), "\r\n")
	b.sent, b.raw = append(b.sent, fmt.Sprint(time.Since(b.start), " ", line)), append(b.raw, string(m))
	return nil
}

func (b *bench) tell(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprint(time.Since(b.start))+" "+fmt.Sprintf(format, args...))
}

func (b *bench) Request(tx *Server, req *sip.Request, _ transport.Message) {
	b.tx = tx
	tx.SetUser(b)
	b.tell("request %s", req.Method)
}
func (b *bench) Ack(*sip.Request, transport.Message)          { b.tell("ack") }
func (b *bench) Stray(res *sip.Response, _ transport.Message) { b.tell("stray %d", res.StatusCode) }
func (b *bench) Cancelled()                                   { b.tell("cancelled") }
func (b *bench) NoAck()                                       { b.tell("no ack") }
func (b *bench) Failed(_ *Client, err error)                  { b.tell("failed: %v", err) }
func (b *bench) Response(_ *Client, res *sip.Response, _ transport.Message) {
	b.tell("response %d", res.StatusCode)
}

func (b *bench) receive(network, method, branch string, extra ...string) {
	b.t.Helper()
	b.from(peer, network, method, branch, extra...)
}

func (b *bench) from(source, network, method, branch string, extra ...string) {
	b.t.Helper()
	text := method + " sip:91@" + here + " SIP/2.0\r\nVia: SIP/2.0/UDP " + peer + ";branch=" + branch + "\r\nFrom: <sip:101@x>;tag=a\r\nTo: <sip:91@x>\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\n" + strings.Join(extra, "") + "Content-Length: 0\r\n\r\n"
	m, err := sip.ParseMessage([]byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	b.layer.Request(m.(*sip.Request), transport.Message{SIP: m, At: time.Now(), Flow: transport.Flow{Network: network, Remote: netip.MustParseAddrPort(source)}})
}

func (b *bench) answer(code int, method, branch string) {
	text := fmt.Sprintf("SIP/2.0 %d X\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nFrom: <sip:101@x>;tag=a\r\nTo: <sip:91@x>;tag=b\r\nCall-ID: c\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", code, here, branch, method)
	m, _ := sip.ParseMessage([]byte(text))
	b.layer.Response(m.(*sip.Response), transport.Message{SIP: m, At: time.Now()})
}

func (b *bench) begin(network string, method sip.RequestMethod, branch string) *Client {
	c, err := b.layer.Begin(Outgoing{Method: method, Branch: branch, Flow: transport.Flow{Network: network, Remote: netip.MustParseAddrPort(peer)},
		Message: []byte(string(method) + " x\r\n"), Ack: func(to string) []byte { return []byte("ACK " + to + "\r\n") }}, b)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// expect compares what was sent and told so far.
func (b *bench) expect(sent, told string) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := strings.Join(b.sent, ", "); got != sent {
		b.t.Errorf("sent %s\nwant %s", got, sent)
	}
	if got := strings.Join(b.told, ", "); got != told {
		b.t.Errorf("told %s\nwant %s", got, told)
	}
}

func run(t *testing.T, name string, f func(*bench)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(newBench(t)) }) })
}

func TestServer(t *testing.T) {
	run(t, "an INVITE gets its 100 after 200 ms", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		time.Sleep(time.Second)
		b.expect("200ms SIP/2.0 100 Trying", "0s request INVITE")
	})
	run(t, "and none when it was answered before", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(180, "Ringing", nil, nil)
		time.Sleep(time.Second)
		b.expect("0s SIP/2.0 180 Ringing", "0s request INVITE")
	})
	run(t, "a copy of the INVITE gets the newest answer again", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(180, "Ringing", nil, nil)
		b.receive("udp", "INVITE", "z9hG4bK1")
		b.expect("0s SIP/2.0 180 Ringing, 0s SIP/2.0 180 Ringing", "0s request INVITE")
	})
	run(t, "the same branch from elsewhere is another request", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		b.from("198.51.100.7:5060", "udp", "CANCEL", "z9hG4bK1")
		time.Sleep(150 * time.Millisecond)
		b.expect("", "0s request INVITE")
	})
	run(t, "a 2xx is repeated until its ACK", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(200, "OK", nil, nil)
		time.Sleep(4 * time.Second)
		b.receive("udp", "ACK", "z9hG4bK2")
		b.tx.Confirm()
		time.Sleep(time.Minute)
		b.expect("0s SIP/2.0 200 OK, 500ms SIP/2.0 200 OK, 1.5s SIP/2.0 200 OK, 3.5s SIP/2.0 200 OK", "0s request INVITE, 4s ack")
	})
	run(t, "also when the ACK has the branch of the INVITE, and over TCP", func(b *bench) {
		b.receive("tcp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(200, "OK", nil, nil)
		time.Sleep(time.Second)
		b.receive("tcp", "ACK", "z9hG4bK1")
		b.tx.Confirm()
		time.Sleep(time.Minute)
		b.expect("0s SIP/2.0 200 OK, 500ms SIP/2.0 200 OK", "0s request INVITE, 1s ack")
	})
	run(t, "a 2xx without ACK is given up after 64·T1, with the pauses growing to T2", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(200, "OK", nil, nil)
		time.Sleep(2 * time.Minute)
		b.mu.Lock()
		n, last, told := len(b.sent), b.sent[len(b.sent)-1], b.told[len(b.told)-1]
		b.mu.Unlock()
		if n != 11 || last != "31.5s SIP/2.0 200 OK" || told != "32s no ack" {
			b.t.Errorf("sent %d times, %s, %s", n, last, told)
		}
	})
	run(t, "a refusal is repeated until its ACK, which nobody else hears of", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(486, "Busy", nil, nil)
		time.Sleep(600 * time.Millisecond)
		b.receive("udp", "ACK", "z9hG4bK1")
		time.Sleep(time.Minute)
		b.expect("0s SIP/2.0 486 Busy, 500ms SIP/2.0 486 Busy", "0s request INVITE")
	})
	run(t, "there is no second final response", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(487, "Terminated", nil, nil)
		if err := b.tx.Respond(200, "OK", nil, nil); err != ErrFinal {
			b.t.Errorf("a 200 after a 487: %v", err)
		}
		b.expect("0s SIP/2.0 487 Terminated", "0s request INVITE")
	})
	run(t, "a BYE is answered again, but handled once", func(b *bench) {
		b.receive("udp", "BYE", "z9hG4bK1")
		_ = b.tx.Respond(200, "OK", nil, nil)
		b.receive("udp", "BYE", "z9hG4bK1")
		b.expect("0s SIP/2.0 200 OK, 0s SIP/2.0 200 OK", "0s request BYE")
	})
}

func TestCancel(t *testing.T) {
	run(t, "is answered with the tag of the INVITE, and told once", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(180, "Ringing", nil, nil)
		b.receive("udp", "CANCEL", "z9hG4bK1")
		b.receive("udp", "CANCEL", "z9hG4bK1")
		_ = b.tx.Respond(487, "Request Terminated", nil, nil)
		b.receive("udp", "ACK", "z9hG4bK1")
		b.expect("0s SIP/2.0 180 Ringing, 0s SIP/2.0 200 OK, 0s SIP/2.0 200 OK, 0s SIP/2.0 487 Request Terminated", "0s request INVITE, 0s cancelled")
		for _, raw := range b.raw {
			if !strings.Contains(raw, "To: <sip:91@x>;tag="+b.tx.Tag()+"\r\n") {
				b.t.Errorf("another To tag in %s", raw)
			}
		}
	})
	run(t, "after our 2xx is answered and changes nothing", func(b *bench) {
		b.receive("udp", "INVITE", "z9hG4bK1")
		_ = b.tx.Respond(200, "OK", nil, nil)
		b.receive("udp", "CANCEL", "z9hG4bK1")
		b.expect("0s SIP/2.0 200 OK, 0s SIP/2.0 200 OK", "0s request INVITE")
	})
	run(t, "before its INVITE cancels it all the same", func(b *bench) {
		b.receive("udp", "CANCEL", "z9hG4bK1")
		time.Sleep(100 * time.Millisecond)
		b.receive("udp", "INVITE", "z9hG4bK1")
		b.receive("udp", "ACK", "z9hG4bK1")
		time.Sleep(time.Minute)
		b.expect("100ms SIP/2.0 200 OK, 100ms SIP/2.0 487 Request Terminated", "")
	})
	run(t, "without an INVITE is 481, and one that comes later is not begun", func(b *bench) {
		b.receive("udp", "CANCEL", "z9hG4bK1")
		time.Sleep(3 * time.Second)
		b.receive("udp", "INVITE", "z9hG4bK1")
		b.receive("udp", "ACK", "z9hG4bK1")
		b.expect("200ms SIP/2.0 481 Call/Transaction Does Not Exist, 3s SIP/2.0 200 OK, 3s SIP/2.0 487 Request Terminated", "")
	})
}

func TestClient(t *testing.T) {
	run(t, "an INVITE is repeated until any answer", func(b *bench) {
		b.begin("udp", "INVITE", "z9hG4bK1")
		time.Sleep(4 * time.Second)
		b.answer(100, "INVITE", "z9hG4bK1")
		time.Sleep(time.Hour)
		b.expect("0s INVITE x, 500ms INVITE x, 1.5s INVITE x, 3.5s INVITE x", "4s response 100")
	})
	run(t, "and given up after 64·T1", func(b *bench) {
		b.begin("tcp", "INVITE", "z9hG4bK1")
		time.Sleep(time.Hour)
		b.expect("0s INVITE x", "32s failed: no answer in time")
	})
	run(t, "a refusal is acknowledged, each copy again, and told once", func(b *bench) {
		b.begin("udp", "INVITE", "z9hG4bK1")
		b.answer(486, "INVITE", "z9hG4bK1")
		b.answer(486, "INVITE", "z9hG4bK1")
		b.expect("0s INVITE x, 0s ACK <sip:91@x>;tag=b, 0s ACK <sip:91@x>;tag=b", "0s response 486")
	})
	run(t, "a 2xx ends the transaction, its copies are strays", func(b *bench) {
		b.begin("udp", "INVITE", "z9hG4bK1")
		b.answer(200, "INVITE", "z9hG4bK1")
		b.answer(200, "INVITE", "z9hG4bK1")
		b.expect("0s INVITE x", "0s response 200, 0s stray 200")
		if _, n := b.layer.Size(); n != 0 {
			b.t.Errorf("%d transactions are kept", n)
		}
	})
	run(t, "a quiet one is repeated no more, and still heard", func(b *bench) {
		c := b.begin("udp", "INVITE", "z9hG4bK1")
		c.Quiet()
		time.Sleep(10 * time.Second)
		b.answer(180, "INVITE", "z9hG4bK1")
		b.answer(200, "INVITE", "z9hG4bK1")
		b.expect("0s INVITE x", "10s response 180, 10s response 200")
	})
	run(t, "a BYE is repeated every T2 in the end", func(b *bench) {
		b.begin("udp", "BYE", "z9hG4bK1")
		time.Sleep(12 * time.Second)
		b.answer(200, "BYE", "z9hG4bK1")
		time.Sleep(time.Minute)
		b.expect("0s BYE x, 500ms BYE x, 1.5s BYE x, 3.5s BYE x, 7.5s BYE x, 11.5s BYE x", "12s response 200")
	})
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 1000 {
			branch := fmt.Sprint("z9hG4bK", i)
			b.receive("udp", "INVITE", branch)
			_ = b.tx.Respond(200, "OK", nil, nil)
			b.tx.Confirm()
			b.receive("udp", "BYE", branch)
			_ = b.tx.Respond(200, "OK", nil, nil)
			b.begin("udp", "INVITE", branch)
			b.answer(486, "INVITE", branch)
			b.begin("udp", "BYE", branch)
			b.answer(200, "BYE", branch)
		}
		time.Sleep(11 * time.Second)
		b.layer.sweep(time.Now())
		if servers, clients := b.layer.Size(); servers != 0 || clients != 0 || len(b.layer.graves) != 0 {
			t.Errorf("%d and %d transactions are left, %d graves", servers, clients, len(b.layer.graves))
		}
	})
}

func TestAnswersGoWhereTheRequestCameFrom(t *testing.T) {
	for _, c := range []struct{ name, via, source, want, header string }{
		{"the port of the Via", "192.0.2.9:5070", "192.0.2.9:31000", "192.0.2.9:5070", "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1"},
		{"the default port", "192.0.2.9", "192.0.2.9:31000", "192.0.2.9:5060", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1"},
		{"the source's own port with rport", "10.0.0.1:5070;rport", "192.0.2.9:31000", "192.0.2.9:31000", "Via: SIP/2.0/UDP 10.0.0.1:5070;rport=31000;branch=z9hG4bK1;received=192.0.2.9"},
		{"never where received points", "10.0.0.1:5070;received=203.0.113.5", "192.0.2.9:31000", "192.0.2.9:5070", "received=192.0.2.9"},
	} {
		m, err := sip.ParseMessage([]byte("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP " + c.via + ";branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		to, message := Reply(m.(*sip.Request), transport.Flow{Network: "udp", Remote: netip.MustParseAddrPort(c.source)}, 200, "OK", nil)
		if to.Remote.String() != c.want || !strings.Contains(string(message), c.header) {
			t.Errorf("%s: to %s, want %s\n%s", c.name, to.Remote, c.want, message)
		}
	}
}
