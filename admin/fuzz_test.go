package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/license"
	"tollgate/rating"
)

// still is a catalog, a ledger and an archive in which nothing ever changes: an edit is checked and forgotten.
type still struct {
	Operators
	snapshot *rating.Snapshot
}

func newStill() still {
	now := time.Date(2019, 5, 31, 0, 0, 0, 0, time.UTC)
	extension, trunk, rule, rate := rating.NewExtension("101"), rating.NewTrunk(), rating.NewDialRule(), rating.NewRate()
	trunk.Name, trunk.URI, trunk.Version = "FXO-1", "sip:127.0.0.1", 1
	rule.ID, rule.Trunks, rule.Version = 1, []string{"FXO-1"}, 1
	rate.ID, rate.Version, extension.Version = 1, 1, 1
	return still{snapshot: rating.NewSnapshot(rating.Documents{Settings: rating.DefaultSettings(), Billing: rating.Billing{FirstActivatedAt: &now},
		Extensions: []rating.Extension{extension}, Rates: []rating.Rate{rate}, Trunks: []rating.Trunk{trunk}, DialRules: []rating.DialRule{rule}})}
}

// sound fails on an edit that would store what breaks a rule.
func sound[T interface{ Validate() error }](doc T, err error) (T, error) {
	if err == nil {
		if broken := doc.Validate(); broken != nil {
			panic(broken)
		}
	}
	return doc, err
}

func (s still) Current() *rating.Snapshot { return s.snapshot }

func (s still) AddExtension(_ context.Context, e rating.Extension, _ string) (rating.Extension, error) {
	return sound(e, nil)
}

func (s still) EditExtensions(_ context.Context, numbers []string, _ string, edit func(rating.Extension) (rating.Extension, error)) (all []rating.Extension, err error) {
	for _, number := range numbers {
		e, ok := s.snapshot.Extension(number)
		if !ok {
			return nil, rating.ErrNotFound
		}
		edited, err := sound(edit(*e))
		if err != nil {
			return nil, err
		}
		all = append(all, edited)
	}
	return all, nil
}

func (s still) DeleteExtension(context.Context, string, string, func(int64) error) error { return nil }

func (s still) AddRate(_ context.Context, r rating.Rate) (rating.Rate, error) { return sound(r, nil) }

func (s still) EditRate(_ context.Context, id int64, edit func(rating.Rate) (rating.Rate, error)) (rating.Rate, error) {
	r, ok := s.snapshot.Rates.Rate(id)
	if !ok {
		return rating.Rate{}, rating.ErrNotFound
	}
	return sound(edit(*r))
}

func (s still) ImportExtensions(_ context.Context, rows []rating.ExtensionRow, _ string, _ bool) (done rating.Imported, err error) {
	for i, row := range rows {
		e, known := s.snapshot.Extension(row.Number)
		if !known {
			fresh := rating.NewExtension(row.Number)
			e = &fresh
		}
		var bad rating.Invalid
		after, err := row.Edit(*e)
		switch {
		case errors.As(err, &bad):
			return done, rating.Invalid{{Field: fmt.Sprintf("[%d].%s", i, bad[0].Field), Message: bad[0].Message}}
		case err != nil:
			return done, err
		}
		if _, err := sound(after, nil); err != nil {
			return done, err
		}
		done.Created++
	}
	return done, nil
}

func (s still) ImportRates(_ context.Context, rows []rating.RateRow, _ bool) (done rating.Imported, err error) {
	for i, row := range rows {
		var bad rating.Invalid
		after, err := row.Edit(rating.NewRate())
		switch {
		case errors.As(err, &bad):
			return done, rating.Invalid{{Field: fmt.Sprintf("[%d].%s", i, bad[0].Field), Message: bad[0].Message}}
		case err != nil:
			return done, err
		}
		if _, err := sound(after, nil); err != nil {
			return done, err
		}
		done.Created++
	}
	return done, nil
}

func (s still) DeleteRate(context.Context, int64, func(int64) error) error { return nil }

func (s still) AddTrunk(_ context.Context, t rating.Trunk) (rating.Trunk, error) {
	return sound(t, nil)
}

func (s still) EditTrunk(_ context.Context, name string, edit func(rating.Trunk) (rating.Trunk, error)) (rating.Trunk, error) {
	t, ok := s.snapshot.Plan.Trunk(name)
	if !ok {
		return rating.Trunk{}, rating.ErrNotFound
	}
	return sound(edit(*t))
}

func (s still) DeleteTrunk(context.Context, string, func(int64) error) error { return nil }

func (s still) AddDialRule(_ context.Context, r rating.DialRule) (rating.DialRule, error) {
	return sound(r, nil)
}

func (s still) EditDialRule(_ context.Context, _ int64, edit func(rating.DialRule) (rating.DialRule, error)) (rating.DialRule, error) {
	return sound(edit(s.snapshot.Plan.Rules()[0]))
}

func (s still) DeleteDialRule(context.Context, int64, func(int64) error) error { return nil }

func (s still) EditSettings(_ context.Context, edit func(rating.Settings) (rating.Settings, error)) (rating.Settings, error) {
	return sound(edit(s.snapshot.Settings))
}

func (s still) EditBilling(_ context.Context, edit func(rating.Billing) (rating.Billing, error)) (rating.Billing, error) {
	return edit(s.snapshot.Billing)
}

func (s still) Session(context.Context, string) (rating.Session, error) {
	return rating.Session{}, rating.ErrNotFound
}

func (s still) TokenByHash(context.Context, string) (rating.Token, error) {
	return rating.Token{Name: "fuzz", Role: rating.Admin}, nil
}

func (s still) PutToken(context.Context, rating.Token) error { return nil }

func (s still) Accounts(_ context.Context, numbers []string) ([]rating.Account, error) {
	return []rating.Account{{Extension: "101", Balance: rating.Unit}}, nil
}

func (s still) Recharge(_ context.Context, r rating.Recharge) ([]rating.Receipt, error) {
	if err := r.Validate(); err != nil {
		panic(err)
	}
	return nil, rating.ErrUnknownExtension
}

func (s still) State() license.State                             { return license.State{} }
func (s still) Append(context.Context, rating.AuditRecord) error { return nil }
func (s still) Begin(context.Context, rating.AuditRecord, time.Duration) (string, error) {
	return "x", nil
}
func (s still) Finish(context.Context, string, []rating.AuditRecord) error { return nil }
func (s still) AuditLog(context.Context, rating.AuditQuery) ([]rating.AuditRecord, int64, error) {
	return nil, 0, nil
}
func (s still) Source() ([]byte, error)                         { return nil, nil }
func (s still) Activate(context.Context) (license.State, error) { return license.State{}, nil }
func (s still) Install(context.Context, []byte) (license.State, error) {
	return license.State{}, license.ErrNotLicense
}

func (s still) Calls(context.Context) ([]rating.LiveCall, error) { return nil, nil }
func (s still) HangUp(rating.CallID) bool                        { return false }
func (s still) HangUpExtension(string) int                       { return 0 }

// bodies are the operations that take one.
var bodies = []string{"POST /extensions", "PATCH /extensions", "PATCH /extensions/101", "POST /recharges", "POST /recharges/preview", "POST /rates", "PUT /rates/1",
	"PATCH /rates/1", "POST /rates/quote", "PUT /settings", "PUT /billing", "POST /trunks", "PATCH /trunks/FXO-1", "POST /dial-rules", "PATCH /dial-rules/1", "POST /dial-rules/test", "POST /tokens",
	"POST /extensions/import?dry_run=true", "POST /extensions/import", "POST /rates/import?dry_run=true", "POST /rates/import"}

// FuzzBodies sends any body to any operation: it is taken, or refused with a problem that names what is wrong; never is
// it our fault, and never is something stored that breaks a rule.
func FuzzBodies(f *testing.F) {
	for i := range bodies {
		f.Add(i, `{}`)
	}
	f.Add(0, `{"number":"102","credit":"5.5","limits":{"daily_spend":"1","deny_prefixes":["00"]},"sip_password":"x"}`)
	f.Add(1, `{"numbers":["101"],"set":{"status":"locked","end_active_calls":true}}`)
	f.Add(2, `{"limits":{"call_seconds":9223372036854775808}}`)
	f.Add(3, `{"extensions":["101"],"amount":"-9007199254.740991","note":"\u0000"}`)
	f.Add(4, `{"extensions":["101","101"],"amount":1e308}`)
	f.Add(5, `{"prefix":"+49","rate":"10000","billing_unit":86400,"start_time":"22:00:00","end_time":"06:00:00","extensions":["*"]}`)
	f.Add(8, `{"extension":"101","number":"%39","duration":31536000,"at":"0001-01-01T00:00:00Z"}`)
	f.Add(9, `{"webhooks":[{"url":"http://[::1]:x","secret":"","events":[]}]}`)
	f.Add(11, `{"name":"X","uri":"sip:[::1]:5060;transport=tls","sources":["::ffff:1.2.3.4/120"],"failover_codes":[1.0]}`)
	f.Add(13, `{"trunks":["FXO-1"],"strip":40,"number_length":-1}`)
	f.Add(16, `{"name":"x","role":"admin","expires_at":"9999-12-31T23:59:59Z"}`)
	f.Add(18, "Extension,Username,Credit\n102,\"a\"\"b\",1.5\n\xff,,\n")
	f.Add(20, "\xef\xbb\xbfRemark;Prefix;Rate;Billing Unit;Extensions\r\nx;+49;0.01;60;101 102\r\n")
	catalog := newStill()
	server := newServer(Config{Realm: "x"}, Deps{Catalog: catalog, Operators: catalog, Ledger: catalog, LiveCalls: catalog, License: catalog, AuditLog: catalog, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	engine := server.engine()
	f.Fuzz(func(t *testing.T, operation int, text string) {
		method, path, _ := strings.Cut(bodies[(operation%len(bodies)+len(bodies))%len(bodies)], " ")
		request := httptest.NewRequest(method, apiBase+path, strings.NewReader(text))
		request.Header.Set("Authorization", "Bearer x")
		request.Header.Set(idempotencyKey, "k")
		request.Header.Set("Content-Type", "application/json")
		if strings.Contains(path, "/import") {
			request.Header.Set("Content-Type", "text/csv")
		}
		recorder := httptest.NewRecorder()
		engine.ServeHTTP(recorder, request)
		switch recorder.Code {
		case http.StatusOK, http.StatusCreated:
			if !json.Valid(recorder.Body.Bytes()) {
				t.Errorf("%s %s %q: %d %s", method, path, text, recorder.Code, recorder.Body)
			}
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusConflict, http.StatusNotFound:
			var answer problem
			if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Status != recorder.Code || answer.Type == "" || answer.Detail == "" {
				t.Errorf("%s %s %q: %d %s", method, path, text, recorder.Code, recorder.Body)
			}
		default:
			t.Errorf("%s %s %q: %d %s", method, path, text, recorder.Code, recorder.Body)
		}
	})
}
