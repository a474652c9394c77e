package admin_test

import (
	"strings"
	"testing"

	"tollgate/rating"
)

// What strangers send: every operation that takes JSON answers with the right problem, and does nothing.
func TestBadInputOfEveryKind(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	deep := strings.Repeat(`{"number":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for name, c := range map[string]struct {
		body, kind string
		status     int
	}{
		"nothing":                    {"", "malformed", 400},
		"half of an object":          {`{"number":"102"`, "malformed", 400},
		"two values":                 {`{"number":"102"} {}`, "malformed", 400},
		"NaN":                        {`{"number":"102","credit":NaN}`, "malformed", 400},
		"a name twice":               {`{"number":"102","number":"103"}`, "malformed", 400},
		"a name twice, inside":       {`{"number":"102","limits":{"call_seconds":1,"call_seconds":2}}`, "malformed", 400},
		"a name twice, by an escape": {`{"number":"102","n\u0075mber":"103"}`, "malformed", 400},
		"no UTF-8":                   {"{\"number\":\"102\",\"username\":\"\xff\"}", "malformed", 400},
		"ten thousand levels":        {deep, "malformed", 400},
		"ten thousand lists":         {strings.Repeat("[", 10_000), "malformed", 400},
		"null":                       {"null", "validation", 422},
		"a list":                     {"[]", "validation", 422},
		"a text":                     {`"102"`, "validation", 422},
		"a number for money":         {`{"number":"102","credit":1}`, "validation", 422},
		"1e400 for money":            {`{"number":"102","credit":1e400}`, "malformed", 400}, // no number that encoding/json can hold
		"NaN for money":              {`{"number":"102","credit":"NaN"}`, "validation", 422},
		"2^63 for money":             {`{"number":"102","credit":"9223372036854775808"}`, "validation", 422},
		"1e3 for money":              {`{"number":"102","credit":"1e3"}`, "validation", 422},
		"2^63 for seconds":           {`{"number":"102","limits":{"call_seconds":9223372036854775808}}`, "validation", 422},
		"an unknown field":           {`{"number":"102","nonsense":1}`, "validation", 422},
		"a zero byte":                {`{"number":"1\u00002"}`, "validation", 422},
		"a lone surrogate":           {`{"number":"102","username":"\ud800"}`, "validation", 422},
		"ten megabytes":              {`{"number":"` + strings.Repeat("1", 10<<20) + `"}`, "too-large", 413},
	} {
		w.as(rating.Manager, "POST", "/extensions", c.body).problem(t, name, c.status, c.kind)
	}
	for name, kind := range map[string]header{"XML": "Content-Type: application/xml", "CBOR": "Content-Type: application/cbor", "a form": "Content-Type: multipart/form-data; boundary=x"} {
		w.as(rating.Manager, "POST", "/extensions", `{"number":"102"}`, kind).problem(t, name, 400, "malformed")
	}
	packed := w.as(rating.Manager, "POST", "/extensions", `{"number":"102"}`, "Content-Encoding: gzip")
	packed.problem(t, "a body that says it is packed", 400, "malformed")
	if !strings.Contains(packed.text, "Content-Encoding") {
		t.Errorf("nothing says why: %s", packed.text)
	}
	w.do("GET", "/extensions", nil).expect(t, "nothing of it was done", 200, object{"total": 1})
	w.do("POST", "/extensions", `{"number":"102","limits":{"deny_prefixes":["1","1"]},"username":"x"}`, "Content-Type: application/json; charset=utf-8").expect(t, "equal values are no equal names", 201, nil)
}

// A filter that is spelled wrong does not show everything.
func TestParametersThatNobodyKnowsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.as(rating.Manager, "GET", "/calls?form=2019-05-31&page=2&Q=1", nil).problem(t, "a list", 422, "validation", "query.form", "query.Q")
	r := w.as(rating.Manager, "GET", "/statistics?form=2019-05-31", nil)
	if !strings.Contains(r.text, "by, extension, format, from, page, per_page, sort, to") {
		t.Errorf("nothing says what there is: %s", r.text)
	}
	w.as(rating.Manager, "POST", "/extensions?dry_run=1", object{"number": "101"}).problem(t, "a change", 422, "validation", "query.dry_run")
	w.as(rating.Manager, "GET", "/extensions", nil).expect(t, "is not made", 200, object{"total": 0})
	w.as("", "GET", "/calls?form=x", nil).problem(t, "a stranger", 401, "unauthenticated")
}
