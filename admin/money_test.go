package admin_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
)

// startCall lets a call in on an account and answers it.
func (w *world) startCall(extension string, tariff rating.Tariff) rating.CallID {
	w.t.Helper()
	id := rating.NewCallID(extension, fmt.Sprint(time.Now().UnixNano()), "tag", 1)
	r := rating.Rate{ID: 1, Active: true, Tariff: tariff, EndTime: rating.LastSecond, Extensions: []string{"*"}, Version: 1}
	draft := rating.CDR{ID: id, Extension: extension, Username: "User" + extension, Dialled: "988360046", Trunk: "FXO-1", RateID: 1, Rate: &r, StartedAt: callStart.Add(-5 * time.Second),
		Currency: "USD", Disposition: rating.Answered, SIPCode: 200, EndedBy: rating.BySystem, Count: 1, Node: "gw1"}
	unbilled := rating.Billed
	if (tariff == rating.Tariff{}) { // as of an extension that is not billed
		unbilled = rating.BillingDisabled
		draft.Unbilled = &unbilled
	}
	if _, err := w.ledger.Authorize(w.t.Context(), rating.Authorization{Call: id, Extension: extension, Tariff: tariff, Unbilled: unbilled, Day: "2019-05-31", At: draft.StartedAt, Ring: time.Hour, Draft: draft}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ledger.Answer(w.t.Context(), rating.Answer{Call: id, At: callStart, Draft: draft}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

var callStart = time.Date(2019, 5, 31, 15, 3, 31, 0, time.UTC)

// endCall settles a call after that much talk; with none it was not answered.
func (w *world) endCall(id rating.CallID, talked time.Duration) {
	w.t.Helper()
	hold, err := w.ledger.Call(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for talked > 0 {
		paid, bounded := hold.Tariff.PaidFor(hold.Units)
		if !bounded || time.Duration(paid)*time.Second >= talked {
			break
		}
		grant, err := w.ledger.Extend(w.t.Context(), rating.Extend{Call: id, HaveUnits: hold.Units})
		if err != nil {
			w.t.Fatal(err)
		}
		hold.Units = grant.Units
	}
	cdr, ended := hold.Draft, callStart.Add(talked)
	cdr.EndedAt, cdr.EndedBy = &ended, rating.ByCaller
	s := rating.Settlement{Call: id, Ended: ended, Talked: talked, CDR: cdr}
	if talked > 0 {
		s.Answered = callStart
		s.CDR.AnsweredAt = &s.Answered
	} else {
		s.CDR.Disposition = rating.NoAnswer
	}
	if _, err := w.ledger.Settle(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

func TestRecharges(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{"101", "102"} {
		w.do("POST", "/extensions", object{"number": number, "username": "Extension" + number})
	}
	both := object{"extensions": []string{"102", "101"}, "amount": "100", "note": "May"}
	w.do("POST", "/recharges/preview", both).expect(t, "the preview", 200, object{"items.#": 2, "items.0.extension": "102", "items.0.pre_balance": "0.0000", "items.0.amount": "100.0000", "items.0.post_balance": "100.0000"})
	w.do("GET", "/extensions/101", nil).expect(t, "moves nothing", 200, object{"balance": "0.0000"})
	w.as(rating.Admin, "POST", "/recharges", both).problem(t, "without key", 422, "validation", "header.Idempotency-Key")
	first := w.do("POST", "/recharges", both, "Idempotency-Key: k1")
	first.expect(t, "a recharge", 201, object{"items.#": 2, "items.0.extension": "102", "items.0.username": "Extension102", "items.0.pre_balance": "0.0000", "items.0.post_balance": "100.0000", "items.1.extension": "101"})
	if again := w.do("POST", "/recharges", both, "Idempotency-Key: k1"); again.text != first.text || again.status != 201 {
		t.Errorf("the same key and body:\n%s\nfirst\n%s", again.text, first.text)
	}
	w.as(rating.Admin, "POST", "/recharges", object{"extensions": []string{"101"}, "amount": "100"}, "Idempotency-Key: k1").problem(t, "the same key, another body", 422, "idempotency-mismatch")
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "-30.5", "note": "typed too much"}, "Idempotency-Key: k2").expect(t, "an adjustment", 201, object{"items.0.amount": "-30.5000", "items.0.post_balance": "69.5000"})
	w.do("GET", "/extensions/101", nil).expect(t, "leaves total_recharges alone", 200, object{"balance": "69.5000", "total_recharges": "100.0000"})

	for _, c := range []struct {
		name     string
		body     object
		status   int
		kind, at string
	}{
		{"nobody", object{"extensions": []string{}, "amount": "1"}, 422, "validation", "body.extensions"},
		{"a stranger", object{"extensions": []string{"101", "555"}, "amount": "1"}, 422, "validation", "body.extensions[1]"},
		{"one twice", object{"extensions": []string{"101", "101"}, "amount": "1"}, 422, "validation", "body.extensions[1]"},
		{"nothing", object{"extensions": []string{"101"}, "amount": "0"}, 422, "validation", "body.amount"},
		{"an adjustment without note", object{"extensions": []string{"101"}, "amount": "-1"}, 422, "validation", "body.note"},
		{"a number as money", object{"extensions": []string{"101"}, "amount": 5}, 422, "validation", "body.amount"},
		{"more than there is", object{"extensions": []string{"101", "102"}, "amount": "-70", "note": "x"}, 409, "insufficient-funds", ""},
		{"more than an account holds", object{"extensions": []string{"101"}, "amount": "9007199254"}, 422, "validation", ""},
	} {
		var locations []string
		if c.at != "" {
			locations = []string{c.at}
		}
		w.as(rating.Admin, "POST", "/recharges", c.body, "Idempotency-Key: bad").problem(t, "recharge of "+c.name, c.status, c.kind, locations...)
		w.as(rating.Admin, "POST", "/recharges/preview", c.body).problem(t, "preview of "+c.name, c.status, c.kind, locations...)
	}
	w.do("GET", "/extensions/102", nil).expect(t, "a refused batch moves nothing", 200, object{"balance": "100.0000"})

	w.file()
	w.do("GET", "/recharges?q=102", nil).expect(t, "history by number", 200, object{"total": 1, "items.0.kind": "recharge", "items.0.by": "token admin", "items.0.note": "May", "items.0.username": "Extension102"})
	w.do("GET", "/recharges?per_page=1", nil).expect(t, "newest first", 200, object{"total": 3, "items.#": 1, "items.0.kind": "adjustment", "items.0.pre_balance": "100.0000", "items.0.amount": "-30.5000", "items.0.post_balance": "69.5000"})
	w.do("GET", "/recharges?to=2019-01-01", nil).expect(t, "a time before", 200, object{"total": 0, "items.#": 0})
	w.as(rating.Admin, "GET", "/recharges?from=yesterday", nil).problem(t, "a time that is none", 422, "validation", "query.from")
}

func TestARepeatedRechargeIsAnsweredThoughTheExtensionIsGone(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	body := object{"extensions": []string{"101"}, "amount": "1"}
	first := w.do("POST", "/recharges", body, "Idempotency-Key: k")
	w.do("DELETE", "/extensions/101", nil)
	if again := w.do("POST", "/recharges", body, "Idempotency-Key: k"); again.text != first.text {
		t.Errorf("again %s, first %s", again.text, first.text)
	}
}

func TestManyRechargesWithOneKeyMoveMoneyOnce(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101"})
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			w.as(rating.Manager, "POST", "/recharges", object{"extensions": []string{"101"}, "amount": "7"}, "Idempotency-Key: once").expect(t, "in parallel", 201, object{"items.0.post_balance": "7.0000"})
		})
	}
	all.Wait()
	w.do("GET", "/extensions/101", nil).expect(t, "once", 200, object{"balance": "7.0000", "total_recharges": "7.0000"})
}

func TestCallsExplainTheirCost(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "102", "username": "Extension2", "billing_enabled": true, "credit": "1"})
	tariff := rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	answered := w.startCall("102", tariff)
	w.endCall(answered, 238*time.Second)
	missed := w.startCall("102", tariff)
	w.endCall(missed, 0)
	w.file()
	w.do("GET", "/calls", nil).expect(t, "answered ones alone", 200, object{"total": 1, "items.0.id": string(answered), "items.0.duration": 238, "items.0.units": 4,
		"items.0.cost": "0.1800", "items.0.disposition": "answered", "items.0.rate.initial_cost": "0.1000", "items.0.unbilled": nil, "items.0.started_at": "2019-05-31T15:03:26Z", "items.0.steps": "(no such field)"})
	w.do("GET", "/calls?disposition=any&q=user102", nil).expect(t, "all", 200, object{"total": 2})
	w.do("GET", "/calls?disposition=no_answer", nil).expect(t, "missed ones", 200, object{"total": 1, "items.0.cost": "0.0000"})
	w.do("GET", "/calls?from=2019-05-31&to=2019-05-31", nil).expect(t, "the day, all of it", 200, object{"total": 1})
	w.do("GET", "/calls?from=2019-06-01", nil).expect(t, "the day after", 200, object{"total": 0})
	w.do("GET", "/calls?from=2019-05-31T15:03:26Z&to=2019-05-31T15:03:26Z", nil).expect(t, "an instant, included", 200, object{"total": 1})
	w.do("GET", "/calls/"+string(answered), nil).expect(t, "one call", 200, object{"cost": "0.1800", "steps.#": 3,
		"steps.0.amount": "0.1000", "steps.0.to": 60, "steps.1.units": 4, "steps.1.price": "0.0200", "steps.1.amount": "0.0800", "steps.1.total": "0.1800", "steps.2.total": "0.1800"})
	w.do("GET", "/calls/"+string(missed), nil).expect(t, "a missed call", 200, object{"steps.#": 1, "steps.0.total": "0.0000"})
	w.as(rating.Admin, "GET", "/calls/none", nil).problem(t, "no call", 404, "not-found")
	w.do("GET", "/statistics", nil).expect(t, "all together", 200, object{"total": 1, "items.0.date": "2019-05-31", "items.0.extension": "All", "items.0.calls": 1, "items.0.average_seconds": 238, "items.0.total_cost": "0.1800"})
	w.do("GET", "/statistics?extension=102&by=month&from=2019-05-31&to=2019-05-31", nil).expect(t, "one, by month", 200, object{"items.0.date": "2019-05", "items.0.extension": "102", "items.0.username": "User102"})
	w.do("GET", "/statistics?from=2020-01-01", nil).expect(t, "a time without calls has no row", 200, object{"total": 0})
	w.do("GET", "/extensions?sort=balance", nil).expect(t, "the balance is lower by the cost", 200, object{"items.0.balance": "-0.1800"})
}

func TestActiveCalls(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{"101", "102"} {
		w.do("POST", "/extensions", object{"number": number, "billing_enabled": true})
	}
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "0.05"}, "Idempotency-Key: k")
	since := time.Now().Add(-30 * time.Second).UTC().Truncate(time.Second)
	tariff := rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	w.sip.calls = []rating.LiveCall{
		{ID: "talks", Extension: "101", Username: "Extension1", Dialled: "988360046", Trunk: "FXO-1", State: rating.Talking, StartedAt: since, AnsweredAt: &since, Held: 100_000, Node: "gw1", Tariff: tariff},
		{ID: "rings", Extension: "102", Dialled: "965302387", State: rating.Ringing, StartedAt: since.Add(time.Second), Node: "gw1", Tariff: tariff},
	}
	w.do("GET", "/active-calls", nil).expect(t, "both", 200, object{"total": 2, "items.0.id": "rings", "items.0.state": "ringing", "items.0.answered_at": nil, "items.0.deadline_at": nil, "items.0.cost_so_far": "0.0000",
		"items.1.id": "talks", "items.1.cost_so_far": "0.1000", "items.1.held": "0.1000", "items.1.deadline_at": since.Add(170 * time.Second).Format(time.RFC3339)})
	w.do("GET", "/active-calls?q=9653", nil).expect(t, "search", 200, object{"total": 1, "items.0.id": "rings"})
	w.do("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "0.02"}, "Idempotency-Key: k2")
	w.do("GET", "/active-calls?extension=101", nil).expect(t, "a recharge moves the deadline", 200, object{"items.0.deadline_at": since.Add(225 * time.Second).Format(time.RFC3339)})
	w.do("DELETE", "/active-calls/talks", nil).expect(t, "hung up", 204, nil)
	w.as(rating.Admin, "DELETE", "/active-calls/talks", nil).problem(t, "hung up twice", 404, "not-found")
}
