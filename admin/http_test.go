package admin_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

func TestAnswersOutsideOfTheOperations(t *testing.T) {
	w := newWorld(t)
	w.send("GET", "/api/v1/nothing", nil).problem(t, "no such path", 404, "not-found")
	w.send("GET", "/nothing", nil).problem(t, "no such page", 404, "not-found")
	w.send("DELETE", "/api/v1/me", nil).problem(t, "no such method", 405, "method-not-allowed")
	w.send("POST", "/api/v1/login", strings.Repeat(" ", 10<<20)).problem(t, "ten megabytes", 413, "too-large")
	w.as(rating.Admin, "POST", "/extensions", `{"number":"`+strings.Repeat("1", 2<<20)+`"}`).problem(t, "two megabytes", 413, "too-large")
	w.as(rating.Admin, "POST", "/extensions", "number=101", "Content-Type: application/x-www-form-urlencoded").problem(t, "a form", 400, "malformed")
	for target, accept := range map[string]header{"/": "Accept: */*", "/favicon.svg": "Accept: */*", "/extensions/101?q=1": "Accept: text/html"} {
		if page := w.send("GET", target, nil, accept); page.status != 200 || !strings.Contains(page.text, "<svg") && !strings.Contains(page.text, `<div id="app">`) {
			t.Errorf("%s for a browser: %d %s", target, page.status, page.text)
		}
	}
	w.send("GET", "/api/v2/me", nil, "Accept: text/html").problem(t, "never a page under /api", 404, "not-found")
	w.send("GET", "/assets/gone.js", nil).expect(t, "an asset of an older version", 404, nil)
	for _, path := range []string{"/", "/docs", "/docs.css", "/api/v1/openapi.json", "/healthz", "/api/v1/me"} {
		h := w.send("GET", path, nil).header
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
			if h.Get(name) == "" {
				t.Errorf("%s lacks %s", path, name)
			}
		}
	}
	w.send("GET", "/api/v1/openapi.json", nil).expect(t, "the description, without log-in", 200, object{"openapi": "3.1.0", "info.version": "1"})
	if page := w.send("GET", "/docs", nil); page.status != 200 || !strings.Contains(page.text, "/api/v1/recharges") {
		t.Errorf("/docs: %d", page.status)
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	w.send("GET", "/healthz", nil).expect(t, "meanwhile others are served", 200, object{"status": "ok"})
	if err := conn.SetReadDeadline(time.Now().Add(8 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadByte(); errors.Is(err, io.EOF) {
		return
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("the connection is still open after 8 s")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := newWorld(t)
	w.send("GET", "/healthz", nil).expect(t, "alive", 200, object{"status": "ok"})
	w.send("GET", "/readyz", nil).expect(t, "ready", 200, object{"status": "ready", "checks.store": "ok", "checks.sip": "ok"})
	w.ready.set(errors.New("socket 192.0.2.1 is closed"))
	deadline := time.Now().Add(5 * time.Second)
	var r reply
	for r = w.send("GET", "/readyz", nil); r.status == 200 && time.Now().Before(deadline); r = w.send("GET", "/readyz", nil) {
		time.Sleep(50 * time.Millisecond) // an answer is used again for a second
	}
	r.expect(t, "not ready", 503, object{"status": "not ready", "checks.store": "ok", "checks.sip": "failed"})
	if strings.Contains(r.text, "192.0.2.1") {
		t.Errorf("strangers are told %s", r.text)
	}
}

func TestWithoutStoreRequestsSayThatItIsGone(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	w.redis.Stop()
	for _, path := range []string{"/extensions", "/me"} {
		r := w.as(rating.Admin, "GET", path, nil)
		r.problem(t, path, 503, "store-unavailable")
		if r.header.Get("Retry-After") == "" {
			t.Errorf("%s: nothing says when to try again", path)
		}
	}
	w.as(rating.Admin, "POST", "/recharges", object{"extensions": []string{"101"}, "amount": "1"}, "Idempotency-Key: k").problem(t, "a recharge", 503, "store-unavailable")
	w.send("GET", "/healthz", nil).expect(t, "the process is alive", 200, nil)
	w.send("GET", "/readyz", nil).expect(t, "and not ready", 503, object{"checks.store": "failed"})
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	body := object{"extensions": []string{"101"}, "amount": "12.5"}
	w.do("POST", "/recharges", body, "Idempotency-Key: k")
	w.do("POST", "/recharges", body, "Idempotency-Key: k")
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "-1", "note": "x"}, "Idempotency-Key: k2")
	w.send("GET", "/no/such/page", nil)
	text := w.send("GET", "/metrics", nil).text
	for _, line := range []string{
		`tollgate_http_requests_total{code="201",method="POST",route="/api/v1/recharges"} 3`,
		`tollgate_http_requests_total{code="404",method="GET",route="none"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}
