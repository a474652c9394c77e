package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tollgate/sipctl/digest"
	"tollgate/sipctl/siptest"
)

// Phones that come directly, with a SIP password: the program from outside.

const sipPassword = "a SIP password: with \"signs\" in it"

// newOpenOffice believes nobody by his address; 101 and 102 have a SIP password. algorithms is the setting sip.digest.
func newOpenOffice(t *testing.T, algorithms string) *office {
	t.Helper()
	o := newOfficeAt(t, newNodeFor(t, "  digest: "+algorithms+"\n", ""), netip.MustParseAddr("127.0.0.9"))
	o.call("PATCH", "/extensions", map[string]any{"numbers": []string{rich, poor}, "set": map[string]any{"sip_password": sipPassword}}, nil, 200)
	o.await("asking strangers", 2*time.Second, func() bool {
		m, err := o.stranger("127.0.0.40", "udp", rich, "").Call(number).Final(within(t, 500*time.Millisecond))
		return err == nil && m.Code == 401
	})
	return o
}

// stranger is a phone at an address of its own; without a password it answers no challenge.
func (o *office) stranger(host, network, user, password string) *siptest.Phone {
	o.t.Helper()
	c := siptest.PhoneConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr(host), Transport: network, Ladder: o.ladder}, Server: netip.MustParseAddrPort(o.sip), User: user}
	if password != "" {
		c.Auth = siptest.Digest(user, password)
	}
	phone, err := siptest.NewPhone(c)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(phone.Close)
	return phone
}

// billed checks that the carrier has seen the newest of n calls, and that the extension has paid for it.
func (o *office) billed(n int, extension string) {
	o.t.Helper()
	c := o.calls(n)[0]
	rows, _ := o.carrier.Record()
	if c.Extension != extension || c.Cost != "0.1000" || c.Disposition != "answered" || len(rows) != n || rows[n-1].Live() || !rows[n-1].Agrees(c.Duration, 300*time.Millisecond) {
		o.t.Errorf("call %+v\nthe carrier saw %+v", c, rows)
	}
}

func TestAPhoneWithASIPPasswordPlacesABilledCall(t *testing.T) {
	t.Parallel()
	o := newOpenOffice(t, "[sha-256, md5]")
	for i, network := range []string{"udp", "tcp"} {
		call := o.stranger("127.0.0.41", network, rich, sipPassword).Place(siptest.Plan{Number: number, From: broke}) // From is nobody's business
		if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		if _, err := call.Bye(within(t, 5*time.Second)); err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		o.billed(i+1, rich)
	}
	if balance, held := o.balance(rich); balance != "99.8000" || held != "0.0000" {
		t.Errorf("balance %s, held %s after two calls of 0.1000", balance, held)
	}
	out, code := o.tollgate("check", "-c", o.config)
	if code != 0 || !strings.Contains(out, `asked for a SIP password (sha-256, md5, realm "tollgate"), which 2 extensions have`) {
		t.Errorf("check: exit %d\n%s", code, out)
	}
	text, err := os.ReadFile(o.config)
	if err != nil {
		t.Fatal(err)
	}
	other := o.config + ".other"
	if err := os.WriteFile(other, []byte(strings.Replace(string(text), "sip:\n", "sip:\n  realm: elsewhere\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := o.tollgate("check", "-c", other); !strings.Contains(out, "2 SIP passwords were set with another sip.realm") {
		t.Errorf("check does not see that the realm has changed:\n%s", out)
	}
	if strings.Contains(o.log.tail(1<<20), sipPassword) || strings.Contains(o.log.tail(1<<20), "response=") {
		t.Error("credentials are in the log")
	}
	o.proved(20 * time.Second)
}

func TestWithoutTheSIPPasswordNobodyCalls(t *testing.T) {
	t.Parallel()
	o := newOpenOffice(t, "[sha-256, md5]")
	phone := o.stranger("127.0.0.42", "udp", rich, "")
	uri := fmt.Sprintf("sip:%s@%s", number, o.sip)
	challenge := func(p *siptest.Phone) digest.Challenge {
		m, err := p.Call(number).Final(within(t, 5*time.Second))
		if err != nil || m.Code != 401 {
			t.Fatalf("no challenge: %v %v", m, err)
		}
		c, err := digest.ParseChallenge(m.Get("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	answer := func(c digest.Challenge, user, password, uri string, count uint32) string {
		value, err := c.Answer(digest.Credentials{Username: user, Password: password}, "INVITE", uri, count, "0a4f113b", nil)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	place := func(p *siptest.Phone, credentials string) *siptest.Message {
		call := p.Place(siptest.Plan{Number: number, Headers: []siptest.Header{{Name: "Authorization", Value: credentials}}})
		m, err := call.Final(within(t, 5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if m.Code == 200 {
			_, _ = call.Bye(within(t, 5*time.Second))
		}
		return m
	}
	c := challenge(phone)
	captured := answer(c, rich, sipPassword, uri, 1)
	if m := place(phone, captured); m.Code != 200 {
		t.Fatalf("the right password got %s", m)
	}
	thief := o.stranger("127.0.0.43", "udp", rich, "")
	refused := func(name string, m *siptest.Message, stale bool) {
		t.Helper()
		again, err := digest.ParseChallenge(m.Get("WWW-Authenticate"))
		if m.Code != 401 || err != nil || again.Stale != stale {
			t.Errorf("%s got %s, stale %v; want 401, stale %v", name, m, again.Stale, stale)
		}
	}
	refused("a replay", place(phone, captured), true)
	refused("a replay from another address", place(thief, captured), true)
	refused("a used count", place(phone, answer(c, rich, sipPassword, uri, 1)), true)
	refused("a nonce of another address", place(thief, answer(c, rich, sipPassword, uri, 2)), true)
	refused("another URI", place(phone, answer(c, rich, sipPassword, "sip:900@"+o.sip, 3)), false)
	refused("a wrong password", place(phone, answer(c, rich, "guess", uri, 3)), false)
	refused("an extension without a password", place(phone, answer(c, broke, sipPassword, uri, 3)), false)
	refused("an extension without a password, guessing at nothing", place(phone, answer(c, broke, "", uri, 3)), false)
	if m := place(phone, answer(c, rich, sipPassword, uri, 4)); m.Code != 200 {
		t.Errorf("the right password with the next count got %s", m)
	}
	if n, _ := o.metric("tollgate_auth_failures_total"); n != "4" {
		t.Errorf("%s failures are counted, want 4", n)
	}
	o.stop()
	o.start()
	refused("a nonce of the process before", place(phone, answer(c, rich, sipPassword, uri, 5)), true)
	call := o.stranger("127.0.0.42", "udp", rich, sipPassword).Call(number) // as any phone does after that
	if _, err := call.Answered(within(t, 5*time.Second)); err != nil {
		t.Error(err)
	}
	_, _ = call.Bye(within(t, 5*time.Second))
	o.calls(3)
	if rows, _ := o.carrier.Record(); len(rows) != 3 {
		t.Errorf("the carrier saw %d calls, want the three with the password", len(rows))
	}
	o.proved(20 * time.Second)
}
