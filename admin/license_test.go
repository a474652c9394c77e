package admin_test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"tollgate/license"
	"tollgate/rating"
)

const day = 24 * time.Hour

func (w *world) activate() {
	w.t.Helper()
	w.do("PUT", "/billing", object{"active": true})
}

// upload installs a licence for a device.
func (w *world) upload(d license.Device) reply {
	w.t.Helper()
	return w.as(rating.Admin, "POST", "/license", w.licence.issue(w.t, d), "Content-Type: application/octet-stream")
}

func TestTheTrialBeginsWithTheFirstActivation(t *testing.T) {
	w := newWorld(t)
	w.do("GET", "/billing", nil).expect(t, "before", 200, object{"active": false, "first_activated_at": nil, "expires_at": nil, "license_uploaded": false})
	w.do("GET", "/me", nil).expect(t, "nothing to tell", 200, object{"license.state": "inactive", "license.expires_at": nil, "license.days_left": nil, "license.warning": false})
	began := time.Now().Truncate(time.Second)
	r := w.do("PUT", "/billing", object{"active": true})
	first, err1 := time.Parse(time.RFC3339, r.at("first_activated_at").(string))
	expires, err2 := time.Parse(time.RFC3339, r.at("expires_at").(string))
	if err1 != nil || err2 != nil || first.Before(began) || time.Since(first) > time.Minute || expires.Sub(first) != 30*day {
		t.Errorf("first %v, expires %v", first, expires)
	}
	w.do("PUT", "/billing", object{"active": false}).expect(t, "off", 200, object{"active": false, "first_activated_at": r.at("first_activated_at")})
	w.licence.pass(day)
	w.do("PUT", "/billing", object{"active": true}).expect(t, "on again", 200, object{"active": true, "first_activated_at": r.at("first_activated_at"), "expires_at": r.at("expires_at")})
}

func TestOperatorsAreWarnedSevenDaysBefore(t *testing.T) {
	w := newWorld(t)
	w.activate()
	w.as(rating.Viewer, "GET", "/me", nil).expect(t, "in the beginning", 200, object{"license.state": "trial", "license.days_left": 30, "license.warning": false})
	w.licence.pass(22 * day)
	w.as(rating.Manager, "GET", "/me", nil).expect(t, "day 22", 200, object{"license.days_left": 8, "license.warning": false})
	w.licence.pass(day)
	w.as(rating.Manager, "GET", "/me", nil).expect(t, "day 23", 200, object{"license.days_left": 7, "license.warning": true})
	w.licence.pass(7*day - time.Hour)
	w.as(rating.Manager, "GET", "/me", nil).expect(t, "the last hour", 200, object{"license.days_left": 1, "license.state": "trial"})
	w.licence.pass(time.Hour)
	w.do("GET", "/me", nil).expect(t, "over", 200, object{"license.days_left": 0, "license.state": "expired", "license.warning": true})
	w.upload(w.licence.device)
	w.as(rating.Viewer, "GET", "/me", nil).expect(t, "with a licence", 200, object{"license.days_left": nil, "license.state": "licensed", "license.warning": false, "license.expires_at": nil})
}

func TestWhenTheTrialIsOver(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	w.do("POST", "/extensions", object{"number": "101"})
	m := w.hire(rating.Manager)
	session := w.login(m.name, m.password)
	w.activate()
	w.licence.pass(30 * day)

	w.send("GET", "/api/v1/extensions", nil, bearer(session)).problem(t, "an open session", 403, "license-expired")
	w.send("POST", "/api/v1/login", object{"username": m.name, "password": m.password}).problem(t, "a log-in", 403, "license-expired")
	w.send("POST", "/api/v1/login", object{"username": m.name, "password": "wrong password"}).problem(t, "a wrong password tells nothing", 401, "unauthenticated")
	admin := bearer(w.login("admin", adminPassword))
	w.send("GET", "/api/v1/extensions", nil, admin).expect(t, "the administrator reads", 200, object{"total": 1})

	as := func(method, path string, body any, headers ...header) reply {
		return w.as(rating.Admin, method, path, body, headers...)
	}
	as("POST", "/recharges", object{"extensions": []string{"101"}, "amount": "1"}, "Idempotency-Key: k").problem(t, "a recharge", 403, "license-expired")
	as("POST", "/recharges/preview", object{"extensions": []string{"101"}, "amount": "1"}).expect(t, "its preview moves nothing", 200, nil)
	as("POST", "/extensions", object{"number": "102"}).problem(t, "an account", 403, "license-expired")
	as("DELETE", "/extensions/101", nil).problem(t, "a deletion", 403, "license-expired")
	as("POST", "/rates", object{"rate": "1"}).problem(t, "a rate", 403, "license-expired")
	for name, set := range map[string]object{"credit": {"credit": "5"}, "unlocking": {"status": "unlocked"}, "more than a lock": {"status": "locked", "credit": "5"}, "only ending calls": {"end_active_calls": true}, "nothing": {}} {
		as("PATCH", "/extensions/101", set).problem(t, name, 403, "license-expired")
		as("PATCH", "/extensions", object{"numbers": []string{"101"}, "set": set}).problem(t, name+" of many", 403, "license-expired")
	}
	as("PATCH", "/extensions/101", object{"status": "locked", "end_active_calls": true}).expect(t, "a lock", 200, object{"status": "locked"})
	as("PATCH", "/extensions", object{"numbers": []string{"101"}, "set": object{"status": "locked"}}).expect(t, "of many", 200, object{"items.0.status": "locked"})
	as("POST", "/trunks", object{"name": "FXO-1", "uri": "sip:127.0.0.1"}).expect(t, "a trunk", 201, nil)
	as("POST", "/dial-rules", object{"trunks": []string{"FXO-1"}}).expect(t, "a dial rule", 201, nil)
	settings := as("GET", "/settings", nil).body
	settings["ring_timeout"] = 60
	as("PUT", "/settings", settings).expect(t, "settings", 200, object{"ring_timeout": 60})
	as("POST", "/managers", object{}).expect(t, "a user", 201, nil)

	as("PUT", "/billing", object{"active": true}).expect(t, "active as it was", 200, object{"active": true})
	as("PUT", "/billing", object{"active": false}).expect(t, "deactivated", 200, object{"active": false})
	as("PUT", "/billing", object{"active": true}).problem(t, "and not activated again", 403, "license-expired")

	w.upload(w.licence.device).expect(t, "a licence", 201, object{"license_uploaded": true, "expires_at": nil})
	as("PUT", "/billing", object{"active": true}).expect(t, "makes everything work", 200, object{"active": true, "license_uploaded": true})
	w.send("GET", "/api/v1/extensions", nil, bearer(session)).expect(t, "the open session goes on", 200, nil)
	w.login(m.name, m.password)
}

func TestALogOutEndsASessionThatIsOfNoUse(t *testing.T) {
	w := newWorld(t)
	m := w.hire(rating.Manager)
	session := bearer(w.login(m.name, m.password))
	w.activate()
	w.licence.pass(30 * day)
	w.send("POST", "/api/v1/logout", nil, session).problem(t, "as everything", 403, "license-expired")
	w.upload(w.licence.device)
	w.send("GET", "/api/v1/me", nil, session).problem(t, "and yet it has ended", 401, "unauthenticated")
}

func TestARefusedLicenceSaysWhyAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	good := w.licence.issue(t, w.licence.device)
	other, _ := license.NewSigningKey(nil)
	foreign, err := license.Issue(other, []license.Request{{Device: w.licence.device, Made: time.Now()}}, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	source := w.do("GET", "/license/source", nil)
	for name, c := range map[string]struct{ body, says string }{
		"another device":  {w.licence.issue(t, describe("B")), "another device"},
		"one letter less": {strings.Replace(good, "Example", "Exampl", 1), "altered"},
		"another key":     {string(foreign), "another vendor's key"},
		"a photograph":    {"\x89PNG\r\n", "not a Tollgate licence"},
		"the source file": {source.text, "billing source file itself"},
		"another product": {strings.Replace(good, "product: tollgate", "product: otherware", 1), "another product"},
		"a line feed":     {"\n", "not a Tollgate licence"},
	} {
		r := w.as(rating.Admin, "POST", "/license", c.body, "Content-Type: application/octet-stream")
		r.problem(t, name, 422, "validation", "body")
		if !strings.Contains(r.body["detail"].(string), c.says) {
			t.Errorf("%s: %s", name, r.text)
		}
	}
	w.do("GET", "/billing", nil).expect(t, "as before", 200, object{"license_uploaded": false})
	w.upload(w.licence.device).expect(t, "the good one", 201, object{"license_uploaded": true})
	w.upload(describe("B")).problem(t, "and after it another", 422, "validation")
	w.do("GET", "/billing", nil).expect(t, "the good one stays", 200, object{"license_uploaded": true})
	w.as(rating.Admin, "POST", "/license", strings.Repeat("x", 200<<10), "Content-Type: application/octet-stream").problem(t, "far too much", 413, "too-large")
}

func TestTheLicenceAsAForm(t *testing.T) {
	w := newWorld(t)
	form := func(part string) (string, header) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		if err := m.WriteField("comment", "here it is"); err != nil {
			t.Fatal(err)
		}
		file, err := m.CreateFormFile(part, "license.lic")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write([]byte(w.licence.issue(t, w.licence.device))); err != nil {
			t.Fatal(err)
		}
		m.Close()
		return b.String(), header("Content-Type: " + m.FormDataContentType())
	}
	body, kind := form("attachment")
	w.as(rating.Admin, "POST", "/license", body, kind).problem(t, "no part of that name", 422, "validation", "body.file")
	body, kind = form("file")
	w.as(rating.Admin, "POST", "/license", body[:len(body)/2], kind).problem(t, "half a form", 400, "malformed")
	w.as(rating.Admin, "POST", "/license", body, kind).expect(t, "the form", 201, object{"license_uploaded": true})
}

func TestTheSourceFileIsADownload(t *testing.T) {
	w := newWorld(t)
	r := w.do("GET", "/license/source", nil)
	if r.header.Get("Content-Disposition") != `attachment; filename="billing.ac"` || r.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("headers %v", r.header)
	}
	if q, err := license.ParseRequest([]byte(r.text)); err != nil || !w.licence.device.Matches(q.Device) {
		t.Errorf("it is no description of this device: %v", err)
	}
}

func TestAnOpenStreamEndsWithTheTrial(t *testing.T) {
	w := newWorld(t)
	w.activate()
	_, theirs := w.events(bearer(w.tokens[rating.Viewer]))
	_, ours := w.events(bearer(w.tokens[rating.Admin]))
	next(t, theirs, "snapshot")
	next(t, ours, "snapshot")
	w.licence.pass(30 * day)
	for limit := time.After(8 * time.Second); ; {
		select {
		case _, open := <-theirs:
			if open {
				continue
			}
		case <-limit:
			t.Fatal("a viewer still follows the calls")
		}
		break
	}
	select {
	case _, open := <-ours:
		if !open {
			t.Error("the administrator does not follow any more")
		}
	default:
	}
}
