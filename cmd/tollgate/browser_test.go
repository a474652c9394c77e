package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/hooks"
	"tollgate/sipctl/siptest"
)

// TestBrowser drives the web interface in a real browser (admin/ui/e2e) against the real program, with real calls: `make
// browser`. TOLLGATE_BROWSER is 1, or arguments for Playwright such as "e2e/rates.spec.ts --repeat-each=3".
func TestBrowser(t *testing.T) {
	arguments := os.Getenv("TOLLGATE_BROWSER")
	if arguments == "" {
		t.Skip("make browser runs this")
	}
	ui := filepath.Join(repository, "admin", "ui")
	t.Cleanup(func() { sayBrowserFailures(t, ui) })
	o := newOffice(t, "")
	o.call("POST", "/dial-rules", map[string]any{"position": 2, "prefix": "8", "strip": 1, "trunks": []string{"FXO-1"}}, nil, 201)
	switchboard := httptest.NewServer(&switchboard{office: o, hooks: hooks.New(o.store().Client), phones: map[string]*siptest.Phone{}, calls: map[string]*siptest.Call{}})
	t.Cleanup(switchboard.Close)
	playwright := []string{"playwright", "test"}
	if arguments != "1" {
		playwright = append(playwright, strings.Fields(arguments)...)
	}
	expired := expiredNode(t)
	run := exec.Command("npx", playwright...)
	run.Dir, run.Stdout, run.Stderr = ui, os.Stdout, os.Stderr
	run.Env = append(cleanEnvironment(), "UI_URL="+o.api, "UI_PASSWORD="+adminPassword, "UI_SWITCHBOARD="+switchboard.URL, "UI_EXPIRED_URL="+expired.api, "UI_EXPIRED_USER="+expired.user, "UI_EXPIRED_PASSWORD="+expired.password, "UI_EXPIRED_LICENSE="+expired.licence)
	if err := run.Run(); err != nil {
		t.Fatalf("the browser tests failed (traces and pictures: %s): %v", filepath.Join(ui, "test-results"), err)
	}
}

// expiredOffice is an installation whose trial is over, the billing manager who may not sign in there, and a licence for it.
type expiredOffice struct{ api, user, password, licence string }

func expiredNode(t *testing.T) expiredOffice {
	t.Helper()
	n := trialNode(t, "late")
	n.call("PUT", "/billing", map[string]any{"active": true}, nil, 200)
	var manager struct{ Username, Password string }
	n.call("POST", "/managers", map[string]any{"role": "manager"}, &manager, 201)
	licence := n.licence()
	n.at(31 * 24 * time.Hour)
	return expiredOffice{n.api, manager.Username, manager.Password, licence}
}

// switchboard lets the browser tests make real calls and see their SIP side.
//
//	POST   /calls?from=101&to=988360046   places a call, answers {"id"}
//	GET    /calls/ID                      {"state": "calling|talking|ended|refused", "code", "ended_by", "reason"}
//	DELETE /calls/ID                      the caller hangs up
//	POST   /dead-letters                  a delivery to https://hooks.example/gone was tried for a day
type switchboard struct {
	office *office
	hooks  *hooks.Queue

	mu     sync.Mutex
	phones map[string]*siptest.Phone
	calls  map[string]*siptest.Call
}

func (s *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if r.URL.Path == "/dead-letters" {
		s.bury(ctx, w)
		return
	}
	if r.Method == http.MethodPost {
		from := r.URL.Query().Get("from")
		if s.phones[from] == nil {
			s.phones[from] = s.office.newPhone(from)
		}
		call := s.phones[from].Call(r.URL.Query().Get("to"))
		id := fmt.Sprint(len(s.calls) + 1)
		s.calls[id] = call
		answer(w, map[string]any{"id": id})
		return
	}
	call := s.calls[filepath.Base(r.URL.Path)]
	if call == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodDelete {
		if _, err := call.Bye(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
	}
	answer(w, stateOf(call))
}

// bury leaves what the courier leaves of a recharge that nobody would hear of for a day.
func (s *switchboard) bury(ctx context.Context, w http.ResponseWriter) {
	began := time.Now().Add(-25 * time.Hour)
	event, err := rating.NewEvent(fmt.Sprint("recharge-", time.Now().UnixNano()), rating.Recharged, began, map[string]any{"extension": rich})
	if err == nil {
		err = s.hooks.Put(ctx, event, []string{"https://hooks.example/gone"})
	}
	if err == nil { // before the courier looks, which forgets what no webhook wants
		err = s.hooks.Bury(ctx, rating.Delivery{ID: event.ID + "-0", URL: "https://hooks.example/gone", Event: event, Attempts: 31, FirstAt: began, LastAt: time.Now(), LastError: "410 Gone"})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{})
}

// stateOf says what the caller's phone knows of its call, without waiting for anything.
func stateOf(call *siptest.Call) map[string]any {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	state := map[string]any{"state": "calling"}
	if final, err := call.Final(now); err == nil {
		state["code"] = final.Code
		state["state"] = "talking"
		if final.Code >= 300 {
			state["state"] = "refused"
			return state
		}
	}
	if end, err := call.Ended(now); err == nil {
		state["state"], state["ended_by"], state["reason"] = "ended", fmt.Sprint(end.By), end.Reason
	}
	return state
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the test is gone: nobody to tell
}
