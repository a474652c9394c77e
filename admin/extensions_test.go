package admin_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

func TestExtensions(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"}).expect(t, "a new extension has every default", 201, object{
		"number": "101", "username": "", "billing_enabled": false, "payment_type": "prepaid", "status": "unlocked", "caller_id": "",
		"balance": "0.0000", "credit": "0.0000", "held": "0.0000", "total_recharges": "0.0000", "active_calls": 0, "has_sip_password": false, "version": 1,
		"limits.concurrent_calls": nil, "limits.deny_prefixes": nil})
	w.do("POST", "/extensions", object{"number": "99", "username": "Low", "billing_enabled": true, "payment_type": "postpaid", "status": "locked",
		"credit": "5", "caller_id": "+4930", "limits": object{"call_seconds": 60}, "sip_password": "geheim99"}).expect(t, "every field may be given", 201, object{
		"username": "Low", "billing_enabled": true, "payment_type": "postpaid", "status": "locked", "credit": "5.0000", "caller_id": "+4930",
		"limits.call_seconds": 60, "limits.concurrent_calls": nil, "has_sip_password": true, "sip_password": "(no such field)"})
	w.as(rating.Admin, "POST", "/extensions", object{"number": "101"}).problem(t, "a number twice", 409, "conflict")

	list := w.do("GET", "/extensions", nil)
	list.expect(t, "the list, shorter numbers first", 200, object{"total": 2, "page": 1, "per_page": 10, "items.#": 2, "items.0.number": "99", "items.1.number": "101"})
	w.do("GET", "/extensions?page=7", nil).expect(t, "beyond the last page", 200, object{"total": 2, "page": 7, "items.#": 0})
	w.do("GET", "/extensions?per_page=1&sort=-number", nil).expect(t, "a page", 200, object{"items.#": 1, "items.0.number": "101", "per_page": 1})
	w.do("GET", "/extensions?q=lOW", nil).expect(t, "search by name", 200, object{"total": 1, "items.0.number": "99"})
	w.do("GET", "/extensions?number=10&status=unlocked&payment_type=prepaid", nil).expect(t, "filters", 200, object{"total": 1, "items.0.number": "101"})
	w.do("GET", "/extensions?status=locked&payment_type=prepaid", nil).expect(t, "filters that exclude", 200, object{"total": 0})
	w.as(rating.Admin, "GET", "/extensions?per_page=201&sort=zzz&page=0&status=open", nil).problem(t, "every bad parameter at once", 422, "validation",
		"query.per_page", "query.sort", "query.page", "query.status")
	w.as(rating.Admin, "GET", "/extensions/555", nil).problem(t, "one that is not there", 404, "not-found")

	edited := w.do("PATCH", "/extensions/99", object{"limits": object{"daily_spend": "10"}, "credit": "2.5"})
	edited.expect(t, "an edit changes what it names", 200, object{"credit": "2.5000", "limits.daily_spend": "10.0000", "limits.call_seconds": 60,
		"username": "Low", "has_sip_password": true, "version": 2})
	if got := edited.header.Get("ETag"); got != `"2"` {
		t.Errorf("ETag is %q", got)
	}
	w.do("PATCH", "/extensions/99", object{"limits": object{"call_seconds": nil}}, `If-Match: "2"`).expect(t, "null inherits again", 200, object{"limits.call_seconds": nil, "limits.daily_spend": "10.0000"})
	w.as(rating.Admin, "PATCH", "/extensions/99", object{"username": "Late"}, `If-Match: "2"`).problem(t, "an edit of an old version", 412, "precondition-failed")
	w.do("GET", "/extensions/99", nil).expect(t, "changed nothing", 200, object{"username": "Low", "version": 3})
	w.do("PATCH", "/extensions/99", object{"sip_password": ""}).expect(t, "the password is taken away", 200, object{"has_sip_password": false})
	account, err := w.ledger.Account(t.Context(), "99")
	if err != nil || account.Credit != 2_500_000 || account.PaymentType != rating.Postpaid || account.Status != rating.Locked {
		t.Errorf("the ledger applies %+v, %v", account, err)
	}
}

func TestExtensionsRefuseWhatBreaksARule(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "credit": "1"})
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		kind, location     string
	}{
		{"no JSON", "POST", "", `{"number":`, 400, "malformed", ""},
		{"no body", "POST", "", "", 400, "malformed", ""},
		{"a list", "POST", "", `[]`, 422, "validation", "body"},
		{"no number", "POST", "", object{}, 422, "validation", "body.number"},
		{"an unknown field", "POST", "", object{"number": "1", "colour": "red"}, 422, "validation", "body.colour"},
		{"a field in other case", "POST", "", object{"number": "1", "Username": "x"}, 422, "validation", "body.Username"},
		{"money as a number", "POST", "", object{"number": "1", "credit": 5}, 422, "validation", "body.credit"},
		{"money with seven decimals", "POST", "", object{"number": "1", "credit": "0.0000001"}, 422, "validation", "body.credit"},
		{"money that is none", "POST", "", object{"number": "1", "credit": "NaN"}, 422, "validation", "body.credit"},
		{"money out of range", "POST", "", object{"number": "1", "credit": "9223372036"}, 422, "validation", "body.credit"},
		{"negative credit", "POST", "", object{"number": "1", "credit": "-1"}, 422, "validation", "body.credit"},
		{"a balance, which only recharges change", "POST", "", object{"number": "1", "balance": "1e9"}, 422, "validation", "body.balance"},
		{"a number that is none", "POST", "", object{"number": "1 2"}, 422, "validation", "body.number"},
		{"a word that is none", "POST", "", object{"number": "1", "status": "open"}, 422, "validation", "body.status"},
		{"null", "PATCH", "/101", object{"username": nil}, 422, "validation", "body.username"},
		{"an integer of 2^63", "PATCH", "/101", `{"limits":{"call_seconds":9223372036854775808}}`, 422, "validation", "body.limits.call_seconds"},
		{"half a second", "PATCH", "/101", `{"limits":{"call_seconds":1.5}}`, 422, "validation", "body.limits.call_seconds"},
		{"a limit out of bounds", "PATCH", "/101", object{"limits": object{"call_seconds": -1}}, 422, "validation", "body.limits.call_seconds"},
		{"an unknown limit", "PATCH", "/101", object{"limits": object{"calls": 1}}, 422, "validation", "body.limits.calls"},
		{"another number", "PATCH", "/101", object{"number": "102"}, 422, "validation", "body.number"},
		{"end_active_calls without lock", "PATCH", "/101", object{"end_active_calls": true}, 422, "validation", "body.end_active_calls"},
		{"an edit of nobody", "PATCH", "/555", object{"username": "x"}, 404, "not-found", ""},
		{"bulk: one that is not there", "PATCH", "", object{"numbers": []string{"101", "555"}, "set": object{"credit": "9"}}, 422, "validation", "body.numbers[1]"},
		{"bulk: a number twice", "PATCH", "", object{"numbers": []string{"101", "101"}, "set": object{"credit": "9"}}, 422, "validation", "body.numbers"},
		{"bulk: a bad field", "PATCH", "", object{"numbers": []string{"101"}, "set": object{"credit": "-9"}}, 422, "validation", "body.set.credit"},
		{"bulk: nothing named", "PATCH", "", object{"numbers": []string{}, "set": object{}}, 422, "validation", "body.numbers"},
	} {
		var locations []string
		if c.location != "" {
			locations = []string{c.location}
		}
		w.as(rating.Admin, c.method, "/extensions"+c.path, c.body).problem(t, c.name, c.status, c.kind, locations...)
	}
	w.do("GET", "/extensions", nil).expect(t, "nothing of it was done", 200, object{"total": 1, "items.0.credit": "1.0000", "items.0.version": 1})
}

func TestSIPPasswordsAreKeptAsDigestsOnly(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "sip_password": "s3cr3t"})
	e, _ := w.catalog.Current().Extension("101")
	sum := md5.Sum([]byte("101:" + realm + ":s3cr3t"))
	if e.Digest.MD5 != hex.EncodeToString(sum[:]) || len(e.Digest.SHA256) != 64 {
		t.Errorf("digests are %+v", e.Digest)
	}
	if text := fmt.Sprintf("%+v", *e) + w.do("GET", "/extensions/101", nil).text; strings.Contains(text, "s3cr3t") {
		t.Error("the password itself is kept or shown")
	}
}

func TestBulkEditIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{"101", "102", "103"} {
		w.do("POST", "/extensions", object{"number": number})
	}
	w.do("PATCH", "/extensions", object{"numbers": []string{"103", "101"}, "set": object{"billing_enabled": true, "credit": "3"}}).expect(t, "bulk edit", 200, object{
		"items.#": 2, "items.0.number": "103", "items.0.credit": "3.0000", "items.1.billing_enabled": true})
	w.do("GET", "/extensions/102", nil).expect(t, "others stay", 200, object{"credit": "0.0000", "version": 1})
}

func TestLockingMayEndRunningCalls(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	w.do("POST", "/extensions", object{"number": "102"})
	w.sip.calls = []rating.LiveCall{{ID: "a", Extension: "101", State: rating.Ringing, StartedAt: time.Now()}, {ID: "b", Extension: "102", State: rating.Ringing, StartedAt: time.Now()}}
	w.do("PATCH", "/extensions/101", object{"status": "locked"})
	if len(w.sip.hungUp) != 0 {
		t.Errorf("a lock alone hung up %v", w.sip.hungUp)
	}
	w.do("PATCH", "/extensions/101", object{"status": "locked", "end_active_calls": true})
	if len(w.sip.hungUp) != 1 || w.sip.hungUp[0] != "a" {
		t.Errorf("hung up %v, want the call of 101 alone", w.sip.hungUp)
	}
}

func TestDeletedExtensionsCloseTheirAccount(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "billing_enabled": true})
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "10", "note": ""}, "Idempotency-Key: k1")
	id := w.startCall("101", rating.Tariff{PerUnit: 10_000, BillingUnit: 1})
	w.as(rating.Admin, "DELETE", "/extensions/101", nil).problem(t, "with a call up", 409, "conflict")
	w.do("GET", "/extensions/101", nil).expect(t, "it is still there", 200, object{"balance": "10.0000", "held": "0.6000", "active_calls": 1})
	w.endCall(id, 0)
	w.do("DELETE", "/extensions/101", nil).expect(t, "deleted", 204, nil)
	w.as(rating.Admin, "GET", "/extensions/101", nil).problem(t, "gone", 404, "not-found")
	w.as(rating.Admin, "DELETE", "/extensions/101", nil).problem(t, "gone twice", 404, "not-found")
	w.file()
	w.do("GET", "/recharges", nil).expect(t, "the closing line", 200, object{"total": 2, "items.0.kind": "closing", "items.0.amount": "-10.0000", "items.0.post_balance": "0.0000", "items.0.by": "token admin"})
	w.do("POST", "/extensions", object{"number": "101"}).expect(t, "the number again starts at 0", 201, object{"balance": "0.0000", "total_recharges": "0.0000"})
}
