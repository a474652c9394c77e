package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// What a hostile network does to the whole program: it leaves a process that bills the next call to the micro-unit, with as
// much memory and as many goroutines as before.

// vitals are what must not grow.
type vitals struct{ kilobytes, goroutines float64 }

func (n *node) vitals() vitals {
	n.t.Helper()
	read := func(name string) float64 {
		text, _ := n.metric(name)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			n.t.Fatalf("metric %s: %q", name, text)
		}
		return value
	}
	return vitals{read("process_resident_memory_bytes") / 1024, read("go_goroutines")}
}

// flat waits until the process is about as it was.
func (n *node) flat(before vitals, limit time.Duration) vitals {
	n.t.Helper()
	const slackKilobytes, slackGoroutines = 64 << 10, 40
	var now vitals
	n.await("as small as before", limit, func() bool {
		now = n.vitals()
		return now.kilobytes < before.kilobytes+slackKilobytes && now.goroutines < before.goroutines+slackGoroutines
	})
	return now
}

// slowRun reports whether long runs are wanted, as in CI.
func slowRun() bool { return os.Getenv("TOLLGATE_SLOW") != "" }

// seeds are messages of real traffic: of new calls that have no money, of nobody, of a call that is up, and answers of its trunk.
func (o *office) seeds(call *siptest.Call) [][]byte {
	request := func(method, from, toTag, callID, cseq, body string) []byte {
		to := "<sip:" + number + "@tollgate>"
		if toTag != "" {
			to += ";tag=" + toTag
		}
		return fmt.Appendf(nil, "%s sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: \"A\" <sip:%s@pbx>;tag=f1\r\nTo: %s\r\n"+
			"Call-ID: %s\r\nCSeq: %s %s\r\nContact: <sip:%s@127.0.0.1:5999>\r\nSupported: timer, 100rel\r\nSession-Expires: 1800\r\nP-Asserted-Identity: <sip:%s@pbx>\r\nDiversion: <sip:1@pbx>\r\n"+
			"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", method, number, o.sip, rand.Uint64(), from, to, callID, cseq, method, from, from, len(body), body)
	}
	const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
	list := [][]byte{request("INVITE", broke, "", "t1", "1", sdp), request("OPTIONS", broke, "", "t2", "1", ""), request("REGISTER", broke, "", "t3", "1", "")}
	for _, method := range []string{"BYE", "INVITE", "UPDATE", "INFO", "PRACK", "ACK", "CANCEL", "MESSAGE", "REFER"} {
		list = append(list, request(method, broke, "x9", call.ID(), "7", sdp)) // its tags are guessed
	}
	for _, code := range []string{"100 Trying", "180 Ringing", "200 OK", "401 Unauthorized", "503 Service Unavailable"} {
		list = append(list, fmt.Appendf(nil, "SIP/2.0 %s\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKx\r\nFrom: <sip:101@h>;tag=a\r\nTo: <sip:1@h>;tag=b\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"+
			"Contact: <sip:1@127.0.0.1:5999>\r\nRSeq: 5\r\nRequire: 100rel\r\nContent-Length: 0\r\n\r\n", code, o.sip, call.ID()))
	}
	return list
}

func TestTwentyThousandBrokenMessages(t *testing.T) {
	messages := 2000
	if slowRun() {
		messages = 20_000
	}
	o := newOffice(t, "log: { level: error }\n")
	call := o.phone.Call(number)
	if m, err := call.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	answered := time.Now()
	socket, err := net.Dial("udp", o.sip)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go func() { // answers are read, or the kernel tells us of a full socket
		buffer := make([]byte, 65536)
		for {
			if _, err := socket.Read(buffer); err != nil {
				return
			}
		}
	}()
	before := o.vitals()
	random := rand.New(rand.NewPCG(1, 2))
	seeds := o.seeds(call)
	for i := range messages {
		broken := siptest.Mutate(random, seeds[i%len(seeds)])
		if i%20 == 19 {
			if stream, err := net.DialTimeout("tcp", o.sip, time.Second); err == nil { // on a connection of its own, which may be closed on us
				_ = stream.SetDeadline(time.Now().Add(time.Second))
				_, _ = stream.Write(broken)
				stream.Close()
			}
			continue
		}
		_, _ = socket.Write(broken)
		if i%100 == 99 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	malformed, _ := o.metric("tollgate_sip_malformed_total")
	if n, _ := strconv.ParseFloat(malformed, 64); n < float64(messages)/20 {
		t.Errorf("only %s of %d broken messages were seen as such", malformed, messages)
	}
	if text, _ := o.metric("tollgate_sip_faults_total"); text != "0" {
		t.Errorf("%s panics", text)
	}
	if m, err := call.Info(within(t, 10*time.Second), siptest.Body{Type: "text/plain", Text: "still there"}); err != nil || m.Code != 200 {
		t.Fatalf("the call that was up: %v %v", m, err)
	}
	if m, err := call.Bye(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("BYE: %v %v", m, err)
	}
	talked := time.Since(answered)
	next := o.phone.Call(number)
	if m, err := next.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("the next call: %v %v", m, err)
	}
	next.Bye(within(t, 10*time.Second))
	o.costs(next.ID(), "0.1000")
	if talked < 60*time.Second {
		o.costs(call.ID(), "0.1000")
	}
	after := o.flat(before, 60*time.Second)
	t.Logf("%d messages: %.0f → %.0f kB, %.0f → %.0f goroutines, %s malformed", messages, before.kilobytes, after.kilobytes, before.goroutines, after.goroutines, malformed)
	o.proved(90 * time.Second)
}

// costs waits for the record of a call.
func (o *office) costs(callID, cost string) {
	o.t.Helper()
	var list struct{ Items []record }
	o.await("the record of call "+callID, 15*time.Second, func() bool {
		o.call("GET", "/calls?per_page=200&q="+rich, nil, &list, 200)
		for _, cdr := range list.Items {
			if cdr.CallIDA == callID {
				if cdr.Cost != cost {
					o.t.Errorf("call %s cost %s, want %s", callID, cdr.Cost, cost)
				}
				return true
			}
		}
		return false
	})
}

// floodTime is how long the flood lasts: TOLLGATE_FLOOD=10m for the long form, `make flood`.
func floodTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("TOLLGATE_FLOOD")
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAFloodFromForgedSources(t *testing.T) {
	o := newOffice(t, "log: { level: error }\n")
	o.onlyTrusts("127.0.0.1/32")
	o.call("PATCH", "/extensions/"+broke, map[string]any{"sip_password": "a long enough one"}, nil, 200) // so strangers are challenged
	warm := o.phone.Call(number)
	if m, err := warm.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	warm.Bye(within(t, 10*time.Second))
	before := o.vitals()
	random := rand.New(rand.NewPCG(3, 4))
	seeds := o.seeds(warm)
	sent, minute := 0, time.Now()
	for end := time.Now().Add(floodTime(t)); time.Now().Before(end); {
		source := fmt.Sprintf("127.%d.%d.%d:0", 1+random.IntN(254), random.IntN(256), 1+random.IntN(254))
		dialer := net.Dialer{LocalAddr: must(net.ResolveUDPAddr("udp", source))}
		socket, err := dialer.Dial("udp", o.sip)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			message := seeds[random.IntN(len(seeds))]
			if random.IntN(2) == 0 {
				message = siptest.Mutate(random, message)
			}
			if random.IntN(4) == 0 {
				message = []byte(strings.Replace(string(message), "Contact:", fmt.Sprintf("Authorization: Digest username=\"%s\", realm=\"tollgate\", nonce=\"%d\", uri=\"sip:%s@%s\", response=\"%032x\", algorithm=MD5, cnonce=\"a\", nc=00000001, qop=auth\r\nContact:",
					broke, random.Uint64(), number, o.sip, random.Uint64()), 1))
			}
			_, _ = socket.Write(message)
			sent++
		}
		socket.Close()
		time.Sleep(10 * time.Millisecond)
		if time.Since(minute) > time.Minute {
			minute = time.Now()
			now := o.vitals()
			t.Logf("%d messages: %.0f kB, %.0f goroutines", sent, now.kilobytes, now.goroutines)
		}
	}
	call := o.phone.Call(number)
	if m, err := call.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
		t.Fatalf("the next call: %v %v", m, err)
	}
	call.Bye(within(t, 10*time.Second))
	o.costs(call.ID(), "0.1000")
	after := o.flat(before, 60*time.Second)
	t.Logf("%d messages: %.0f → %.0f kB, %.0f → %.0f goroutines", sent, before.kilobytes, after.kilobytes, before.goroutines, after.goroutines)
	o.proved(90 * time.Second)
}

// onlyTrusts changes the trusted network and starts the node again.
func (o *office) onlyTrusts(network string) {
	o.t.Helper()
	text := must(os.ReadFile(o.config))
	changed := strings.Replace(string(text), "net: 127.0.0.0/8", "net: "+network, 1)
	if err := os.WriteFile(o.config, []byte(changed), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.stop()
	o.start()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
