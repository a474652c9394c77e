package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// Debian's Prometheus with the configuration that we ship, scraping a node that carries real calls.

// prometheus is one that runs.
type prometheusServer struct {
	t   *testing.T
	api string
}

// startPrometheus runs it with the shipped configuration and rules; only the target is another, and it looks more often.
func startPrometheus(t *testing.T, target string) *prometheusServer {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed: .ci/setup installs it")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(deployFolder, "prometheus"))); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	shipped := string(text)
	for was, is := range map[string]string{"127.0.0.1:8080": target, "scrape_interval: 15s": "scrape_interval: 1s", "evaluation_interval: 15s": "evaluation_interval: 1s"} {
		if strings.Count(shipped, was) != 1 {
			t.Fatalf("prometheus.yml says %d times %q", strings.Count(shipped, was), was)
		}
		shipped = strings.Replace(shipped, was, is, 1)
	}
	if err := os.WriteFile(config, []byte(shipped), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	process := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen)
	companion(t, "prometheus", process)
	return &prometheusServer{t: t, api: "http://" + listen + "/api/v1"}
}

// sample is one series of an answer, at one instant.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

func (s sample) value() float64 {
	text, _ := s.Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

func (p *prometheusServer) get(path string, query url.Values, into any) error {
	response, err := http.Get(p.api + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return json.Unmarshal(text, into)
}

func (p *prometheusServer) query(expr string) ([]sample, error) {
	var answer struct{ Data struct{ Result []sample } }
	err := p.get("/query", url.Values{"query": {expr}}, &answer)
	return answer.Data.Result, err
}

// byTrunk is the answer to a query, by the label trunk.
func (p *prometheusServer) byTrunk(expr string) map[string]float64 {
	p.t.Helper()
	samples, err := p.query(expr)
	if err != nil {
		p.t.Fatalf("%s: %v", expr, err)
	}
	all := map[string]float64{}
	for _, s := range samples {
		all[s.Metric["trunk"]] = s.value()
	}
	return all
}

// filled says why a query shows nothing; "" where it does.
func (p *prometheusServer) filled(expr string) string {
	samples, err := p.query(expr)
	switch {
	case err != nil:
		return err.Error()
	case len(samples) == 0:
		return "no data"
	case !slices.ContainsFunc(samples, func(s sample) bool { return !math.IsNaN(s.value()) }):
		return "nothing but NaN"
	}
	return ""
}

// traffic is a minute's life of a small office: calls of every kind over two trunks.
type traffic struct {
	*office
	second *siptest.Carrier
	placed int
}

func newTraffic(t *testing.T) *traffic {
	t.Helper()
	o := newOffice(t, "")
	ca, err := siptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	o.securely(ca)
	second, err := siptest.NewCarrier(siptest.CarrierConfig{Config: siptest.Config{LocalIP: netip.MustParseAddr("127.0.0.1")}, Default: siptest.Answer(30 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	o.call("POST", "/trunks", map[string]any{"name": "FXO-2", "uri": fmt.Sprintf("sip:%s;transport=udp", second.Addr()), "max_calls": 30, "register": true, "username": "gw", "password": "trunk-secret", "response_timeout": 1}, nil, 201)
	o.call("POST", "/dial-rules", map[string]any{"position": 2, "prefix": "97", "strip": 1, "trunks": []string{"FXO-1", "FXO-2"}}, nil, 201)
	for number, b := range map[string]siptest.Behaviour{"71": siptest.Overloaded("0"), "72": siptest.Silent(), "81": siptest.Busy(), "82": siptest.RejectAfter(20*time.Millisecond, 480, "Not There"),
		"83": siptest.RingForever(), "84": siptest.Reject(404, "Not Found"), "85": siptest.TryingForever()} {
		o.carrier.On(number, b)
	}
	return &traffic{office: o, second: second}
}

// round places one call of each kind, and lets a stranger knock.
func (w *traffic) round() {
	t := w.t
	for _, number := range []string{"980", "971", "973"} { // at once, by failover, at once
		call := w.phone.Call(number)
		if _, err := call.Answered(within(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		if _, err := call.Bye(within(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
	}
	for _, number := range []string{"981", "982", "984", "12", "9x"} {
		if _, err := w.phone.Call(number).Final(within(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
	}
	for _, number := range []string{"983", "985"} {
		call := w.phone.Call(number)
		if _, err := w.carrier.Await(within(t, 10*time.Second), number[1:]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
		if _, err := call.Cancel(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for _, extension := range []string{broke, lockedUp} {
		if _, err := w.newPhone(extension).Call(number).Final(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	w.placed += 12
	_ = w.phone.SendRaw([]byte("this is not SIP, and long enough to be looked at"))
	w.try("POST", "/login", map[string]string{"username": "nobody", "password": "wrong password"})
}

// cut is a call that ends with its money.
func (w *traffic) cut() {
	w.recharge(poor, "0.0100")
	call := w.newPhone(poor).Call("951")
	if _, err := call.Answered(within(w.t, 10*time.Second)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := call.Ended(within(w.t, 15*time.Second)); err != nil {
		w.t.Fatal(err)
	}
	w.placed++
}

// records are all CDRs, through the API.
func (w *traffic) records() []rating.CDR {
	w.t.Helper()
	w.calls(w.placed) // waits for them
	var all []rating.CDR
	for page := 1; len(all) < w.placed; page++ {
		var list struct{ Items []rating.CDR }
		w.call("GET", fmt.Sprintf("/calls?disposition=any&per_page=200&page=%d", page), nil, &list, 200)
		if len(list.Items) == 0 {
			w.t.Fatalf("%d of %d records", len(all), w.placed)
		}
		all = append(all, list.Items...)
	}
	return all
}

// figures are what dashboards show of the trunks.
type figures struct{ asr, ner, acd, pdd map[string]float64 }

// figuresOf reckons them from the records.
func figuresOf(cdrs []rating.CDR) figures {
	type sums struct{ attempts, answered, reached, calls, seconds, rang, delay float64 }
	of := map[string]*sums{}
	trunk := func(name string) *sums {
		if of[name] == nil {
			of[name] = new(sums)
		}
		return of[name]
	}
	for _, c := range cdrs {
		for i, a := range c.Attempts {
			s, outcome := trunk(a.Trunk), c.Outcome(i)
			s.attempts++
			if outcome == rating.OutcomeAnswered {
				s.answered++
			}
			if outcome != rating.OutcomeFailed && outcome != rating.OutcomeAbandoned {
				s.reached++
			}
		}
		if c.AnsweredAt != nil {
			trunk(c.Trunk).calls++
			trunk(c.Trunk).seconds += float64(c.Duration)
		}
		if c.PostDial > 0 {
			trunk(c.Trunk).rang++
			trunk(c.Trunk).delay += float64(c.PostDial) / 1000
		}
	}
	f := figures{map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}}
	for name, s := range of {
		f.asr[name], f.ner[name], f.acd[name], f.pdd[name] = s.answered/s.attempts, s.reached/s.attempts, s.seconds/s.calls, s.delay/s.rang
	}
	return f
}

// The figures of a trunk since the start, as deploy/prometheus/README.md gives them.
const (
	asrEver = `sum by (trunk) (tollgate_trunk_attempts_total{outcome="answered"}) / sum by (trunk) (tollgate_trunk_attempts_total)`
	nerEver = `sum by (trunk) (tollgate_trunk_attempts_total{outcome=~"answered|busy|no_answer|cancelled"}) / sum by (trunk) (tollgate_trunk_attempts_total)`
	acdEver = `sum by (trunk) (tollgate_call_duration_seconds_sum) / sum by (trunk) (tollgate_call_duration_seconds_count)`
	pddEver = `sum by (trunk) (tollgate_post_dial_delay_seconds_sum) / sum by (trunk) (tollgate_post_dial_delay_seconds_count)`
)

func TestARealPrometheusFillsEveryPanelAndAgreesWithTheRecords(t *testing.T) {
	t.Parallel()
	w := newTraffic(t)
	p := startPrometheus(t, strings.TrimPrefix(w.api, "http://"))
	w.await("scraped", 30*time.Second, func() bool { return p.filled("tollgate_build_info") == "" })
	began := time.Now()
	w.cut()
	for w.round(); time.Since(began) < 12*time.Second; w.round() {
		time.Sleep(200 * time.Millisecond)
	}
	w.cut()

	empty := map[string]string{}
	w.await("asked for every panel", time.Minute, func() bool {
		w.round() // the traffic goes on while somebody looks
		clear(empty)
		for where, expr := range queries(t) {
			if why := p.filled(expr); why != "" {
				empty[where] = why + ": " + expr
			}
		}
		return len(empty) == 0 || time.Since(began) > 40*time.Second
	})
	for where, why := range empty {
		t.Errorf("%s: %s", where, why)
	}
	p.healthyRules()

	cdrs := w.records()
	want := figuresOf(cdrs)
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 } // sums of thousandths of a second
	for _, c := range []struct {
		name, expr string
		want       map[string]float64
	}{{"ASR", asrEver, want.asr}, {"NER", nerEver, want.ner}, {"ACD", acdEver, want.acd}, {"PDD", pddEver, want.pdd}} {
		var have map[string]float64
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) { // the next scrapes
			if have = p.byTrunk(c.expr); maps.EqualFunc(have, c.want, near) {
				t.Logf("%s of %d calls: %v", c.name, len(cdrs), have)
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s: Prometheus says %v, the records say %v", c.name, have, c.want)
				break
			}
		}
	}
	w.carriersAgree(want, cdrs)
}

// carriersAgree asks the carriers' own record how many calls they answered, and how many they were offered.
func (w *traffic) carriersAgree(f figures, cdrs []rating.CDR) {
	w.t.Helper()
	for trunk, carrier := range map[string]*siptest.Carrier{"FXO-1": w.carrier, "FXO-2": w.second} {
		rows, dropped := carrier.Record()
		answered := 0.0
		for _, r := range rows {
			if r.Answered() {
				answered++
			}
		}
		if asr := answered / float64(len(rows)); dropped != 0 || math.Abs(asr-f.asr[trunk]) > 1e-9 {
			w.t.Errorf("%s itself has answered %v of %d calls, the records of %d calls say %v", trunk, answered, len(rows), len(cdrs), f.asr[trunk])
		}
	}
}

// queries are what must show something: every panel, every recorded figure, and what every alert looks at.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := expressions(t)
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		delete(all, "rule "+r.Alert) // shows something only when it fires: promtool's tests do that
		for i, m := range metricInExpr.FindAllString(r.Expr, -1) {
			all[fmt.Sprintf("alert %s %d", r.Alert, i)] = m
		}
	}
	return all
}

// healthyRules fails for a rule that Prometheus could not evaluate.
func (p *prometheusServer) healthyRules() {
	p.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := p.get("/rules", nil, &answer); err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if n++; r.Health != "ok" {
				p.t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if n != len(readRules(p.t)) {
		p.t.Errorf("Prometheus has %d rules, the files %d", n, len(readRules(p.t)))
	}
}
