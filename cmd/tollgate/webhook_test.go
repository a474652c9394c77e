package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// hookReceiver is what an integrator writes: it checks the signature by itself, and is not always well.
type hookReceiver struct {
	*httptest.Server
	t      *testing.T
	secret string
	fail   int // requests about each event that are answered with 500, before one is taken

	mu    sync.Mutex
	tries map[string]int // by event id
	taken map[string][]hookEvent
}

type hookEvent struct {
	ID    string
	Event string
	At    time.Time
	Data  map[string]any
}

func newHookReceiver(t *testing.T, fail int) *hookReceiver {
	h := &hookReceiver{t: t, secret: "a secret of ours", fail: fail, tries: map[string]int{}, taken: map[string][]hookEvent{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hookReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	stamp := r.Header.Get("X-Tollgate-Timestamp")
	mac := hmac.New(sha256.New, []byte(h.secret))
	mac.Write([]byte(stamp + "." + string(body)))
	seconds, _ := strconv.ParseInt(stamp, 10, 64)
	var e hookEvent
	switch {
	case err != nil || r.Method != http.MethodPost || json.Unmarshal(body, &e) != nil:
		h.t.Errorf("not a POST of JSON: %s %s", r.Method, body)
	case r.Header.Get("X-Tollgate-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)):
		h.t.Errorf("a wrong signature: %v", r.Header)
	case time.Since(time.Unix(seconds, 0)).Abs() > 10*time.Second:
		h.t.Errorf("timestamp %q", stamp)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tries[e.ID]++; h.tries[e.ID] <= h.fail {
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	}
	h.taken[e.Event] = append(h.taken[e.Event], e)
}

// events are those of a name that were taken.
func (h *hookReceiver) events(name string) []hookEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.taken[name]
}

// want waits until there are n events of a name.
func (h *hookReceiver) want(n *node, name string, count int) hookEvent {
	n.t.Helper()
	n.await("told of "+name, 45*time.Second, func() bool { return len(h.events(name)) >= count })
	return h.events(name)[count-1]
}

// archived waits until so many recharges are in the archive: what was told of them was told by then.
func (n *node) archived(recharges int) {
	n.t.Helper()
	n.await("archived", 10*time.Second, func() bool {
		var list struct{ Total int }
		n.call("GET", "/recharges", nil, &list, 200)
		return list.Total >= recharges
	})
}

// setHooks sets the webhooks of an installation.
func (n *node) setHooks(private bool, hooks ...map[string]any) {
	n.t.Helper()
	var settings map[string]any
	n.call("GET", "/settings", nil, &settings, 200)
	settings["webhooks"], settings["webhook_allow_private"] = hooks, private
	n.call("PUT", "/settings", settings, nil, 200)
}

func TestWebhooksAreTold(t *testing.T) {
	type object = map[string]any
	o := newOffice(t, "")
	o.archived(2)
	receiver := newHookReceiver(t, 1)
	all := []string{"balance.low", "recharge", "call.cut", "limit.reached", "trunk.down", "trunk.up"}
	o.setHooks(true, object{"url": receiver.URL + "/hook", "secret": receiver.secret, "events": all})

	o.recharge(rich, "5.0000")
	o.recharge(poor, "1.0000") // and its balance is 1.03, just above the threshold
	o.call("PATCH", "/extensions/"+rich, object{"limits": object{"deny_prefixes": []string{"900"}}}, nil, 200)
	if _, err := o.phone.Call("9001").Answered(within(t, 5*time.Second)); err == nil {
		t.Error("a denied prefix was dialled")
	}
	o.call("POST", "/recharges", object{"extensions": []string{poor}, "amount": "-1.0100", "note": "taken back"}, nil, 201) // down to two cents: below the threshold
	if _, err := o.newPhone(poor).Call("958").Answered(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}

	second, err := siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{Ladder: o.ladder}, Default: siptest.Answer(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	o.call("POST", "/trunks", object{"name": "spare", "uri": "sip:" + second.Addr().String() + ";transport=udp", "probe_interval": 5}, nil, 201)
	health := func(want string) func() bool {
		return func() bool {
			var trunk struct{ Health string }
			o.call("GET", "/trunks/spare", nil, &trunk, 200)
			return trunk.Health == want
		}
	}
	o.await("up", 20*time.Second, health("up"))
	time.Sleep(2 * trunksEvery) // so that the watch has seen it up
	second.SetReply("OPTIONS", siptest.Reply{Code: 503})

	if e := receiver.want(o.node, "recharge", 2); e.Data["extension"] == nil || e.Data["by"] != "admin" {
		t.Errorf("recharge: %+v", e)
	}
	if e := receiver.want(o.node, "limit.reached", 1); e.Data["dialled"] != "9001" || e.Data["extension"] != rich {
		t.Errorf("limit.reached: %+v", e)
	}
	if e := receiver.want(o.node, "balance.low", 1); e.Data["extension"] != poor || e.Data["threshold"] != "1.0000" {
		t.Errorf("balance.low: %+v", e)
	}
	if e := receiver.want(o.node, "call.cut", 1); e.Data["extension"] != poor || e.Data["ended_by"] != "credit" {
		t.Errorf("call.cut: %+v", e)
	}
	if e := receiver.want(o.node, "trunk.down", 1); e.Data["trunk"] != "spare" || e.Data["node"] != "test" {
		t.Errorf("trunk.down: %+v", e)
	}
	if len(receiver.events("trunk.up")) > 0 {
		t.Errorf("a trunk that was never down is up: %+v", receiver.events("trunk.up"))
	}
	second.SetReply("OPTIONS", siptest.Reply{})
	if e := receiver.want(o.node, "trunk.up", 1); e.Data["trunk"] != "spare" || e.Data["node"] != "test" {
		t.Errorf("trunk.up: %+v", e)
	}
	time.Sleep(time.Second)
	for name, count := range map[string]int{"recharge": 2, "limit.reached": 1, "balance.low": 1, "call.cut": 1, "trunk.down": 1, "trunk.up": 1} {
		if got := receiver.events(name); len(got) != count {
			t.Errorf("%s was told %d times, want %d: %+v", name, len(got), count, got)
		}
	}
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	for id, tries := range receiver.tries {
		if tries != 2 {
			t.Errorf("event %s: %d requests, want one that failed and one that was taken", id, tries)
		}
	}
}

// An operator who may write settings must not be able to make this machine talk to its neighbours, and whatever becomes of
// webhooks, no call waits for them.
func TestWebhooksDoNotReachInside(t *testing.T) {
	type object = map[string]any
	o := newOffice(t, "")
	o.archived(2)
	receiver := newHookReceiver(t, 0)
	o.setHooks(false, object{"url": receiver.URL, "secret": receiver.secret, "events": []string{"recharge"}})
	o.recharge(rich, "5.0000")
	o.await("refused", 20*time.Second, func() bool {
		failed, _ := o.metric(`tollgate_webhook_attempts_total{result="failed"}`)
		return failed != "0" && failed != ""
	})
	if got := receiver.events("recharge"); len(got) != 0 {
		t.Errorf("loopback was reached: %+v", got)
	}
	o.stop()
	o.start()
	o.setHooks(true, object{"url": receiver.URL, "secret": receiver.secret, "events": []string{"recharge"}})
	receiver.want(o.node, "recharge", 1) // it waited, through a restart
}

// The end of the trial is told by webhook, once a day, whatever is restarted.
func TestAWebhookIsToldThatTheTrialEnds(t *testing.T) {
	const day = 24 * time.Hour
	n := trialNode(t, "test")
	n.call("PUT", "/billing", map[string]any{"active": true}, nil, 200)
	receiver := newHookReceiver(t, 0)
	n.setHooks(true, map[string]any{"url": receiver.URL, "secret": receiver.secret, "events": []string{"license.expiring"}})
	n.at(25 * day)
	if e := receiver.want(n, "license.expiring", 1); e.Data["expires_at"] == nil || e.Data["days_left"] != 5.0 {
		t.Errorf("license.expiring: %+v", e)
	}
	n.at(25 * day)
	n.at(26 * day)
	if e := receiver.want(n, "license.expiring", 2); e.Data["days_left"] != 4.0 {
		t.Errorf("license.expiring on the next day: %+v", e)
	}
	time.Sleep(2 * licenseWatchEvery)
	if got := receiver.events("license.expiring"); len(got) != 2 {
		t.Errorf("told %d times in two days: %+v", len(got), got)
	}
}
