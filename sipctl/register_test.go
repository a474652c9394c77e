package sipctl_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl"
	"tollgate/sipctl/siptest"
)

// registry is a carrier's registrar that wants credentials.
type registry struct {
	mu       sync.Mutex
	requests []*siptest.Message
	answer   func(n int, m *siptest.Message) siptest.Reply // of a request with right credentials
}

func (r *registry) take(m *siptest.Message) siptest.Reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !knows(m, "carrier", "n1") {
		return siptest.Reply{Code: 401, Headers: []siptest.Header{{Name: "WWW-Authenticate", Value: `Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`}}}
	}
	r.requests = append(r.requests, m)
	return r.answer(len(r.requests), m)
}

func (r *registry) taken() []*siptest.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*siptest.Message(nil), r.requests...)
}

func granted(seconds string) func(int, *siptest.Message) siptest.Reply {
	return func(_ int, m *siptest.Message) siptest.Reply {
		return siptest.Reply{Headers: []siptest.Header{{Name: "Contact", Value: "<sip:other@192.0.2.1>;expires=9999"}, {Name: "Contact", Value: m.Get("Contact") + ";expires=" + seconds}}}
	}
}

// registrarWorld has one trunk that wants to be registered at.
func registrarWorld(t *testing.T, r *registry) *world {
	return newWorld(t, rating.Unit, func(w *world) {
		k := must(siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{T1: 100 * time.Millisecond, Ladder: w.ladder}, Registrar: r.take}))
		w.t.Cleanup(k.Close)
		registered(w, func(t *rating.Trunk) {
			t.URI, t.Register, t.RegisterExpires, t.FromUser = "sip:"+k.Addr().String(), true, 600, "line1"
		})
	})
}

// registration waits until the trunk's state is as wanted.
func (w *world) registration(want sipctl.RegistrationState) sipctl.Registration {
	w.t.Helper()
	var now sipctl.Registration
	for deadline := time.Now().Add(10 * second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if now = w.server.Trunks()[0].Registration; now.State == want {
			return now
		}
	}
	w.t.Fatalf("the registration is %+v, want %s", now, want)
	return now
}

func TestATrunkIsRegisteredAtAndRefreshed(t *testing.T) {
	t.Parallel()
	r := &registry{answer: granted("2")}
	w := registrarWorld(t, r)
	at := w.registration(sipctl.RegistrationRegistered)
	if left := time.Until(at.ExpiresAt); left > 2*second || left < 0 {
		t.Errorf("the binding ends in %v, the registrar granted 2 s", left)
	}
	for deadline := time.Now().Add(10 * second); len(r.taken()) < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	requests := r.taken()
	if len(requests) < 3 {
		t.Fatalf("%d registrations in ten seconds", len(requests))
	}
	first := requests[0]
	if first.Get("Expires") != "600" || !strings.Contains(first.Get("To"), "sip:line1@") || !strings.Contains(first.Get("Contact"), "sip:line1@127.0.0.1:") {
		t.Errorf("asked: %s, To %s, Contact %s", first.Get("Expires"), first.Get("To"), first.Get("Contact"))
	}
	for _, m := range requests[1:] {
		if m.Get("Call-ID") != first.Get("Call-ID") || !m.At.Before(first.At.Add(20*second)) {
			t.Error("a refresh has another Call-ID")
		}
	}
	w.catalog.edit(func(d *rating.Documents) { // switched off: the binding goes
		t := d.Trunks[0]
		t.Enabled = false
		d.Trunks = []rating.Trunk{t}
	})
	w.registration(sipctl.RegistrationOff)
	requests = r.taken()
	if last := requests[len(requests)-1]; last.Get("Expires") != "0" {
		t.Errorf("the last request asks for %s s", last.Get("Expires"))
	}
}

func TestARegistrarMayWantALongerInterval(t *testing.T) {
	t.Parallel()
	r := &registry{answer: func(_ int, m *siptest.Message) siptest.Reply {
		if m.Get("Expires") == "600" {
			return siptest.Reply{Code: 423, Reason: "Interval Too Brief", Headers: []siptest.Header{{Name: "Min-Expires", Value: "1800"}}}
		}
		return siptest.Reply{Headers: []siptest.Header{{Name: "Expires", Value: m.Get("Expires")}}}
	}}
	w := registrarWorld(t, r)
	at := w.registration(sipctl.RegistrationRegistered)
	if left := time.Until(at.ExpiresAt); left < 1790*second {
		t.Errorf("the binding ends in %v", left)
	}
}

func TestARefusedRegistrationSaysWhyAndIsTriedSlowly(t *testing.T) {
	t.Parallel()
	r := &registry{answer: func(int, *siptest.Message) siptest.Reply { return siptest.Reply{Code: 403, Reason: "Not Paid"} }}
	w := registrarWorld(t, r)
	at := w.registration(sipctl.RegistrationFailed)
	if at.Code != 403 || !strings.Contains(at.Reason, "Not Paid") || !at.ExpiresAt.IsZero() {
		t.Errorf("%+v", at)
	}
	time.Sleep(second)
	if n := len(r.taken()); n != 1 {
		t.Errorf("asked %d times within a second", n)
	}
}

func TestTheRegistrationEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	r := &registry{answer: granted("600")}
	w := registrarWorld(t, r)
	w.registration(sipctl.RegistrationRegistered)
	if err := w.server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.registration(sipctl.RegistrationOff)
}
