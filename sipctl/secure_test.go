package sipctl_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// overTLS adds a TLS listener, and a trunk that is reached over TLS by the name carrier.example.
func overTLS(ca *siptest.Authority, carrier *siptest.Carrier, listen string) func(*world) {
	return func(w *world) {
		w.config.Listen = append(w.config.Listen, "tls://"+listen)
		w.config.TLS = must(ca.Config("", "gateway.example", "127.0.0.1", "::1"))
		w.config.ClientTLS = must(ca.Config("", "gateway.example"))
		at := carrier.Addr()
		w.resolver = &directory{hosts: map[string][]string{"carrier.example": {at.Addr().String()}, "other.example": {at.Addr().String()}}}
		w.catalog.edit(func(d *rating.Documents) {
			t := d.Trunks[0]
			t.URI = fmt.Sprintf("sip:carrier.example:%d;transport=tls", at.Port())
			d.Trunks = []rating.Trunk{t}
		})
	}
}

func tlsCarrier(t *testing.T, ca *siptest.Authority, ip string, names ...string) *siptest.Carrier {
	k := must(siptest.NewCarrier(siptest.CarrierConfig{Default: siptest.Answer(0),
		Config: siptest.Config{Transport: "tls", TLS: must(ca.Config("gateway.example", names...)), LocalIP: netip.MustParseAddr(ip), T1: 100 * time.Millisecond}}))
	t.Cleanup(k.Close)
	return k
}

func TestACallOverTLSOnBothLegs(t *testing.T) {
	t.Parallel()
	ca := must(siptest.NewAuthority())
	carrier := tlsCarrier(t, ca, "127.0.0.1", "carrier.example")
	w := newWorld(t, rating.Unit, overTLS(ca, carrier, "127.0.0.1:0"))
	w.carrier = carrier
	phone := w.newPhone(siptest.PhoneConfig{Server: w.server.Addrs()[2], Config: siptest.Config{Transport: "tls", TLS: must(ca.Config("127.0.0.1", "phone.example"))}})
	for i, hangUp := range []func(*siptest.Call, *siptest.Leg) error{
		func(c *siptest.Call, _ *siptest.Leg) error { _, err := c.Bye(t.Context()); return err },
		func(_ *siptest.Call, l *siptest.Leg) error { l.HangUp(); return nil },
	} {
		call := phone.Call("91")
		m, err := call.Answered(t.Context())
		if err != nil || m.Code != 200 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
		if contact := m.Get("Contact"); !strings.Contains(contact, ";transport=tls") {
			t.Errorf("our Contact is %s", contact)
		}
		leg := must(carrier.Await(t.Context(), "1"))
		if err := hangUp(call, leg); err != nil {
			t.Fatal(err)
		}
		if _, err := call.Ended(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.cdrs(i + 1)
	}
	rows, _ := carrier.Record()
	if via := rows[0].Headers[0].Value; !strings.HasPrefix(via, "SIP/2.0/TLS ") {
		t.Errorf("Via: %s", via)
	}
	for _, cdr := range w.cdrs(2) {
		w.agreed(cdr)
	}
}

func TestATrunkMustProveItsName(t *testing.T) {
	t.Parallel()
	ca, strange := must(siptest.NewAuthority()), must(siptest.NewAuthority())
	for name, carrier := range map[string]*siptest.Carrier{
		"the certificate is another's":   tlsCarrier(t, ca, "127.0.0.1", "other.example"),
		"it is for the address":          tlsCarrier(t, ca, "127.0.0.1", "127.0.0.1"),
		"nobody knows who has signed it": tlsCarrier(t, strange, "127.0.0.1", "carrier.example"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit, overTLS(ca, carrier, "127.0.0.1:0"))
			call := w.phone.Call("91")
			if m, err := call.Final(t.Context()); err != nil || m.Code != 503 {
				t.Errorf("the call gets %v %v, want 503", m, err)
			}
			if n := carrier.Totals().Calls; n != 0 {
				t.Errorf("%d calls were offered to somebody who is not the carrier", n)
			}
			w.cdrs(1)
		})
	}
}

func TestTwoNamesAtOneAddressShareNoConnection(t *testing.T) {
	t.Parallel()
	ca := must(siptest.NewAuthority())
	carrier := tlsCarrier(t, ca, "127.0.0.1", "carrier.example")
	w := newWorld(t, rating.Unit, overTLS(ca, carrier, "127.0.0.1:0"), func(w *world) {
		w.catalog.edit(func(d *rating.Documents) { // the second trunk is at the same address, and the carrier is not it
			other := d.Trunks[0]
			other.Name, other.URI = "T2", strings.Replace(other.URI, "carrier.example", "other.example", 1)
			rule := d.DialRules[0]
			rule.ID, rule.Prefix, rule.Trunks = 2, "8", []string{"T2"}
			d.Trunks, d.DialRules = append(d.Trunks, other), append(d.DialRules, rule)
		})
	})
	first := w.phone.Call("91")
	if m, err := first.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	if m, err := w.phone.Call("81").Final(t.Context()); err != nil || m.Code != 503 {
		t.Errorf("over the connection of another name: %v %v", m, err)
	}
	first.Bye(t.Context())
	w.cdrs(2)
}

func TestACallOverIPv6OnOneLegOrBoth(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		for _, c := range []struct{ phone, carrier string }{{"::1", "::1"}, {"127.0.0.2", "::1"}, {"::1", "127.0.0.1"}} {
			t.Run(transport+" "+c.phone+" to "+c.carrier, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, rating.Unit, func(w *world) {
					w.config.Listen = append(w.config.Listen, "udp://[::1]:0", "tcp://[::1]:0")
					w.config.Trusted = append(w.config.Trusted, w.config.Trusted[0])
					w.config.Trusted[1].Net = netip.MustParsePrefix("::1/128")
					w.carrier = must(siptest.NewCarrier(siptest.CarrierConfig{Default: siptest.Answer(0), Config: siptest.Config{Transport: transport,
						LocalIP: netip.MustParseAddr(c.carrier), T1: 100 * time.Millisecond, Ladder: w.ladder}}))
					w.t.Cleanup(w.carrier.Close)
					w.catalog.edit(func(d *rating.Documents) {
						t := d.Trunks[0]
						t.URI = fmt.Sprintf("sip:%s;transport=%s", w.carrier.Addr(), transport)
						d.Trunks = []rating.Trunk{t}
					})
				})
				server := w.server.Addrs()[map[string]int{"udp": 0, "tcp": 1}[transport]]
				if strings.Contains(c.phone, ":") {
					server = w.server.Addrs()[map[string]int{"udp": 2, "tcp": 3}[transport]]
				}
				phone := w.newPhone(siptest.PhoneConfig{Server: server, Config: siptest.Config{Transport: transport, LocalIP: netip.MustParseAddr(c.phone)}})
				call := phone.Call("91")
				m, err := call.Answered(t.Context())
				if err != nil || m.Code != 200 {
					t.Fatalf("INVITE: %v %v", m, err)
				}
				if strings.Contains(c.phone, ":") && !strings.Contains(m.Get("Contact"), "[::1]:") {
					t.Errorf("our Contact is %s", m.Get("Contact"))
				}
				leg := must(w.carrier.Await(t.Context(), "1"))
				if _, err := call.Info(t.Context(), siptest.Body{Type: "text/plain", Text: "hello"}); err != nil {
					t.Error(err)
				}
				leg.HangUp()
				if _, err := call.Ended(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.agreed(w.cdrs(1)[0])
			})
		}
	}
}

func TestLargeMessagesPassWhole(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		for _, size := range []int{1200, 1500, 9000, 15_000} {
			t.Run(fmt.Sprint(transport, " ", size), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, rating.Unit, func(w *world) {
					w.carrier = must(siptest.NewCarrier(siptest.CarrierConfig{Default: siptest.Answer(0), Config: siptest.Config{Transport: transport, T1: 100 * time.Millisecond}}))
					w.t.Cleanup(w.carrier.Close)
					w.catalog.edit(func(d *rating.Documents) {
						t := d.Trunks[0]
						t.URI = fmt.Sprintf("sip:%s;transport=%s", w.carrier.Addr(), transport)
						d.Trunks = []rating.Trunk{t}
					})
				})
				phone := w.newPhone(siptest.PhoneConfig{Config: siptest.Config{Transport: transport}})
				body := siptest.Body{Type: "application/sdp", Text: "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n" + strings.Repeat("a=x-fill:0123456789abcdef\r\n", size/27)}
				call := phone.Place(siptest.Plan{Number: "91", Body: body})
				if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
					t.Fatalf("INVITE of %d bytes: %v %v", len(body.Text), m, err)
				}
				call.Bye(t.Context())
				rows, _ := w.carrier.Record()
				if rows[0].Body != body.Text {
					t.Errorf("%d of %d bytes arrived", len(rows[0].Body), len(body.Text))
				}
				w.cdrs(1)
			})
		}
	}
}
