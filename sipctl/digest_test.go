package sipctl_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/digest"
	"tollgate/sipctl/siptest"
)

// hashed is what the catalog keeps of a SIP password.
func hashed(number, password string) rating.Digest {
	return rating.Digest{SHA256: digest.HA1(digest.SHA256, number, "tollgate", password), MD5: digest.HA1(digest.MD5, number, "tollgate", password)}
}

// strangersAsked is a world in which 101 has the SIP password "secret", and who is no peer is asked for one.
func strangersAsked(w *world) {
	w.config.Strangers = sipctl.AutoStrangers
	w.catalog.edit(func(d *rating.Documents) { d.Extensions[0].Digest = hashed("101", "secret") })
}

// stranger is a phone at an address that nobody knows; without a password it answers no challenge.
func (w *world) stranger(host, user, password string) *siptest.Phone {
	c := siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr(host)}, User: user}
	if password != "" {
		c.Auth = siptest.Digest(user, password)
	}
	return w.newPhone(c)
}

// refusal is the final response to a call, which must be one.
func refusal(t *testing.T, call *siptest.Call) *siptest.Message {
	t.Helper()
	m, err := call.Final(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.Code < 300 {
		t.Fatalf("the call got %s", m)
	}
	return m
}

func TestAPhoneWithAPasswordCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	phone := w.stranger("127.0.0.51", "101", "secret")
	call := phone.Place(siptest.Plan{Number: "91", From: "999", Headers: []siptest.Header{{Name: "Diversion", Value: "<sip:888@x>"}, {Name: "P-Asserted-Identity", Value: "<sip:777@x>"}}})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	leg := must(w.carrier.Await(t.Context(), "1"))
	for _, name := range []string{"Authorization", "Diversion", "P-Asserted-Identity"} {
		if got := leg.Invite().Get(name); got != "" {
			t.Errorf("the trunk got %s: %s", name, got)
		}
	}
	if from := leg.Invite().Get("From"); !strings.Contains(from, "sip:101@") {
		t.Errorf("the trunk sees From %s, want the extension that has authenticated", from)
	}
	if m, err := call.Info(t.Context(), siptest.Body{Type: "application/dtmf-relay", Text: "Signal=1\r\n"}); err != nil || m.Code != 200 {
		t.Errorf("INFO from the phone's own address: %v %v", m, err)
	}
	if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("BYE: %v %v", m, err)
	}
	cdr := w.cdrs(1)[0]
	if cdr.Extension != "101" || cdr.Cost == 0 {
		t.Errorf("record %+v: 101 pays, whatever From says", cdr)
	}
	w.agreed(cdr)
	if got := w.balance("101"); got != rating.Unit-cdr.Cost {
		t.Errorf("balance %s after a call of %s", got, cdr.Cost)
	}
}

func TestAnUnansweredChallengeLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	servers, _ := w.server.Transactions()
	m := refusal(t, w.stranger("127.0.0.52", "101", "").Call("91"))
	if m.Code != 401 {
		t.Errorf("got %s", m)
	}
	var asked []string
	for _, h := range m.Headers {
		if h.Name == "WWW-Authenticate" {
			c, err := digest.ParseChallenge(h.Value)
			if err != nil || c.Realm != "tollgate" || len(c.QOP) != 1 || c.QOP[0] != digest.Auth || c.Stale {
				t.Errorf("%s: %+v, %v", h.Value, c, err)
			}
			asked = append(asked, string(c.Algorithm))
		}
	}
	if strings.Join(asked, " ") != "SHA-256 MD5" {
		t.Errorf("algorithms %q, want SHA-256 before MD5", asked)
	}
	socket, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 52)}, net.UDPAddrFromAddrPort(w.server.Addrs()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	_ = socket.SetDeadline(time.Now().Add(10 * second))
	tags, buffer := map[string]bool{}, make([]byte, 4096)
	for range 2 {
		fmt.Fprintf(socket, "INVITE sip:91@gw SIP/2.0\r\nVia: SIP/2.0/UDP %[1]s;branch=z9hG4bKcopy;rport\r\nFrom: <sip:101@gw>;tag=1\r\nTo: <sip:91@gw>\r\n"+
			"Call-ID: copies\r\nCSeq: 1 INVITE\r\nContact: <sip:101@%[1]s>\r\nContent-Length: 0\r\n\r\n", socket.LocalAddr())
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		answer := must(siptest.Parse(string(buffer[:n])))
		tags[answer.ToTag()] = true
	}
	if len(tags) != 1 {
		t.Errorf("copies of one INVITE got the tags %v, want one (RFC 3261 §8.2.7)", tags)
	}
	if after, _ := w.server.Transactions(); after != servers || len(w.server.Calls()) != 0 || len(w.filed()) != 0 {
		t.Error("a challenge has left a transaction, a call or a record")
	}
}

// Every refusal is the same bytes, but for what differs from call to call anyway.
func TestRefusalsTellNothing(t *testing.T) {
	t.Parallel()
	var lines logged
	w := newWorld(t, rating.Unit, strangersAsked, func(w *world) { w.log = lines.logger() })
	w.extension("102", rating.Unit, nil) // has no password
	nonce := func(m *siptest.Message) string {
		c, err := digest.ParseChallenge(m.Get("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		return c.Nonce
	}
	type try struct{ name, host, user, password string }
	tries := []try{
		{"no credentials", "127.0.1.1", "101", ""},
		{"a wrong password", "127.0.1.2", "101", "wrong!"},
		{"an unknown name", "127.0.1.3", "555", "secret"},
		{"a name without a password", "127.0.1.4", "102", "secret"},
		{"a name that is no extension at all", "127.0.1.5", "';--", "secret"},
	}
	for range 8 { // and when there were too many
		tries = append(tries, try{"too many wrong ones", "127.0.1.6", "101", "wrong!"}, try{"too many unknown ones", "127.0.1.7", "555", "secret"})
	}
	tries = append(tries, try{"the right one after too many wrong ones", "127.0.1.6", "101", "secret"})
	want := ""
	for _, c := range tries {
		phone := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr(c.host), Port: 5077}, User: "101", Domain: "gw"})
		plan := siptest.Plan{Number: "91", CallID: "call", FromTag: "tag"}
		if c.password != "" {
			plan.Auth = siptest.Digest(c.user, c.password)
		}
		m := refusal(t, phone.Place(plan))
		phone.Close()
		text := spelled(m)
		for secret, mask := range map[string]string{nonce(m): "NONCE", m.Branch(): "BRANCH", m.ToTag(): "TOTAG", c.host: "HOST"} {
			text = strings.ReplaceAll(text, secret, mask)
		}
		text = strings.Replace(text, "CSeq: 1 ", "CSeq: 2 ", 1)
		if want == "" {
			want = text
		}
		if text != want {
			t.Errorf("%s is answered\n%s\nand no credentials\n%s", c.name, text, want)
		}
	}
	if len(w.filed()) != 0 {
		t.Error("a stranger has a record")
	}
	refused := lines.with("password")
	for _, line := range refused { // the source and the claimed name are the stranger's own
		if !regexp.MustCompile(`^level=WARN msg="a SIP password was refused" source=127\.0\.1\.\d claimed=(';--|\d+)$`).MatchString(line) {
			t.Errorf("the log tells more: %s", line)
		}
	}
	if len(refused) < 5 || len(refused) > 14 {
		t.Errorf("%d lines about 21 refusals", len(refused))
	}
	if n := w.metric("tollgate_auth_failures_total"); n != 21 {
		t.Errorf("%v failures are counted, want 21", n)
	}
}

func TestAReplayIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	phone := w.stranger("127.0.0.53", "101", "secret")
	var captured siptest.Header
	right := siptest.Digest("101", "secret")
	call := phone.Place(siptest.Plan{Number: "91", Auth: func(m *siptest.Message, method, uri string) (h siptest.Header, ok bool) {
		captured, ok = right(m, method, uri)
		return captured, ok
	}})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := []siptest.Header{captured}
	for name, p := range map[string]*siptest.Phone{"the phone's own address": phone, "another address": w.stranger("127.0.0.66", "101", "")} {
		m := refusal(t, p.Place(siptest.Plan{Number: "91", Headers: again, Auth: none}))
		if c, err := digest.ParseChallenge(m.Get("WWW-Authenticate")); m.Code != 401 || err != nil || !c.Stale {
			t.Errorf("a replay from %s got %s, %v: want 401 stale", name, m, err)
		}
	}
	if n := w.metric("tollgate_auth_failures_total"); n != 0 {
		t.Errorf("%v failures count against the user", n)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(1)
}

// none answers no challenge.
func none(*siptest.Message, string, string) (siptest.Header, bool) { return siptest.Header{}, false }

// What an answer is bound to: method, URI, nonce, count, realm, algorithm, qop.
func TestAnAnswerIsGoodForOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked, func(w *world) { w.config.Digest = []string{"md5"} })
	uri := "sip:91@" + w.server.Addrs()[0].String()
	value := func(c digest.Challenge, method, uri string, count uint32) string {
		return must(c.Answer(digest.Credentials{Username: "101", Password: "secret"}, method, uri, count, "xyz", nil))
	}
	invite := func(change func(*digest.Challenge)) func(digest.Challenge) []string {
		return func(c digest.Challenge) []string { change(&c); return []string{value(c, "INVITE", uri, 1)} }
	}
	forURI := func(other string) func(digest.Challenge) []string {
		return func(c digest.Challenge) []string { return []string{value(c, "INVITE", other, 1)} }
	}
	asIs := invite(func(*digest.Challenge) {})
	foreign := func(c *digest.Challenge) { c.Realm = "asterisk" }
	for i, c := range []struct {
		name    string
		answers func(digest.Challenge) []string
		uri     string // of the request, where it is another
		code    int
		stale   bool
	}{
		{"the right one", asIs, "", 200, false},
		{"a count of nought", func(c digest.Challenge) []string { return []string{value(c, "INVITE", uri, 0)} }, "", 401, true},
		{"for another method", func(c digest.Challenge) []string { return []string{value(c, "REGISTER", uri, 1)} }, "", 401, false},
		{"for another number", forURI(strings.Replace(uri, "91@", "92@", 1)), "", 401, false},
		{"for another host", forURI("sip:91@elsewhere"), "", 401, false},
		{"without the parameters of the URI", asIs, uri + ";transport=udp", 200, false},
		{"with a parameter more", forURI(uri + ";user=phone"), "", 200, false},
		{"with headers in the URI", forURI(uri + "?X=y"), "", 401, false},
		{"for no URI", forURI("*"), "", 401, false},
		{"a nonce of nobody", invite(func(c *digest.Challenge) { c.Nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093" }), "", 401, true},
		{"another realm", invite(foreign), "", 401, false},
		{"another realm beside ours", func(c digest.Challenge) []string { return append(invite(foreign)(c), asIs(c)...) }, "", 200, false},
		{"two for our realm", func(c digest.Challenge) []string { return append(asIs(c), asIs(c)...) }, "", 401, false},
		{"an algorithm that is not offered", invite(func(c *digest.Challenge) { *c = sha256Of(*c) }), "", 401, false},
		{"without qop", invite(func(c *digest.Challenge) { c.QOP = nil }), "", 401, false},
		{"with auth-int", invite(func(c *digest.Challenge) { c.QOP = []string{digest.AuthInt} }), "", 401, false},
		{"of another scheme", func(digest.Challenge) []string { return []string{"Basic MTAxOnNlY3JldA=="} }, "", 401, false},
		{"half of one", func(digest.Challenge) []string { return []string{`Digest username="101", realm="tollgate"`} }, "", 401, false},
	} {
		phone := w.stranger(fmt.Sprintf("127.0.2.%d", i+1), "101", "")
		challenge := must(digest.ParseChallenge(refusal(t, phone.Call("91")).Get("WWW-Authenticate")))
		code, stale := w.try(phone, c.uri, c.answers(challenge)...)
		if code != c.code || stale != c.stale {
			t.Errorf("%s: %d, stale %v; want %d, %v", c.name, code, stale, c.code, c.stale)
		}
		phone.Close()
	}
	phone := w.stranger("127.0.2.200", "101", "")
	challenge := must(digest.ParseChallenge(refusal(t, phone.Call("91")).Get("WWW-Authenticate")))
	for _, c := range []struct {
		count uint32
		code  int
	}{{7, 200}, {7, 401}, {6, 200}, {6, 401}, {8, 200}, {7, 401}, {200, 200}, {8, 401}} {
		if code, stale := w.try(phone, "", value(challenge, "INVITE", uri, c.count)); code != c.code || stale != (c.code == 401) {
			t.Errorf("count %d: %d, stale %v; want %d", c.count, code, stale, c.code)
		}
	}
	if code, stale := w.try(w.stranger("127.0.2.201", "101", ""), "", value(challenge, "INVITE", uri, 201)); code != 401 || !stale {
		t.Errorf("the nonce of another address: %d, stale %v; want 401, true", code, stale)
	}
}

// try places a call with these credentials, and hangs it up again.
func (w *world) try(phone *siptest.Phone, uri string, answers ...string) (code int, stale bool) {
	w.t.Helper()
	plan := siptest.Plan{Number: "91", RequestURI: uri, Auth: none}
	for _, answer := range answers {
		plan.Headers = append(plan.Headers, siptest.Header{Name: "Authorization", Value: answer})
	}
	call := phone.Place(plan)
	m, err := call.Final(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if m.Code < 300 {
		_, _ = call.Bye(w.t.Context())
		return m.Code, false
	}
	again, err := digest.ParseChallenge(m.Get("WWW-Authenticate"))
	if err != nil {
		w.t.Error(err)
	}
	return m.Code, again.Stale
}

func sha256Of(c digest.Challenge) digest.Challenge {
	other, _ := digest.ParseChallenge(`Digest realm="` + c.Realm + `", nonce="` + c.Nonce + `", algorithm=SHA-256, qop="auth"`)
	return other
}

// A nonce of the process before, or of another node, costs the phone a round more, and no fault.
func TestANonceOfAnotherProcessIsOutdated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	phone := w.stranger("127.0.0.55", "101", "")
	m := refusal(t, phone.Call("91"))
	old, err := digest.Choose([]string{m.Get("WWW-Authenticate")})
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	right := siptest.Digest("101", "secret")
	first := true
	call := phone.Place(siptest.Plan{Number: "91", Auth: func(m *siptest.Message, method, uri string) (siptest.Header, bool) {
		if first {
			first = false
			v, err := old.Answer(digest.Credentials{Username: "101", Password: "secret"}, method, uri, 1, "x", nil)
			return siptest.Header{Name: "Authorization", Value: v}, err == nil
		}
		return right(m, method, uri)
	}})
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(1)
	if n := w.metric("tollgate_auth_failures_total"); n != 0 {
		t.Errorf("%v failures count against the user", n)
	}
}

// A phone behind NAT may get another address in mid-call: the password, and nothing else, moves its leg.
func TestAPhoneMayMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked, func(w *world) {
		w.extension("102", rating.Unit, func(e *rating.Extension) { e.Digest = hashed("102", "other") })
	})
	call := w.stranger("127.0.0.56", "101", "secret").Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	for round := range 2 { // the second time in a process that has read the call from the store
		for name, thief := range map[string]*siptest.Phone{"without a password": w.stranger("127.0.0.66", "101", ""), "with another's": w.stranger("127.0.0.67", "102", "other"),
			"with a wrong one": w.stranger("127.0.0.68", "101", "guess")} {
			if m, err := thief.Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err != nil || m.Code != 401 {
				t.Errorf("round %d: BYE %s: %v %v, want 401", round, name, m, err)
			}
			thief.Close()
		}
		if trusted, err := w.phone.Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err != nil || trusted.Code != 481 {
			t.Errorf("round %d: BYE of a peer: %v %v, want 481", round, trusted, err)
		}
		w.restart()
	}
	moved := w.stranger("127.0.0.57", "101", "secret")
	if m, err := moved.Hijack(t.Context(), call, "INFO", nil, siptest.Body{Type: "text/plain", Text: "x"}); err != nil || m.Code != 200 {
		t.Fatalf("INFO of the phone at its new address: %v %v", m, err)
	}
	quietly := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.57")}})
	call.SkipCSeq()
	if m, err := quietly.Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err != nil || m.Code != 200 {
		t.Errorf("BYE from there: %v %v, want 200 without another challenge", m, err)
	}
	w.agreed(w.cdrs(1)[0])
}

// Whom nobody knows gets no answer but to an INVITE; once he has shown his password he is answered as a peer is.
func TestStrangersAreToldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	phone := w.stranger("127.0.0.58", "101", "secret")
	for _, method := range []string{"OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "BYE"} {
		if m, err := w.impatient("127.0.0.59").Request(t.Context(), method, "", nil, siptest.Body{}); err == nil {
			t.Errorf("%s of a stranger got %s", method, m)
		}
	}
	call := phone.Call("91")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = call.Bye(t.Context())
	w.cdrs(1)
	if m, err := w.impatient("127.0.0.59").Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err == nil {
		t.Errorf("BYE of a stranger for a call that is over got %s", m)
	}
	if m, err := phone.Hijack(t.Context(), call, "BYE", nil, siptest.Body{}); err != nil || m.Code != 481 {
		t.Errorf("BYE of the phone for a call that is over: %v %v, want 481", m, err)
	}
	for method, code := range map[string]int{"OPTIONS": 200, "REGISTER": 405, "MESSAGE": 405} {
		if m, err := phone.Request(t.Context(), method, "", nil, siptest.Body{}); err != nil || m.Code != code {
			t.Errorf("%s of a phone that has called: %v %v, want %d", method, m, err, code)
		}
	}
	w.cdrs(1)
}

// auto: strangers are asked while any extension has a password, and get no answer when none has.
func TestStrangersAreAskedWhilePasswordsAreThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) { w.config.Strangers = sipctl.AutoStrangers })
	if m, err := w.impatient("127.0.0.60").Call("91").Final(t.Context()); err == nil {
		t.Errorf("got %s, with no password anywhere", m)
	}
	w.catalog.edit(func(d *rating.Documents) { d.Extensions[0].Digest = hashed("101", "secret") })
	time.Sleep(300 * time.Millisecond) // within a second
	if m := refusal(t, w.stranger("127.0.0.60", "101", "").Call("91")); m.Code != 401 {
		t.Errorf("got %s", m)
	}
	w.catalog.edit(func(d *rating.Documents) { d.Extensions[0].Digest = rating.Digest{} })
	time.Sleep(300 * time.Millisecond)
	if m, err := w.impatient("127.0.0.60").Call("91").Final(t.Context()); err == nil {
		t.Errorf("got %s, with no password any more", m)
	}
}

func TestEmergencyCallsAreAskedForThePasswordToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, strangersAsked, func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { d.Extensions[0].Status = rating.Locked })
	})
	if m := refusal(t, w.stranger("127.0.0.61", "101", "").Call("112")); m.Code != 401 {
		t.Errorf("an emergency call of nobody got %s", m)
	}
	call := w.stranger("127.0.0.61", "101", "secret").Call("112")
	if _, err := call.Answered(t.Context()); err != nil {
		t.Error(err)
	}
	_, _ = call.Bye(t.Context())
	if cdr := w.cdrs(1)[0]; cdr.Cost != 0 || cdr.Extension != "101" {
		t.Errorf("record %+v", cdr)
	}
}

// CANCEL and ACK carry no credentials (RFC 3261 §22.1): they are taken for what is here.
func TestACallWithAPasswordCanBeCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, strangersAsked)
	w.carrier.On("1", siptest.RingForever())
	call := w.stranger("127.0.0.62", "101", "secret").Call("91")
	if _, err := call.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard := len(call.Responses())
	if err := call.Retransmit(); err != nil { // the same credentials again, and no replay
		t.Fatal(err)
	}
	for len(call.Responses()) == heard {
		time.Sleep(5 * time.Millisecond)
	}
	if again := call.Responses()[heard]; again.Code != 180 {
		t.Errorf("a copy of the INVITE got %s", again)
	}
	if m, err := call.Cancel(t.Context()); err != nil || m.Code != 200 {
		t.Errorf("CANCEL: %v %v", m, err)
	}
	if m := refusal(t, call); m.Code != 487 {
		t.Errorf("the INVITE got %s", m)
	}
	if cdr := w.cdrs(1)[0]; cdr.Disposition != rating.Cancelled {
		t.Errorf("record %+v", cdr)
	}
}

// spelled is a response as text.
func spelled(m *siptest.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", m.Code, m.Reason)
	for _, h := range m.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	return b.String()
}

// impatient is a phone that waits for answers for a second only.
func (w *world) impatient(host string) *siptest.Phone {
	p, err := siptest.NewPhone(siptest.PhoneConfig{Server: w.server.Addrs()[0], Config: siptest.Config{LocalIP: netip.MustParseAddr(host), T1: 20 * time.Millisecond, Patience: second}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	return p
}

// metric is the value of a counter.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	w.t.Fatalf("there is no metric %s", name)
	return 0
}

// logged keeps what is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// with returns the lines that have a word in them, without their times.
func (l *logged) with(word string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if _, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.Contains(rest, word) {
			lines = append(lines, rest)
		}
	}
	return lines
}
