package sipctl_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

func header(name, value string) siptest.Header { return siptest.Header{Name: name, Value: value} }

// reliably sends a provisional response that wants a PRACK.
func reliably(code int, rseq int, b siptest.Body) siptest.Action {
	return siptest.Provisional(code, b, header("Require", "100rel"), header("RSeq", fmt.Sprint(rseq)))
}

var supports100rel = siptest.Plan{Number: "91", Headers: []siptest.Header{header("Supported", "100rel, timer")}}

func sdp(text string) siptest.Body {
	return siptest.Body{Type: "application/sdp", Text: "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=" + text + "\r\nt=0 0\r\n"}
}

// pracked answers reliable 18x as they come, and remembers their numbers.
func pracked(t *testing.T, call *siptest.Call, code int, body siptest.Body) (m *siptest.Message, rseq string) {
	t.Helper()
	m, err := call.WaitFor(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if m.Get("Require") != "100rel" || m.Get("RSeq") == "" {
		t.Fatalf("%d is not reliable: Require %q, RSeq %q", code, m.Get("Require"), m.Get("RSeq"))
	}
	answer, err := call.Request(t.Context(), "PRACK", body, header("RAck", m.Get("RSeq")+" 1 INVITE"))
	if err != nil || answer.Code != 200 {
		t.Fatalf("PRACK of %d: %v %v", code, answer, err)
	}
	return answer, m.Get("RSeq")
}

func TestReliableProvisionalResponsesPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	b := siptest.Behaviour{Script: []siptest.Step{{Do: reliably(183, 7007, sdp("early"))}, {After: 300 * time.Millisecond, Do: reliably(180, 7008, siptest.Body{})},
		{After: 300 * time.Millisecond, Do: siptest.Accept()}}, Replies: siptest.Replies{"PRACK": {Body: sdp("answer of the trunk")}}}
	w.carrier.On("1", b)
	call := w.phone.Place(supports100rel)
	answer, first := pracked(t, call, 183, sdp("offer of the phone"))
	if answer.Body != sdp("answer of the trunk").Text {
		t.Errorf("the answer in the PRACK's 200 is %q", answer.Body)
	}
	_, second := pracked(t, call, 180, siptest.Body{})
	var a, c int
	fmt.Sscan(first, &a)
	fmt.Sscan(second, &c)
	if c != a+1 || a == 7007 {
		t.Errorf("our RSeq go from %d to %d", a, c)
	}
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	var heard []string
	for _, m := range leg.Requests() {
		if m.Method == "PRACK" {
			heard = append(heard, m.Get("RAck"))
			if len(heard) == 1 && m.Body != sdp("offer of the phone").Text {
				t.Errorf("the PRACK's body is %q", m.Body)
			}
		}
	}
	if got := strings.Join(heard, ", "); got != "7007 1 INVITE, 7008 1 INVITE" {
		t.Errorf("the trunk has heard of %s", got)
	}
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("BYE: %v %v", m, err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestACopyOfAReliableResponseKeepsItsNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	again := siptest.Step{After: 50 * time.Millisecond, Do: reliably(183, 9, sdp("early"))}
	w.carrier.On("1", siptest.Behaviour{Script: []siptest.Step{again, again, again, {After: 200 * time.Millisecond, Do: siptest.Accept()}}})
	call := w.phone.Place(supports100rel)
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	numbers := map[string]bool{}
	copies := 0
	for _, m := range call.Responses() {
		if m.Code == 183 {
			numbers[m.Get("RSeq")] = true
			copies++
		}
	}
	if len(numbers) != 1 || copies != 3 {
		t.Errorf("%d copies with the numbers %v", copies, numbers)
	}
	call.Bye(t.Context())
	w.cdrs(1)
}

func TestAPrackForNothingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Behaviour{Script: []siptest.Step{{Do: reliably(183, 7, sdp("early"))}}})
	call := w.phone.Place(supports100rel)
	m, err := call.WaitFor(t.Context(), 183)
	if err != nil {
		t.Fatal(err)
	}
	rseq := m.Get("RSeq")
	for _, rack := range []string{"1 1 INVITE", rseq + " 2 INVITE", rseq + " 1 UPDATE", "nothing", rseq} {
		if m, err := call.Request(t.Context(), "PRACK", siptest.Body{}, header("RAck", rack)); err != nil || m.Code < 400 {
			t.Errorf("RAck %q: %v %v", rack, m, err)
		}
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	for _, m := range leg.Requests() {
		t.Errorf("the trunk has heard %s %s", m.Method, m.Get("RAck"))
	}
	call.Cancel(t.Context())
	w.cdrs(1)
}

func TestATrunkThatInsistsIsAnsweredByUs(t *testing.T) { // the caller has never heard of RFC 3262
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Behaviour{Script: []siptest.Step{{Do: reliably(183, 7, sdp("early"))}, {After: 200 * time.Millisecond, Do: siptest.Accept()}}})
	call := w.phone.Call("91")
	m, err := call.WaitFor(t.Context(), 183)
	if err != nil || m.Get("Require") != "" || m.Get("RSeq") != "" || m.Body != sdp("early").Text {
		t.Fatalf("183: %v %v", m, err)
	}
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if m := leg.Requests()[0]; m.Method != "PRACK" || m.Get("RAck") != "7 1 INVITE" {
		t.Errorf("the trunk has heard %s %s", m.Method, m.Get("RAck"))
	}
	call.Bye(t.Context())
	w.agreed(w.cdrs(1)[0])
}

func TestUpdateInAnEarlyDialogBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	w.carrier.On("1", siptest.Behaviour{Script: []siptest.Step{{Do: siptest.Provisional(183, sdp("early"))}, {After: 1500 * time.Millisecond, Do: siptest.Accept()}},
		Replies: siptest.Replies{"UPDATE": {Body: sdp("answer of the trunk")}}})
	call := w.phone.Place(siptest.Plan{Number: "91", Replies: siptest.Replies{"UPDATE": {Body: sdp("answer of the phone")}}})
	if _, err := call.WaitFor(t.Context(), 183); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	if m, err := call.Request(t.Context(), "UPDATE", sdp("offer of the phone")); err != nil || m.Code != 200 || m.Body != sdp("answer of the trunk").Text {
		t.Errorf("UPDATE of the phone: %v %v", m, err)
	}
	if m, err := leg.Request(t.Context(), "UPDATE", sdp("offer of the trunk")); err != nil || m.Code != 200 || m.Body != sdp("answer of the phone").Text {
		t.Errorf("UPDATE of the trunk: %v %v", m, err)
	}
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	leg.HangUp()
	if _, err := call.Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.agreed(w.cdrs(1)[0])
}

func TestChangesOfSessionThatCross(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ phone, trunk string }{{"INVITE", "INVITE"}, {"UPDATE", "UPDATE"}, {"INVITE", "UPDATE"}, {"UPDATE", "INVITE"}} {
		t.Run(c.phone+" and "+c.trunk, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit)
			b := siptest.Answer(0)
			b.Replies = siptest.Replies{c.phone: {After: 300 * time.Millisecond}}
			w.carrier.On("1", b)
			call := w.phone.Call("91")
			if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			leg := must(w.carrier.Await(t.Context(), "1"))
			if err := leg.Acked(t.Context()); err != nil {
				t.Fatal(err)
			}
			var first, second *siptest.Message
			var both sync.WaitGroup
			both.Go(func() { first, _ = call.Request(t.Context(), c.phone, sdp("of the phone")) })
			time.Sleep(100 * time.Millisecond) // it has arrived at the trunk, which takes its time
			both.Go(func() { second, _ = leg.Request(t.Context(), c.trunk, sdp("of the trunk")) })
			both.Wait()
			if first == nil || first.Code != 200 || second == nil || second.Code != 491 {
				t.Fatalf("the first got %v, the second %v", first, second)
			}
			time.Sleep(100 * time.Millisecond)
			if m, err := leg.Request(t.Context(), c.trunk, sdp("of the trunk")); err != nil || m.Code != 200 {
				t.Errorf("tried again: %v %v", m, err)
			}
			time.Sleep(100 * time.Millisecond)
			call.Bye(t.Context())
			w.agreed(w.cdrs(1)[0])
		})
	}
}

func TestBodiesPassByteForByteBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	odd := "m=image 5004 udptl t38\r\na=T38FaxVersion:0\n\n\r\r\n\x00\xff\xfe--\r\n.\r\n"
	for _, c := range []struct {
		method string
		body   siptest.Body
	}{
		{"INVITE", siptest.Body{Type: "application/sdp", Text: odd}},
		{"UPDATE", siptest.Body{Type: "application/sdp", Text: "a=sendonly\r\n"}},
		{"MESSAGE", siptest.Body{Type: "text/plain;charset=utf-8", Text: "süß \x00"}},
		{"INFO", siptest.Body{Type: "application/dtmf-relay", Text: "Signal=5\r\nDuration=160\r\n"}},
		{"INVITE", siptest.Body{Type: `multipart/mixed;boundary="x"`, Text: "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x\r\n\r\n\x01\r\n--x--"}},
	} {
		b := siptest.Answer(0)
		b.Replies = siptest.Replies{c.method: {Body: siptest.Body{Type: c.body.Type, Text: c.body.Text + "answer"}}}
		w.carrier.On("1", b)
		call := w.phone.Place(siptest.Plan{Number: "91", Replies: b.Replies})
		if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
		leg := must(w.carrier.Await(t.Context(), "1"))
		if err := leg.Acked(t.Context()); err != nil {
			t.Fatal(err)
		}
		for side, ask := range map[string]func() (*siptest.Message, error){
			"phone": func() (*siptest.Message, error) { return call.Request(t.Context(), c.method, c.body) },
			"trunk": func() (*siptest.Message, error) { return leg.Request(t.Context(), c.method, c.body) },
		} {
			m, err := ask()
			if err != nil || m.Code != 200 || m.Body != c.body.Text+"answer" || m.Get("Content-Type") != c.body.Type {
				t.Errorf("%s of the %s: the answer is %v %v", c.method, side, m, err)
			}
			time.Sleep(30 * time.Millisecond) // for the ACK of a re-INVITE
		}
		for side, requests := range map[string][]*siptest.Message{"phone": call.Requests(), "trunk": leg.Requests()} {
			if last := requests[len(requests)-1]; last.Method != c.method || last.Body != c.body.Text {
				t.Errorf("%s: the %s has heard %s with %q", c.method, side, last.Method, last.Body)
			}
		}
		call.Bye(t.Context())
	}
	w.cdrs(5)
}
