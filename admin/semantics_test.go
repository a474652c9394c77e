package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// What the protocol promises to programs that know HTTP and nothing else.

func TestADeletionOfWhatSomebodyChangedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	w.do("POST", "/rates", object{"rate": "0.02", "billing_unit": 60})
	w.do("POST", "/trunks", object{"name": "a", "uri": "sip:192.0.2.1"})
	w.do("POST", "/dial-rules", object{"trunks": []string{"a"}})
	for _, path := range []string{"/extensions/101", "/rates/1", "/dial-rules/1", "/trunks/a"} {
		w.as(rating.Admin, "DELETE", path, nil, `If-Match: "7"`).problem(t, path, 412, "precondition-failed")
		have := w.do("GET", path, nil).header.Get("ETag")
		w.as(rating.Admin, "DELETE", path, nil, header("If-Match: \"7\", "+have)).expect(t, path, 204, nil)
		for _, method := range []string{"DELETE", "PATCH", "GET"} {
			var body any
			if method == "PATCH" {
				body = object{}
			}
			r := w.as(rating.Admin, method, path, body)
			r.problem(t, method+" "+path+" that is gone", 404, "not-found")
			if name := path[strings.LastIndex(path, "/")+1:]; !strings.Contains(r.text, "There is no ") || !strings.Contains(r.text, " "+name+".") {
				t.Errorf("%s %s does not say what is not there: %s", method, path, r.text)
			}
		}
	}
}

func TestWhatIsNewSaysWhereItIs(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		collection string
		body       object
		at         string
	}{
		{"/extensions", object{"number": "1#2"}, "/extensions/1%232"},
		{"/rates", object{"rate": "0.02", "billing_unit": 60}, "/rates/1"},
		{"/trunks", object{"name": "a", "uri": "sip:192.0.2.1"}, "/trunks/a"},
		{"/dial-rules", object{"trunks": []string{"a"}}, "/dial-rules/1"},
	} {
		made := w.do("POST", c.collection, c.body)
		if at := made.header.Get("Location"); at != "/api/v1"+c.at {
			t.Errorf("%s is at %q", c.at, at)
		}
		if there := w.do("GET", c.at, nil); there.text != made.text || there.header.Get("ETag") != made.header.Get("ETag") {
			t.Errorf("at %s is %s, which was made as %s", c.at, there.text, made.text)
		}
	}
}

func TestHeadAsksForWhatGetAnswers(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/docs": 200, "/": 200, "/api/v1/openapi.json": 200, "/api/v1/me": 401, "/api/v1/nothing": 404, "/api/v1/login": 405} {
		if r := w.send("HEAD", path, nil); r.status != status || r.text != "" {
			t.Errorf("HEAD %s: %d %q, want %d", path, r.status, r.text, status)
		}
	}
	w.as(rating.Admin, "HEAD", "/extensions", nil).expect(t, "with a token", 200, nil)
	w.as(rating.Admin, "HEAD", "/active-calls/events", nil).expect(t, "what has no end", 405, nil)
	if r := w.as("", "GET", "/me", nil); !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") { // RFC 9110 §11.6.1
		t.Errorf("a stranger is not told how to log in: %v", r.header)
	}
}

// Whoever sends too much is told so: before it is sent, or else without being cut off while it is.
func TestWhoSendsTooMuchGetsTheAnswer(t *testing.T) {
	w := newWorld(t)
	for _, size := range []int{3 << 20, 40 << 20} {
		for _, expects := range []bool{true, false} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			more := ""
			if expects {
				more = "Expect: 100-continue\r\n"
			}
			fmt.Fprintf(conn, "POST /api/v1/license HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n%s\r\n", w.tokens[rating.Admin], size, more)
			if !expects {
				if _, err := io.Copy(conn, io.LimitReader(endless{}, int64(size))); err != nil {
					t.Errorf("%d bytes were not taken: %v", size, err)
				}
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%d bytes, Expect %v: %v", size, expects, err)
				continue
			}
			text, err := io.ReadAll(answer.Body)
			if answer.StatusCode != 413 || !strings.Contains(string(text), "bytes") || err != nil {
				t.Errorf("%d bytes, Expect %v: %d %s, %v", size, expects, answer.StatusCode, text, err)
			}
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A fault has the field in its location, and says what the field must be.
func TestFaultsSayWhichFieldAndHowToMendIt(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	key := header("Idempotency-Key: k")
	for _, c := range []struct {
		method, path string
		body         any
		location     string
		message      string
	}{
		{"POST", "/extensions", object{}, "body.number", "is missing"},
		{"POST", "/extensions", object{"number": "102", "balance": "1"}, "body.balance", "is not known here, or can only be read"},
		{"POST", "/extensions", object{"number": "102", "credit": 1}, "body.credit", "must be a string, in quotes"},
		{"POST", "/extensions", object{"number": "102", "credit": "1,5"}, "body.credit", `must be an amount as a string with at most six decimals, such as \"12.3400\"`},
		{"POST", "/extensions", `{"number":"102","limits":{"call_seconds":1e2}}`, "body.limits.call_seconds", "must be a whole number, in digits"},
		{"POST", "/extensions", `{"number":"102","limits":{"call_seconds":60.0}}`, "body.limits.call_seconds", "must be a whole number, in digits"},
		{"POST", "/extensions", `{"number":"102","limits":{"call_seconds":9223372036854775808}}`, "body.limits.call_seconds", "is out of range"},
		{"POST", "/recharges", object{"extensions": []string{"101"}, "amount": "9007199254.740992"}, "body.amount", "leaves the range"},
		{"POST", "/recharges", object{"extensions": []string{"101"}, "amount": "-1", "note": "too much"}, "body.amount", "has available: "},
		{"POST", "/recharges", object{"amount": "1"}, "body.extensions", "is missing"},
		{"POST", "/rates/quote", object{"extension": "101", "number": "1", "at": "noon"}, "body.at", "must be a time such as 2019-05-31T15:03:31Z"},
		{"PATCH", "/extensions", object{"numbers": []string{"101", "101"}, "set": object{}}, "body.numbers", "must name nothing twice"},
		{"GET", "/extensions?page=2000000", nil, "query.page", "must be 1000000 or less"},
		{"GET", "/extensions?page=x", nil, "query.page", "must be a whole number"},
		{"GET", "/extensions?page=1&page=2", nil, "query.page", "stands here twice"},
		{"GET", "/extensions?status=open", nil, "query.status", "must be one of unlocked, locked"},
		{"GET", "/calls?from=9999-12-31", nil, "query.from", "in the years 1900 to 9998"},
	} {
		r := w.as(rating.Admin, c.method, c.path, c.body, key)
		if r.status != 422 && r.status != 409 || !strings.Contains(r.text, `"location":"`+c.location+`"`) || !strings.Contains(r.text, c.message) {
			t.Errorf("%s %s %v: %s, want %s at %s", c.method, c.path, c.body, r.text, c.message, c.location)
		}
		if strings.Contains(r.text, "expected ") || strings.Contains(r.text, "json:") {
			t.Errorf("%s %s: not our words: %s", c.method, c.path, r.text)
		}
	}
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "9007199254"}, "Idempotency-Key: rich")
	w.as(rating.Admin, "POST", "/recharges", object{"extensions": []string{"101"}, "amount": "1"}, "Idempotency-Key: richer").problem(t, "more than an account holds", 422, "validation", "body.extensions[0]")
	for kind, words := range map[header]string{"Content-Type: application/json": "text/csv", "Content-Type: text/csv": "text/csv"} {
		if r := w.as(rating.Admin, "POST", "/extensions/import", "", kind); r.status != 400 || !strings.Contains(r.text, words) {
			t.Errorf("an empty sheet as %s: %s", kind, r.text)
		}
	}
	if r := w.as(rating.Admin, "POST", "/extensions", `{"number":"102","limits":{"call_seconds":1e400}}`); r.status != 400 || strings.Contains(r.text, "float64") {
		t.Errorf("1e400: %s", r.text)
	}
	many := strings.TrimSuffix(strings.Repeat(`"101",`, 5000), ",")
	if r := w.as(rating.Admin, "PATCH", "/extensions", `{"numbers":[`+many+`],"set":{}}`); len(r.text) > 1000 {
		t.Errorf("one fault makes an answer of %d bytes", len(r.text))
	}
}
