package admin_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/rating"
)

func TestDashboard(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/trunks", object{"name": "FXO-1", "uri": "sip:127.0.0.1:5070"})
	w.do("POST", "/trunks", object{"name": "FXO-2", "uri": "sip:127.0.0.1:5071", "enabled": false})
	for i := range 14 {
		w.do("POST", "/extensions", object{"number": fmt.Sprint(101 + i), "username": "Name", "billing_enabled": i < 12})
	}
	w.do("PATCH", "/extensions/103", object{"payment_type": "postpaid", "credit": "50"}) // has credit to spend
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "0.9999"}, "Idempotency-Key: k1")
	w.do("POST", "/recharges", object{"extensions": []string{"102"}, "amount": "1"}, "Idempotency-Key: k2")
	at := time.Now()
	w.sip.set(rating.LiveCall{ID: "a", State: rating.Ringing, StartedAt: at}, rating.LiveCall{ID: "b", State: rating.Talking, StartedAt: at, AnsweredAt: &at},
		rating.LiveCall{ID: "c", State: rating.Talking, StartedAt: at, AnsweredAt: &at})
	first := w.as(rating.Viewer, "GET", "/dashboard", nil)
	first.expect(t, "the dashboard", 200, object{
		"date": at.UTC().Format(time.DateOnly), "currency": "USD", "calls_now": object{"ringing": 1, "talking": 2},
		"today.calls": 0, "today.asr": nil, "today.acd": 0, "today.revenue": "0.0000", "today.dispositions.answered": 0, "top_destinations": []any{}, "refusals": []any{},
		"low_balances.threshold": "1.0000", "low_balances.total": 10, "low_balances.items.#": 10, "low_balances.items.0.number": "104",
		"low_balances.items.0.balance": "0.0000", "low_balances.items.9.number": "101", "low_balances.items.9.balance": "0.9999",
		"trunks": []any{object{"name": "FXO-1", "enabled": true, "health": "up", "active_calls": 2}, object{"name": "FXO-2", "enabled": false, "health": "unknown", "active_calls": 0}}})
	if again := w.do("GET", "/dashboard", nil); again.text != first.text {
		t.Errorf("within two seconds it is reckoned twice:\n%s\n%s", first.text, again.text)
	}
}

func TestUnratedCalls(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	id := w.startCall("101", rating.Tariff{}) // billing is off for the extension
	w.endCall(id, 61*time.Second)
	w.file()
	w.as(rating.Viewer, "GET", "/calls/unrated", nil).expect(t, "what passed unbilled", 200, object{"total": 1, "items.0": object{
		"prefix": "9883", "why": "extension", "calls": 1, "answered": 1, "seconds": 61, "last_at": "2019-05-31T15:03:26Z", "example": "988360046"}})
	w.do("GET", "/calls/unrated?why=no_rate", nil).expect(t, "nothing was refused", 200, object{"total": 0, "items.#": 0})
	w.do("GET", "/calls/unrated?from=2019-06-01", nil).expect(t, "nothing in June", 200, object{"total": 0})
	w.as(rating.Admin, "GET", "/calls/unrated?why=x&sort=y&from=z", nil).problem(t, "bad filters", 422, "validation", "query.why", "query.sort")
}
