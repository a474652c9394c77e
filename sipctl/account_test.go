package sipctl_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/digest"
	"tollgate/sipctl/siptest"
)

// What a trunk's registrar would check, with the password that it knows.

const (
	trunkUser     = "gateway"
	trunkPassword = "swordfish"
)

// knows reports whether a request carries right credentials for a realm and a nonce.
func knows(m *siptest.Message, realm, nonce string) bool {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		a, err := digest.ParseAnswer(m.Get(name))
		if err != nil || a.Username != trunkUser || a.Realm != realm || a.Nonce != nonce || a.URI != m.URI {
			continue
		}
		return a.Verify(digest.HA1(a.Algorithm, trunkUser, realm, trunkPassword), m.Method, []byte(m.Body))
	}
	return false
}

func demand(code int, realm string, challenges ...string) *siptest.Challenge {
	name := map[int]string{401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[code]
	return &siptest.Challenge{Code: code, Header: siptest.Header{Name: name, Value: challenges[0]},
		Accept: func(m *siptest.Message) bool { return knows(m, realm, "n1") }}
}

// registered gives the trunk T1 credentials.
func registered(w *world, change ...func(*rating.Trunk)) {
	w.catalog.edit(func(d *rating.Documents) {
		t := d.Trunks[0]
		t.Username, t.Password = trunkUser, trunkPassword
		for _, f := range change {
			f(&t)
		}
		d.Trunks = append([]rating.Trunk{t}, d.Trunks[1:]...)
	})
}

func TestATrunkGetsCredentialsWhenItAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code      int
		challenge string
	}{
		{401, `Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`},
		{407, `Digest realm="carrier", nonce="n1", algorithm=SHA-256, qop="auth,auth-int", opaque="x"`},
		{401, `Digest realm="carrier", nonce="n1"`},
		{407, `Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth-int"`},
	} {
		t.Run(fmt.Sprint(c.code, c.challenge[7:]), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit, func(w *world) { registered(w) })
			b := siptest.Answer(0)
			b.Demand = demand(c.code, "carrier", c.challenge)
			b.Replies = siptest.Replies{"BYE": {Code: c.code, Headers: []siptest.Header{b.Demand.Header}, Unless: b.Demand.Accept}}
			w.carrier.On("1", b)
			call := w.phone.Call("91")
			if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			time.Sleep(300 * time.Millisecond) // it talks
			if m, err := call.Bye(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("BYE: %v %v", m, err)
			}
			cdr := w.cdrs(1)[0]
			if cdr.Cost != 10_000 || len(cdr.Attempts) != 1 {
				t.Errorf("%+v", cdr)
			}
			w.dead()
			w.weEnded(0)
			for _, m := range call.Responses() {
				if m.Code == 401 || m.Code == 407 {
					t.Error("the caller was told of the challenge")
				}
			}
		})
	}
}

func TestCredentialsGoToOneRealmOfOneTrunk(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*rating.Trunk){
		"no credentials are set":     func(t *rating.Trunk) { t.Username = "" },
		"the realm is another":       func(t *rating.Trunk) { t.Realm = "elsewhere" },
		"the password is wrong":      func(t *rating.Trunk) { t.Password = "catfish" },
		"only basic would be enough": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rating.Unit, func(w *world) {
				registered(w)
				if change != nil {
					registered(w, change)
				}
			})
			second := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond}, Default: siptest.Answer(0)}))
			t.Cleanup(second.Close)
			other := w.trunkTo("T2", second)
			w.catalog.edit(func(d *rating.Documents) {
				d.Trunks = append(d.Trunks, other)
				d.DialRules[0].Trunks = []string{"T1", "T2"}
			})
			b := siptest.Answer(0)
			challenge := `Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`
			if change == nil {
				challenge = `Basic realm="carrier"`
			}
			b.Demand = demand(401, "carrier", challenge)
			w.carrier.On("1", b)
			call := w.phone.Call("91")
			if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
				t.Fatalf("INVITE: %v %v", m, err)
			}
			call.Bye(t.Context())
			cdr := w.cdrs(1)[0]
			if len(cdr.Attempts) != 2 || cdr.Attempts[0].Code != 401 || cdr.Trunk != "T2" {
				t.Errorf("attempts %+v", cdr.Attempts)
			}
			rows, _ := second.Record()
			for _, h := range rows[0].Headers {
				if strings.HasSuffix(h.Name, "Authorization") {
					t.Errorf("the second trunk was sent %s", h.Name)
				}
			}
			if n := w.carrier.Totals().Calls; n > 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestAStaleNonceIsAnsweredOnceMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) { registered(w) })
	var asked atomic.Int64
	w.carrier = must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond, Ladder: w.ladder}, Choose: func(m *siptest.Message) siptest.Behaviour {
		b := siptest.Answer(0)
		b.Demand = demand(401, "carrier", `Digest realm="carrier", nonce="n0", algorithm=MD5, qop="auth"`)
		if asked.Add(1) > 1 {
			b.Demand.Header.Value = `Digest realm="carrier", nonce="n1", stale=TRUE, algorithm=MD5, qop="auth"`
		}
		return b
	}}))
	t.Cleanup(w.carrier.Close)
	w.catalog.edit(func(d *rating.Documents) {
		t := d.Trunks[0]
		t.URI = "sip:" + w.carrier.Addr().String()
		d.Trunks = []rating.Trunk{t}
	})
	call := w.phone.Call("91")
	if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	call.Bye(t.Context())
	if n := asked.Load(); n != 3 {
		t.Errorf("the INVITE was sent %d times", n)
	}
	w.cdrs(1)
}

func TestCancelAfterAChallenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) { registered(w) })
	b := siptest.RingForever()
	b.Demand = demand(401, "carrier", `Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`)
	w.carrier.On("1", b)
	call := w.phone.Call("91")
	if _, err := call.Ringing(t.Context()); err != nil {
		t.Fatal(err)
	}
	call.Cancel(t.Context())
	if m, err := call.Final(t.Context()); err != nil || m.Code != 487 {
		t.Fatalf("INVITE: %v %v", m, err)
	}
	var last siptest.Row
	for deadline := time.Now().Add(5 * second); last.Cancelled.IsZero() && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		rows, _ := w.carrier.Record()
		last = rows[len(rows)-1]
	}
	if last.Cancelled.IsZero() {
		t.Error("the INVITE with credentials was not cancelled")
	}
	w.free(rating.Cancelled, rating.ByCaller, 487)
}

// directory is a DNS.
type directory struct {
	hosts   map[string][]string
	records map[string][]*net.SRV
	broken  atomic.Bool
}

func (d *directory) LookupHost(_ context.Context, host string) ([]string, error) {
	if d.broken.Load() {
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	if found := d.hosts[host]; found != nil {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (d *directory) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if d.broken.Load() {
		return "", nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if found := d.records["_"+service+"._"+proto+"."+name]; found != nil {
		return name, found, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestATrunkIsFoundByItsServiceRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit, func(w *world) {
		at := netip.MustParseAddrPort(w.carrier.Addr().String())
		w.resolver = &directory{
			hosts: map[string][]string{"dead.example": {"127.0.0.99"}, "alive.example": {at.Addr().String()}},
			records: map[string][]*net.SRV{"_sip._udp.carrier.example": {
				{Target: "dead.example.", Port: at.Port(), Priority: 1}, {Target: "alive.example.", Port: at.Port(), Priority: 2}}},
		}
		registered(w, func(t *rating.Trunk) { t.URI = "sip:carrier.example" })
	})
	for i := range 2 { // the first address is silent: the second gets the call, and the next call at once
		began := time.Now()
		call := w.phone.Call("91")
		if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
		if took := time.Since(began); i == 1 && took > 900*time.Millisecond {
			t.Errorf("the silent address was asked again: %v", took)
		}
		call.Bye(t.Context())
		w.resolver.(*directory).broken.Store(true) // the last good answer stays
	}
	rows, _ := w.carrier.Record()
	if got := rows[0].RequestURI; !strings.HasSuffix(got, "@carrier.example") {
		t.Errorf("the Request-URI is %s", got)
	}
	for _, cdr := range w.cdrs(2) {
		if cdr.Trunk != "T1" {
			t.Errorf("%+v", cdr)
		}
	}
}

func TestRetryAfterIsObeyedAndNotPassedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rating.Unit)
	second := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond}, Default: siptest.Answer(0)}))
	t.Cleanup(second.Close)
	other := w.trunkTo("T2", second)
	w.catalog.edit(func(d *rating.Documents) {
		d.Trunks = append(d.Trunks, other)
		d.DialRules[0].Trunks = []string{"T1", "T2"}
	})
	w.carrier.On("1", siptest.Overloaded("120 (maintenance);duration=60"))
	for range 3 {
		call := w.phone.Call("91")
		if m, err := call.Answered(t.Context()); err != nil || m.Code != 200 {
			t.Fatalf("INVITE: %v %v", m, err)
		}
		call.Bye(t.Context())
	}
	if n := w.carrier.Totals().Calls; n != 1 {
		t.Errorf("the trunk that wanted no calls was offered %d", n)
	}
	w.catalog.edit(func(d *rating.Documents) { d.DialRules[0].Trunks = []string{"T1"} })
	call := w.phone.Call("91")
	m, err := call.Final(t.Context())
	if err != nil || m.Code != 503 || m.Get("Retry-After") == "120 (maintenance);duration=60" {
		t.Errorf("with no other trunk: %v %v", m, err)
	}
	if n := w.carrier.Totals().Calls; n != 2 {
		t.Errorf("with no other trunk it was offered %d calls, want one more", n-1)
	}
	w.cdrs(4)
}
