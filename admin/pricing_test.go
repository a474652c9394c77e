package admin_test

import (
	"testing"

	"tollgate/rating"
)

// city is the rate of the guide.
var city = object{"remark": "city", "prefix": "9", "number_length": 9, "initial_cost": "0.1", "initial_time": 60, "rate": "0.02", "billing_unit": 55}

func TestRates(t *testing.T) {
	w := newWorld(t)
	made := w.do("POST", "/rates", city)
	made.expect(t, "a new rate", 201, object{"id": 1, "active": true, "remark": "city", "prefix": "9", "number_length": 9, "initial_cost": "0.1000", "initial_time": 60,
		"rate": "0.0200", "billing_unit": 55, "start_time": "00:00:00", "end_time": "23:59:59", "extensions": []string{"*"}, "version": 1})
	got := w.do("GET", "/rates/1", nil)
	if got.text != made.text {
		t.Errorf("GET says %s, POST said %s", got.text, made.text)
	}
	got.body["remark"] = "town"
	w.do("PUT", "/rates/1", got.body, `If-Match: "1"`).expect(t, "PUT takes what GET returned", 200, object{"remark": "town", "prefix": "9", "version": 2})
	w.as(rating.Admin, "PUT", "/rates/1", object{"remark": "x"}).problem(t, "PUT needs everything", 422, "validation", "body.prefix", "body.rate")
	w.as(rating.Admin, "PUT", "/rates/1", got.body, `If-Match: "1"`).problem(t, "PUT of an old version", 412, "precondition-failed")
	w.do("PATCH", "/rates/1", object{"active": false, "extensions": []string{"101"}}).expect(t, "PATCH", 200, object{"active": false, "extensions": []string{"101"}, "remark": "town", "version": 3})
	w.as(rating.Admin, "POST", "/rates", object{}).problem(t, "a rate without price would be free for everybody", 422, "validation", "body.rate")
	w.do("POST", "/rates", object{"initial_cost": "1", "active": false}).expect(t, "a price once per call is one", 201, object{"initial_cost": "1.0000"})
	w.do("DELETE", "/rates/2", nil)
	w.do("POST", "/rates", object{"prefix": "1", "rate": "0", "extensions": []string{}}).expect(t, "everything else has a default", 201, object{"id": 3, "rate": "0.0000", "extensions": []string{}})
	w.do("GET", "/rates?sort=-id", nil).expect(t, "the list", 200, object{"total": 2, "items.0.id": 3})
	w.do("GET", "/rates?q=TOWN", nil).expect(t, "search", 200, object{"total": 1, "items.0.id": 1})
	for prefix, total := range map[string]int{"": 2, "9": 1, "98": 1, "1": 1, "2": 0, "%2B1": 0} { // there are 9 and 1
		w.do("GET", "/rates?prefix="+prefix, nil).expect(t, "rates beside "+prefix, 200, object{"total": total})
	}
	for name, c := range map[string]struct {
		body object
		at   string
	}{
		"a rate without unit":        {object{"rate": "1"}, "body.billing_unit"},
		"too dear":                   {object{"rate": "10001", "billing_unit": 1}, "body.rate"},
		"a block of no time":         {object{"start_time": "08:00:00", "end_time": "08:00:00"}, "body.end_time"},
		"a time that is none":        {object{"start_time": "25:00:00"}, "body.start_time"},
		"a prefix that is none":      {object{"prefix": "ab"}, "body.prefix"},
		"a length below the prefix":  {object{"prefix": "123", "number_length": 2}, "body.number_length"},
		"an id, which we give":       {object{"id": 7}, "body.id"},
		"an extension that is none":  {object{"extensions": []string{"1 2"}}, "body.extensions"},
		"all and one":                {object{"extensions": []string{"*", "101"}}, "body.extensions"},
		"null for a list":            {object{"extensions": nil}, "body.extensions"},
		"text for a number of units": {object{"billing_unit": "55"}, "body.billing_unit"},
	} {
		w.as(rating.Admin, "POST", "/rates", c.body).problem(t, name, 422, "validation", c.at)
		w.as(rating.Admin, "PATCH", "/rates/3", c.body).problem(t, name, 422, "validation", c.at)
	}
	w.do("DELETE", "/rates/3", nil).expect(t, "deleted", 204, nil)
	w.as(rating.Admin, "DELETE", "/rates/3", nil).problem(t, "deleted twice", 404, "not-found")
	w.as(rating.Admin, "GET", "/rates/3", nil).problem(t, "gone", 404, "not-found")
	w.as(rating.Admin, "PATCH", "/rates/3", object{"remark": "x"}).problem(t, "edit of what is gone", 404, "not-found")
	w.as(rating.Admin, "GET", "/rates/two", nil).problem(t, "an id that is none", 422, "validation", "path.id")
}

func TestQuote(t *testing.T) {
	w := newWorld(t)
	w.do("PUT", "/billing", object{"active": true})
	w.do("POST", "/extensions", object{"number": "101", "billing_enabled": true, "credit": "0.15"})
	w.do("POST", "/rates", city)
	w.do("POST", "/rates", object{"prefix": "9", "rate": "0", "number_length": 12})
	w.do("POST", "/rates", object{"prefix": "9", "rate": "0", "active": false})
	w.do("POST", "/rates", object{"prefix": "1", "rate": "0"})
	w.do("POST", "/rates", object{"prefix": "9", "rate": "0", "extensions": []string{"102"}})
	w.do("POST", "/rates", object{"prefix": "9", "rate": "0", "start_time": "20:00:00", "end_time": "06:00:00"})
	w.do("POST", "/rates", object{"prefix": "", "rate": "9", "billing_unit": 1})
	ask := object{"extension": "101", "number": "9 8836-0046", "duration": 238, "at": "2019-05-31T15:03:31Z"}
	w.do("POST", "/rates/quote", ask).expect(t, "the guide's call", 200, object{"matched": true, "rate.id": 1, "duration": 238, "units": 4, "cost": "0.1800", "available": "0.1500", "max_duration": 170,
		"unbilled": nil, "not_matched.#": 6, "not_matched.0.rate_id": 2, "not_matched.0.reason": "number_length", "not_matched.1.reason": "inactive", "not_matched.2.reason": "prefix",
		"not_matched.3.reason": "extension", "not_matched.4.reason": "time_block", "not_matched.5.reason": "less_specific"})
	ask["duration"] = 0
	w.do("POST", "/rates/quote", ask).expect(t, "not answered", 200, object{"cost": "0.0000", "units": 0})
	ask["number"] = "965302387000"
	w.do("POST", "/rates/quote", ask).expect(t, "a free rate has no end", 200, object{"rate.id": 2, "max_duration": nil, "unbilled": "free"})
	w.do("PATCH", "/rates/7", object{"active": false})
	w.do("POST", "/rates/quote", object{"extension": "101", "number": "555"}).expect(t, "no rate", 200, object{"matched": false, "rate": nil, "cost": "0.0000"})
	w.as(rating.Admin, "POST", "/rates/quote", object{"extension": "555", "number": "1"}).problem(t, "a stranger", 422, "validation", "body.extension")
	w.as(rating.Admin, "POST", "/rates/quote", object{"extension": "101", "number": "abc"}).problem(t, "no number", 422, "validation", "body.number")
}

// A draft is quoted as if it were stored: a new one, and one in place of the rate that it would replace.
func TestQuoteOfADraft(t *testing.T) {
	w := newWorld(t)
	w.do("POST", "/extensions", object{"number": "101", "billing_enabled": true})
	w.do("POST", "/rates", city)
	quote := func(draft object, of int) object {
		return object{"extension": "101", "number": "988360046", "duration": 238, "draft": draft, "draft_of": of}
	}
	dearer := object{"prefix": "98", "rate": "1", "billing_unit": 60}
	w.do("POST", "/rates/quote", quote(dearer, 0)).expect(t, "a new, longer prefix wins", 200, object{"matched": true, "rate.id": 0, "cost": "4.0000", "not_matched.0.rate_id": 1, "not_matched.0.reason": "less_specific"})
	w.do("POST", "/rates/quote", quote(object{"rate": "0.05"}, 1)).expect(t, "an edit keeps what it leaves out", 200, object{"rate.id": 1, "rate.prefix": "9", "cost": "0.3000"})
	w.do("POST", "/rates/quote", quote(object{"active": false}, 1)).expect(t, "switched off", 200, object{"matched": false, "cost": "0.0000"})
	w.as(rating.Viewer, "POST", "/rates/quote", quote(object{"rate": "1", "billing_unit": 0}, 0)).problem(t, "a draft that is none", 422, "validation", "body.draft.billing_unit")
	w.do("GET", "/rates", nil).expect(t, "nothing was stored", 200, object{"total": 1, "items.0.rate": "0.0200"})
}
