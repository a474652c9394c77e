package admin_test

import (
	"testing"

	"tollgate/rating"
)

func TestTrunks(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/trunks", object{"name": "FXO-1", "uri": "sip:127.0.0.1:5070;transport=udp", "username": "u", "password": "hidden-word", "sources": []string{"192.0.2.7", "10.1.2.3/8"}}).expect(t, "a new trunk", 201, object{
		"name": "FXO-1", "uri": "sip:127.0.0.1:5070;transport=udp", "enabled": true, "username": "u", "password": "(no such field)", "from_user": "", "identity_header": "none", "max_calls": 0,
		"response_timeout": 3, "failover_codes": []int{500, 502, 503, 504, 580}, "sources": []string{"192.0.2.7/32", "10.0.0.0/8"}, "probe_interval": 30, "health": "up", "active_calls": 2, "version": 1})
	w.do("PATCH", "/trunks/FXO-1", object{"max_calls": 4, "failover_codes": []int{}}, `If-Match: "1"`).expect(t, "an edit", 200, object{"max_calls": 4, "failover_codes": []int{}, "username": "u", "version": 2})
	if kept, _ := w.catalog.Current().Plan.Trunk("FXO-1"); kept.Password != "hidden-word" {
		t.Errorf("an edit of something else left the password as %q", kept.Password)
	}
	w.do("PATCH", "/trunks/FXO-1", object{"password": ""})
	if kept, _ := w.catalog.Current().Plan.Trunk("FXO-1"); kept.Password != "" {
		t.Errorf("the password taken away is %q", kept.Password)
	}
	w.as(rating.Admin, "PATCH", "/trunks/FXO-1", object{"max_calls": 5}, `If-Match: "1"`).problem(t, "an edit of an old version", 412, "precondition-failed")
	w.as(rating.Admin, "POST", "/trunks", object{"name": "FXO-1", "uri": "sip:127.0.0.1"}).problem(t, "a name twice", 409, "conflict")
	w.do("POST", "/trunks", object{"name": "B", "uri": "sip:carrier.example"}).expect(t, "one that nobody has heard of", 201, object{"health": "unknown"})
	w.do("GET", "/trunks", nil).expect(t, "the list", 200, object{"total": 2, "items.0.name": "B", "items.1.name": "FXO-1"})
	for name, c := range map[string]struct {
		body object
		at   string
	}{
		"no scheme":            {object{"name": "X", "uri": "127.0.0.1"}, "body.uri"},
		"a bad name":           {object{"name": "a b", "uri": "sip:h"}, "body.name"},
		"a bad network":        {object{"name": "X", "uri": "sip:h", "sources": []string{"10.0.0.0/8", "ten"}}, "body.sources[1]"},
		"a code never passed":  {object{"name": "X", "uri": "sip:h", "failover_codes": []int{486}}, "body.failover_codes"},
		"no URI":               {object{"name": "X"}, "body.uri"},
		"health, which we see": {object{"name": "X", "uri": "sip:h", "health": "up"}, "body.health"},
	} {
		w.as(rating.Admin, "POST", "/trunks", c.body).problem(t, name, 422, "validation", c.at)
	}
	w.as(rating.Admin, "PATCH", "/trunks/FXO-1", object{"name": "FXO-2"}).problem(t, "another name", 422, "validation", "body.name")
	w.do("POST", "/dial-rules", object{"prefix": "9", "trunks": []string{"FXO-1"}})
	w.as(rating.Admin, "DELETE", "/trunks/FXO-1", nil).problem(t, "one that is used", 409, "conflict")
	w.do("DELETE", "/trunks/B", nil).expect(t, "deleted", 204, nil)
	w.as(rating.Admin, "DELETE", "/trunks/B", nil).problem(t, "deleted twice", 404, "not-found")
}

func TestDialRules(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"A", "B", "C"} {
		w.do("POST", "/trunks", object{"name": name, "uri": "sip:127.0.0.1"})
	}
	w.do("PATCH", "/trunks/C", object{"enabled": false})
	w.do("POST", "/dial-rules", object{"position": 1, "prefix": "9", "strip": 1, "trunks": []string{"B", "C", "A"}}).expect(t, "a new rule", 201, object{
		"id": 1, "position": 1, "enabled": true, "prefix": "9", "number_length": 0, "strip": 1, "prepend": "", "trunks": []string{"B", "C", "A"}, "version": 1})
	w.do("POST", "/dial-rules", object{"position": 2, "prefix": "00", "trunks": []string{"C"}})
	w.do("POST", "/dial-rules/test", object{"number": "9 88360046"}).expect(t, "a number that goes", 200, object{"number": "988360046", "matched": true, "emergency": false, "rule.id": 1, "sent": "88360046", "trunks": []string{"B", "A"}, "detail": ""})
	w.do("POST", "/dial-rules/test", object{"number": "5"}).expect(t, "a number without rule", 200, object{"matched": false, "rule": nil, "trunks": []string{}, "detail": "no dial rule matches the number"})
	w.do("POST", "/dial-rules/test", object{"number": "0049"}).expect(t, "a rule whose trunks are off", 200, object{"matched": false, "rule.id": 2, "trunks": []string{}})
	w.do("POST", "/dial-rules/test", object{"number": "9112"}).expect(t, "an emergency", 200, object{"matched": true, "emergency": true, "sent": "112", "trunks": []string{"B", "A"}})
	w.as(rating.Admin, "POST", "/dial-rules/test", object{"number": "x"}).problem(t, "no number", 422, "validation", "body.number")
	w.do("PATCH", "/dial-rules/1", object{"prepend": "0"}, `If-Match: "1"`).expect(t, "an edit", 200, object{"prepend": "0", "strip": 1, "version": 2})
	w.as(rating.Admin, "PATCH", "/dial-rules/1", object{"prepend": ""}, `If-Match: "1"`).problem(t, "an edit of an old version", 412, "precondition-failed")
	w.as(rating.Admin, "PATCH", "/dial-rules/1", object{"trunks": []string{"A", "none"}}).problem(t, "a trunk that is not there", 422, "validation", "body.trunks")
	w.as(rating.Admin, "POST", "/dial-rules", object{"prefix": "1"}).problem(t, "no trunk", 422, "validation", "body.trunks")
	w.as(rating.Admin, "POST", "/dial-rules", object{"trunks": []string{"A", "A"}}).problem(t, "a trunk twice", 422, "validation", "body.trunks")
	w.do("GET", "/dial-rules", nil).expect(t, "the list", 200, object{"total": 2, "items.0.id": 1, "items.1.id": 2})
	w.do("GET", "/dial-rules/2", nil).expect(t, "one", 200, object{"prefix": "00"})
	w.do("DELETE", "/dial-rules/2", nil).expect(t, "deleted", 204, nil)
	w.as(rating.Admin, "GET", "/dial-rules/2", nil).problem(t, "gone", 404, "not-found")
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	got := w.do("GET", "/settings", nil)
	got.expect(t, "as installed", 200, object{"currency": "USD", "timezone": "UTC", "unrated_calls": "reject", "unknown_extension": "reject", "insufficient_funds_code": 402, "limit_code": 403,
		"emergency_numbers": []string{"112", "911", "999", "110", "119", "120"}, "emergency_trunks": []string{}, "keepalive_interval": 60, "max_call_seconds": 21600, "ring_timeout": 180,
		"default_limits.concurrent_calls": 0, "default_limits.daily_spend": "0.0000", "default_limits.deny_prefixes": []string{}, "low_balance_threshold": "1.0000", "webhooks": []any{}, "webhook_allow_private": false, "version": 1})
	changed := func(fields object) object {
		b := object{}
		for k, v := range got.body {
			b[k] = v
		}
		for k, v := range fields {
			b[k] = v
		}
		return b
	}
	w.as(rating.Manager, "PUT", "/settings", changed(object{"currency": "EUR", "low_balance_threshold": "2.5"})).expect(t, "what a manager may", 200, object{"currency": "EUR", "low_balance_threshold": "2.5000", "version": 2})
	w.as(rating.Manager, "PUT", "/settings", changed(object{"currency": "CNY", "ring_timeout": 60})).problem(t, "what a manager may not", 403, "forbidden")
	w.as(rating.Viewer, "PUT", "/settings", changed(nil)).problem(t, "a viewer may nothing", 403, "forbidden")
	w.do("GET", "/settings", nil).expect(t, "nothing of it is changed", 200, object{"currency": "EUR", "ring_timeout": 180})
	w.do("PUT", "/settings", changed(object{"ring_timeout": 60, "timezone": "Asia/Shanghai", "webhooks": []object{{"url": "https://example.com/hook", "secret": "long enough", "events": []string{"recharge"}}}})).expect(t, "the administrator may all", 200, object{
		"ring_timeout": 60, "timezone": "Asia/Shanghai", "webhooks.0.url": "https://example.com/hook", "webhooks.0.secret": "", "version": 3})
	back := w.do("GET", "/settings", nil)
	w.do("PUT", "/settings", back.body).expect(t, "what GET returned changes nothing", 200, object{"version": 3})
	if hooks := w.catalog.Current().Settings.Webhooks; len(hooks) != 1 || hooks[0].Secret != "long enough" {
		t.Errorf("the secret that was not sent back is %+v", hooks)
	}
	w.as(rating.Viewer, "GET", "/settings", nil).expect(t, "secrets stay secret", 200, object{"webhooks.0.secret": ""})
	w.as(rating.Admin, "PUT", "/settings", back.body, `If-Match: "2"`).problem(t, "of an old version", 412, "precondition-failed")
	for name, c := range map[string]struct {
		fields object
		at     string
	}{
		"a currency that is none":      {object{"currency": "Euro"}, "body.currency"},
		"a zone that is none":          {object{"timezone": "Mars/Olympus"}, "body.timezone"},
		"money as a number":            {object{"low_balance_threshold": 1}, "body.low_balance_threshold"},
		"a trunk that is not there":    {object{"emergency_trunks": []string{"none"}}, "body.emergency_trunks"},
		"a default limit out of range": {object{"default_limits": object{"concurrent_calls": -1, "call_seconds": 0, "daily_spend": "0", "deny_prefixes": []string{}, "allow_prefixes": []string{}}}, "body.default_limits.concurrent_calls"},
		"a webhook without secret":     {object{"webhooks": []object{{"url": "https://example.com/other", "secret": "", "events": []string{"recharge"}}}}, "body.webhooks[0].secret"},
		"null":                         {object{"emergency_numbers": nil}, "body.emergency_numbers"},
		"an unknown field":             {object{"colour": "red"}, "body.colour"},
	} {
		w.as(rating.Admin, "PUT", "/settings", changed(c.fields)).problem(t, name, 422, "validation", c.at)
	}
	less := changed(nil)
	delete(less, "ring_timeout")
	w.as(rating.Admin, "PUT", "/settings", less).problem(t, "a missing key", 422, "validation", "body.ring_timeout")
}

func TestBilling(t *testing.T) {
	w := newWorld(t)
	w.do("GET", "/billing", nil).expect(t, "as installed", 200, object{"active": false, "first_activated_at": nil, "expires_at": nil, "license_uploaded": false})
	w.do("PUT", "/billing", object{"active": false}).expect(t, "off is off", 200, object{"active": false, "first_activated_at": nil})
	on := w.do("PUT", "/billing", object{"active": true})
	on.expect(t, "the first activation", 200, object{"active": true, "license_uploaded": false})
	first := *w.catalog.Current().Billing.FirstActivatedAt
	on.expect(t, "begins a trial of 30 days", 200, object{"first_activated_at": first.Format("2006-01-02T15:04:05Z"), "expires_at": first.AddDate(0, 0, 30).Format("2006-01-02T15:04:05Z")})
	on.body["active"] = false
	w.do("PUT", "/billing", on.body).expect(t, "PUT takes what GET returned", 200, object{"active": false, "first_activated_at": on.body["first_activated_at"]})
	w.do("PUT", "/billing", object{"active": true, "first_activated_at": nil, "expires_at": nil}).expect(t, "read-only fields change nothing", 200, object{"first_activated_at": on.body["first_activated_at"]})
	w.as(rating.Admin, "PUT", "/billing", object{"active": "yes"}).problem(t, "no word for on", 422, "validation", "body.active")
	w.as(rating.Manager, "GET", "/billing", nil).problem(t, "not for managers", 403, "forbidden")
}
