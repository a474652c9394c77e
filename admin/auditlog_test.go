package admin_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tollgate/rating"
)

// secretsSent are what no record may hold, nor a digest of it.
var secretsSent = []string{"hunter2hunter2", "trunk-secret", "hook-secret", "manager-secret", "argon2id", "tg_"}

// changesOf is, for every operation that changes something, a request that does, and what the record must say. {…} in a
// path is the result of an earlier one.
var changesOf = []struct {
	id, at string
	body   any
	object string // regular expression
	before object // some fields
	after  object
}{
	{"create-trunk", "POST /trunks", object{"name": "FXO-1", "uri": "sip:127.0.0.1", "username": "u", "password": "trunk-secret"}, "trunk FXO-1", nil, object{"uri": "sip:127.0.0.1", "password": "(set)"}},
	{"edit-trunk", "PATCH /trunks/FXO-1", object{"max_calls": 5, "password": "trunk-secret2"}, "trunk FXO-1", object{"max_calls": 0, "password": "(set)", "uri": "(no such field)"}, object{"max_calls": 5, "password": "(changed)"}},
	{"create-dial-rule", "POST /dial-rules", object{"trunks": []string{"FXO-1"}, "prefix": "9"}, "dial rule 1", nil, object{"prefix": "9"}},
	{"edit-dial-rule", "PATCH /dial-rules/1", object{"strip": 1}, "dial rule 1", object{"strip": 0}, object{"strip": 1}},
	{"delete-dial-rule", "DELETE /dial-rules/1", nil, "dial rule 1", object{"prefix": "9"}, nil},
	{"delete-trunk", "DELETE /trunks/FXO-1", nil, "trunk FXO-1", object{"uri": "sip:127.0.0.1"}, nil},
	{"create-rate", "POST /rates", object{"prefix": "9", "rate": "1", "billing_unit": 60}, "rate 1", nil, object{"rate": "1.0000"}},
	{"edit-rate", "PATCH /rates/1", object{"remark": "city"}, "rate 1", object{"remark": ""}, object{"remark": "city"}},
	{"replace-rate", "PUT /rates/1", "GET /rates/1", "rate 1", object{}, object{}},
	{"delete-rate", "DELETE /rates/1", nil, "rate 1", object{"prefix": "9"}, nil},
	{"create-extension", "POST /extensions", object{"number": "101", "sip_password": "hunter2hunter2"}, "extension 101", nil, object{"number": "101", "sip_password": "(set)", "balance": "(no such field)"}},
	{"edit-extension", "PATCH /extensions/101", object{"credit": "5", "sip_password": "hunter2hunter22"}, "extension 101", object{"credit": "0.0000", "sip_password": "(set)"}, object{"credit": "5.0000", "sip_password": "(changed)"}},
	{"edit-extensions", "PATCH /extensions", object{"numbers": []string{"101"}, "set": object{"status": "locked"}}, "extension 101", object{"status": "unlocked"}, object{"status": "locked"}},
	{"recharge", "POST /recharges", object{"extensions": []string{"101"}, "amount": "7", "note": "cash"}, "extension 101", object{"balance": "0.0000"}, object{"balance": "7.0000", "amount": "7.0000", "note": "cash"}},
	{"import-extensions", "POST /extensions/import", "number,username,sip_password\n101,Ann,hunter2hunter23\n", "extension 101", object{"username": "", "sip_password": "(set)"}, object{"username": "Ann", "sip_password": "(changed)"}},
	{"import-rates", "POST /rates/import", "id,rate\n7,0\n", "rate 7", nil, object{"rate": "0.0000"}},
	{"delete-extension", "DELETE /extensions/101", nil, "extension 101", object{"number": "101"}, nil},
	{"replace-settings", "PUT /settings", object{"ring_timeout": 60, "webhooks": []object{{"url": "https://example.com/x", "secret": "hook-secret", "events": []string{"recharge"}}}}, "settings", object{"ring_timeout": 180}, object{"ring_timeout": 60}},
	{"replace-billing", "PUT /billing", object{"active": true}, "billing", object{"active": false}, object{"active": true}},
	{"upload-license", "POST /license", "licence", "license", nil, object{"holder": "Example Telecom", "devices": 1}},
	{"create-manager", "POST /managers", object{"role": "viewer"}, "user bill-...", nil, object{"role": "viewer", "password": "(no such field)"}},
	{"put-manager-password", "PUT /managers/{user}/password", object{"password": "manager-secret"}, "user bill-...", nil, object{"password": "(changed)"}},
	{"delete-manager", "DELETE /managers/{user}", nil, "user bill-...", object{"role": "viewer"}, nil},
	{"create-token", "POST /tokens", object{"name": "reporting", "role": "viewer"}, "token reporting", nil, object{"role": "viewer", "token": "(no such field)"}},
	{"delete-token", "DELETE /tokens/{token}", nil, "token reporting", object{"role": "viewer"}, nil},
	{"hang-up", "DELETE /active-calls/call-1", nil, "call call-1", nil, nil},
}

// changedElsewhere are operations whose records other tests look at.
var changedElsewhere = map[string]bool{"put-password": true, "retry-dead-letter": true}

func TestEveryChangeIsInTheAuditLogAndNoSecretIs(t *testing.T) {
	w := newWorld(t)
	w.sip.calls = []rating.LiveCall{{ID: "call-1", Extension: "101"}}
	covered := map[string]bool{}
	results := strings.NewReplacer()
	for _, c := range changesOf {
		covered[c.id] = true
		method, path, _ := strings.Cut(c.at, " ")
		body, headers := c.body, []header{"Idempotency-Key: k"}
		switch {
		case c.body == "licence":
			body, headers = w.licence.issue(t, w.licence.device), []header{"Content-Type: application/octet-stream"}
		case strings.HasPrefix(c.id, "import-"):
			headers = []header{textCSV}
			w.do(method, path+"?dry_run=1", body, headers...) // leaves no record
		case c.id == "replace-settings":
			whole := w.do("GET", "/settings", nil).body
			for name, value := range c.body.(object) {
				whole[name] = value
			}
			body = whole
		case c.body == "GET /rates/1":
			body = w.do("GET", "/rates/1", nil).body
		}
		r := w.do(method, results.Replace(path), body, headers...)
		if c.id == "create-manager" || c.id == "create-token" {
			results = strings.NewReplacer("{user}", fmt.Sprint(r.body["username"]), "{token}", fmt.Sprint(r.body["id"]))
		}
		log := w.do("GET", "/audit-log?per_page=1", nil)
		log.expect(t, c.id, 200, object{"items.0.actor": "token admin", "items.0.role": "admin", "items.0.address": "127.0.0.1", "items.0.action": c.id})
		if what := fmt.Sprint(log.at("items.0.object")); !regexp.MustCompile("^" + c.object + "$").MatchString(what) {
			t.Errorf("%s: object %q", c.id, what)
		}
		for side, want := range map[string]object{"before": c.before, "after": c.after} {
			if want == nil {
				log.expect(t, c.id, 200, object{"items.0." + side: nil})
			}
			for name, value := range want {
				log.expect(t, c.id, 200, object{"items.0." + side + "." + name: value})
			}
		}
	}
	all := w.do("GET", "/audit-log?per_page=200", nil)
	for _, secret := range secretsSent {
		if strings.Contains(all.text, secret) {
			t.Errorf("%q is in the audit log", secret)
		}
	}
	all.expect(t, "one record of each", 200, object{"total": len(changesOf)})
	for _, op := range operations(t) {
		id, method := op[0], op[1]
		if method != "GET" && !asksOnly[id] && id != "login" && id != "logout" && !covered[id] && !changedElsewhere[id] {
			t.Errorf("%s: no test looks at its record", id)
		}
	}
}

func TestTheAuditLogKnowsWhoTriedToLogIn(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	w.send("POST", "/api/v1/login", object{"username": "admin", "password": "wrong password"})
	w.send("POST", "/api/v1/login", object{"username": "my-password-in-the-wrong-field", "password": "x"})
	token := bearer(w.login("admin", adminPassword))
	w.send("PUT", "/api/v1/me/password", object{"old_password": "wrong one", "new_password": "another password"}, token)
	w.send("PUT", "/api/v1/me/password", object{"old_password": adminPassword, "new_password": "another password"}, token)
	w.send("POST", "/api/v1/logout", nil, token)
	log := w.do("GET", "/audit-log?sort=at", nil)
	for i, want := range []string{"log-in-failed user admin", "log-in-failed an unknown user", "log-in user admin by admin", "password-wrong user admin by admin", "put-password user admin by admin", "log-out user admin by admin"} {
		item := func(name string) string { return fmt.Sprint(log.at(fmt.Sprintf("items.%d.%s", i, name))) }
		got := item("action") + " " + item("object")
		if by := item("actor"); by != "" {
			got += " by " + by
		}
		if got != want {
			t.Errorf("record %d: %s, want %s", i, got, want)
		}
	}
	if strings.Contains(log.text, "my-password") {
		t.Error("a name that is nobody's is kept")
	}
}

func TestAFloodOfFailedLogInsDoesNotFillTheAuditLog(t *testing.T) {
	w := newWorld(t)
	for i := range 200 {
		w.send("POST", "/api/v1/login", object{"username": fmt.Sprint("user", i), "password": "x"})
	}
	total := w.do("GET", "/audit-log", nil).body["total"].(float64)
	if total == 0 || total > 90 { // thirty a minute
		t.Errorf("%v records", total)
	}
}

func TestTheAuditLogIsSearched(t *testing.T) {
	w := newWorld(t)
	numbers := make([]string, 120)
	for i := range numbers {
		numbers[i] = fmt.Sprint(1000 + i)
		w.do("POST", "/extensions", object{"number": numbers[i]})
	}
	w.as(rating.Manager, "PATCH", "/extensions", object{"numbers": numbers, "set": object{"caller_id": "5550100"}}).expect(t, "bulk", 200, nil)
	found := w.do("GET", "/audit-log?q=edit-extensions&sort=at", nil)
	found.expect(t, "a bulk edit, in portions", 200, object{"total": 3, "items.0.actor": "token manager"})
	var side map[string]map[string]string
	text, _ := json.Marshal(found.at("items.0.after"))
	if err := json.Unmarshal(text, &side); err != nil || len(side) != 50 || side["extension 1000"]["caller_id"] != "5550100" {
		t.Errorf("%v: %s", err, text)
	}
	w.do("GET", "/audit-log?q=1119", nil).expect(t, "by one number of them", 200, object{"total": 2})
	w.do("GET", "/audit-log?to=2019-05-31", nil).expect(t, "before there was anything", 200, object{"total": 0})
	w.as(rating.Admin, "GET", "/audit-log?from=yesterday", nil).problem(t, "no time", 422, "validation", "query.from")
}

func TestARepeatedRechargeSaysSo(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	for range 2 {
		w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "1"}, "Idempotency-Key: k")
	}
	w.do("GET", "/audit-log?q=recharge&sort=at", nil).expect(t, "two requests, one recharge", 200, object{"total": 2, "items.0.after.repeated": "(no such field)", "items.1.after.repeated": true})
}
