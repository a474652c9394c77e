package admin_test

import (
	"testing"
	"time"

	"tollgate/rating"
)

func TestADeadLetterIsListedAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	const url = "https://example.com/told"
	w.do("GET", "/webhooks/dead-letters", nil).expect(t, "none", 200, object{"total": 0})
	e, err := rating.NewEvent("07-1-0-recharge", rating.Recharged, time.Now(), object{"extension": "101"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.hooks.Put(t.Context(), e, []string{url}); err != nil {
		t.Fatal(err)
	}
	letter, some, err := w.hooks.Take(t.Context(), url)
	if err != nil || !some {
		t.Fatalf("%v %v", letter, err)
	}
	w.as(rating.Admin, "POST", "/webhooks/dead-letters/"+letter.ID+"/retry", nil).problem(t, "nobody wants it", 409, "conflict")
	settings := w.do("GET", "/settings", nil).body
	settings["webhooks"] = []object{{"url": url, "secret": "12345678", "events": []string{"recharge"}}}
	w.do("PUT", "/settings", settings).expect(t, "the secret is not shown", 200, object{"webhooks.0.secret": ""})
	w.do("PUT", "/settings", w.do("GET", "/settings", nil).body).expect(t, "what GET returned is taken", 200, nil)
	if stored := w.catalog.Current().Settings.Webhooks; len(stored) != 1 || stored[0].Secret != "12345678" {
		t.Errorf("stored %+v", stored)
	}
	w.as(rating.Admin, "POST", "/webhooks/dead-letters/"+letter.ID+"/retry", nil).problem(t, "not dead yet", 404, "not-found")
	letter.Attempts, letter.LastAt, letter.LastError = 30, time.Now(), "the receiver answered 500"
	if err := w.hooks.Bury(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	w.do("GET", "/webhooks/dead-letters", nil).expect(t, "one", 200, object{"total": 1, "items.0.url": url, "items.0.event.event": "recharge", "items.0.event.data.extension": "101",
		"items.0.attempts": 30, "items.0.last_error": "the receiver answered 500"})
	w.do("POST", "/webhooks/dead-letters/"+letter.ID+"/retry", nil).expect(t, "again", 201, object{"attempts": 0})
	w.do("GET", "/webhooks/dead-letters", nil).expect(t, "none is left", 200, object{"total": 0})
	if waiting, _, err := w.hooks.Sizes(t.Context()); err != nil || waiting != 1 {
		t.Errorf("%d wait, %v", waiting, err)
	}
	w.do("GET", "/audit-log?q=retry-dead-letter", nil).expect(t, "in the audit log", 200, object{"total": 1, "items.0.after.event": "recharge"})
}
