package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/rating"
)

func TestTheSignatureIsTheDocumentedOne(t *testing.T) {
	// printf '1700000000.{"id":"1"}' | openssl dgst -sha256 -hmac secret-of-eight
	const want = "sha256=eadf33bf8493a29526a3d3ad60c4d964b9b073a33cb2a71c84560b5b2b1db9ac"
	if got := Sign("secret-of-eight", "1700000000", []byte(`{"id":"1"}`)); got != want {
		t.Errorf("signed as %q", got)
	}
}

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "1.1.1.1": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false, "198.18.0.1": false, "240.0.0.1": false, "192.0.2.1": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd12::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::127.0.0.1": false, "2001:db8::1": false, "fe80::1%eth0": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// receiver is somebody's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []rating.Event
	bad    atomic.Int64 // requests with a wrong signature
	status atomic.Int64
}

func newReceiver(t *testing.T, secret string) *receiver {
	r := &receiver{}
	r.status.Store(200)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var e rating.Event
		if req.Header.Get(SignatureHeader) != Sign(secret, req.Header.Get(TimestampHeader), body) || json.Unmarshal(body, &e) != nil {
			r.bad.Add(1)
		}
		if code := int(r.status.Load()); code != 200 {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(code)
			return
		}
		r.mu.Lock()
		r.got = append(r.got, e)
		r.mu.Unlock()
	}))
	t.Cleanup(r.Close)
	return r
}

func TestARequestIsSignedAndAnythingBut2xxIsAFailure(t *testing.T) {
	const secret = "a very secret secret"
	r := newReceiver(t, secret)
	hook := rating.Webhook{URL: r.URL, Secret: secret, Events: []string{"call.cut"}}
	e := rating.Event{ID: "e1", Name: rating.CallCut, At: time.Now().UTC(), Data: []byte(`{"extension":"101","cost":"0.1000"}`)}
	s := NewSender()
	if err := s.Send(t.Context(), hook, e, true); err != nil {
		t.Fatal(err)
	}
	if len(r.got) != 1 || r.got[0].ID != "e1" || string(r.got[0].Data) != string(e.Data) || r.bad.Load() != 0 {
		t.Errorf("received %+v, %d with a bad signature", r.got, r.bad.Load())
	}
	if err := s.Send(t.Context(), hook, e, false); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("a loopback address is reached: %v", err)
	}
	named := hook
	named.URL = strings.Replace(r.URL, "127.0.0.1", "localhost", 1)
	if err := s.Send(t.Context(), named, e, false); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("a name that resolves to loopback is reached: %v", err)
	}
	for _, status := range []int64{301, 307, 404, 500, 503} {
		r.status.Store(status)
		if err := s.Send(t.Context(), hook, e, true); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// memory is a queue without a store.
type memory struct {
	mu    sync.Mutex
	due   map[string]time.Time
	items map[string]rating.Delivery
	dead  map[string]rating.Delivery
}

func newMemory(deliveries ...rating.Delivery) *memory {
	m := &memory{due: map[string]time.Time{}, items: map[string]rating.Delivery{}, dead: map[string]rating.Delivery{}}
	for _, d := range deliveries {
		d.FirstAt = time.Now()
		m.items[d.ID], m.due[d.ID] = d, time.Now()
	}
	return m
}

func (m *memory) Lines(context.Context) (urls []string, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, at := range m.due {
		if url := m.items[id].URL; !at.After(time.Now()) && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls, nil
}
func (m *memory) Take(_ context.Context, url string) (rating.Delivery, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, at := range m.due {
		if m.items[id].URL == url && !at.After(time.Now()) {
			m.due[id] = time.Now().Add(time.Minute)
			return m.items[id], true, nil
		}
	}
	return rating.Delivery{}, false, nil
}
func (m *memory) Done(_ context.Context, d rating.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.due, d.ID)
	delete(m.items, d.ID)
	return nil
}
func (m *memory) Later(_ context.Context, d rating.Delivery, pause time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items[d.ID], m.due[d.ID] = d, time.Now().Add(pause)
	return nil
}
func (m *memory) Bury(_ context.Context, d rating.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.due, d.ID)
	m.dead[d.ID] = d
	return nil
}
func (m *memory) Sizes(context.Context) (int64, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.due)), int64(len(m.dead)), nil
}

func (m *memory) buried(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, dead := m.dead[id]
	return dead
}

// transport answers without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func courier(t *testing.T, q Queue, f transport, hooks ...rating.Webhook) *Courier {
	t.Helper()
	client := &http.Client{Transport: f, Timeout: requestLimit}
	settings := func() rating.Settings { return rating.Settings{Webhooks: hooks} }
	c, err := NewCourier(q, &Sender{guarded: client, free: client}, settings, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(code int) (*http.Response, error) {
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: http.NoBody}, nil
}

func delivery(id, url string) rating.Delivery {
	return rating.Delivery{ID: id, URL: url, Event: rating.Event{ID: id, Name: rating.CallCut, Data: []byte("{}")}}
}

var told = rating.Webhook{URL: "https://receiver.example/", Secret: "12345678", Events: []string{"call.cut"}}

func TestADayOfFailuresMakesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []time.Time
		q := newMemory(delivery("e1", told.URL))
		c := courier(t, q, func(*http.Request) (*http.Response, error) {
			attempts = append(attempts, time.Now())
			return answer(500)
		}, told)
		ctx, stop := context.WithCancel(t.Context())
		go c.Run(ctx)
		began := time.Now()
		time.Sleep(30 * time.Hour)
		stop()
		synctest.Wait()
		if !q.buried("e1") {
			t.Fatal("it is not a dead letter")
		}
		if n := len(attempts); n < 25 || n > 40 {
			t.Errorf("%d attempts", n)
		}
		if last := attempts[len(attempts)-1].Sub(began); last < 23*time.Hour || last > 26*time.Hour {
			t.Errorf("given up after %v", last)
		}
		if second := attempts[1].Sub(attempts[0]); second < 5*time.Second || second > 7*time.Second {
			t.Errorf("tried again after %v", second)
		}
	})
}

// Nineteen receivers that do not answer, each with a long line of deliveries, cost the twentieth nothing.
func TestSlowReceiversDoNotKeepTheOthersWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := told
		hooks, q := []rating.Webhook{fast}, newMemory()
		for i := range 19 {
			slow := told
			slow.URL = fmt.Sprintf("https://slow.example/%d", i)
			hooks = append(hooks, slow)
			for j := range 50 {
				_ = q.Later(t.Context(), delivery(fmt.Sprintf("slow-%d-%d", i, j), slow.URL), 0)
			}
		}
		var hung atomic.Int64
		arrived := make(chan time.Time, 100)
		c := courier(t, q, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "slow.example" {
				hung.Add(1)
				<-r.Context().Done()
				hung.Add(-1)
				return nil, r.Context().Err()
			}
			arrived <- time.Now()
			return answer(200)
		}, hooks...)
		ctx, stop := context.WithCancel(t.Context())
		go c.Run(ctx)
		time.Sleep(5 * time.Second)
		if n := hung.Load(); n != 19*atOnce {
			t.Errorf("%d requests are under way", n)
		}
		began := time.Now() // the courier may look at this very moment, and then tells it at once
		for i := range 100 {
			_ = q.Later(t.Context(), delivery(fmt.Sprintf("fast-%d", i), fast.URL), 0)
		}
		time.Sleep(time.Second)
		if n := len(arrived); n != 100 {
			t.Fatalf("%d of 100 deliveries were made", n)
		}
		for range 100 {
			if at := <-arrived; at.Sub(began) > lookEvery {
				t.Errorf("a delivery was made after %v", at.Sub(began))
			}
		}
		stop()
		time.Sleep(2 * requestLimit)
		synctest.Wait()
	})
}

func TestAWebhookThatIsGoneIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(delivery("e1", "https://removed.example/"), delivery("e2", told.URL))
		var hosts []string
		c := courier(t, q, func(r *http.Request) (*http.Response, error) { hosts = append(hosts, r.URL.Host); return answer(204) }, told)
		ctx, stop := context.WithCancel(t.Context())
		go c.Run(ctx)
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		if len(hosts) != 1 || hosts[0] != "receiver.example" {
			t.Errorf("told %v", hosts)
		}
		if waiting, dead, _ := q.Sizes(t.Context()); waiting != 0 || dead != 0 {
			t.Errorf("%d wait, %d are dead", waiting, dead)
		}
	})
}
