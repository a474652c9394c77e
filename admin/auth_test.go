package admin_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"tollgate/admin"
	"tollgate/rating"
)

// login logs in and returns the token.
func (w *world) login(user, password string) string {
	w.t.Helper()
	r := w.send("POST", "/api/v1/login", object{"username": user, "password": password})
	if r.status != 200 {
		w.t.Fatalf("log-in: %d %s", r.status, r.text)
	}
	return r.body["token"].(string)
}

// withAdmin makes the user admin, with a hash that is cheap to check.
func (w *world) withAdmin() {
	w.t.Helper()
	key := argon2.IDKey([]byte(adminPassword), []byte("saltsalt"), 1, 64, 1, 32)
	encode := base64.RawStdEncoding.EncodeToString
	err := w.catalog.PutUser(w.t.Context(), rating.User{Name: admin.AdminUser, Role: rating.Admin, CreatedAt: time.Now(),
		PasswordHash: "$argon2id$v=19$m=64,t=1,p=1$" + encode([]byte("saltsalt")) + "$" + encode(key)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func bearer(token string) header { return header("Authorization: Bearer " + token) }

func TestFirstStartMakesTheAdministrator(t *testing.T) {
	w := newWorld(t)
	generated, err := admin.EnsureAdmin(t.Context(), w.catalog, "")
	if err != nil || len(generated) < 16 {
		t.Fatalf("generated %q, %v", generated, err)
	}
	w.login("admin", generated)
	if again, err := admin.EnsureAdmin(t.Context(), w.catalog, "another password"); err != nil || again != "" {
		t.Errorf("the second start made %q, %v", again, err)
	}
	w.login("admin", generated)
	if err := admin.SetPassword(t.Context(), w.catalog, "admin", "short"); err == nil {
		t.Error("a short password was taken")
	}
	if err := admin.SetPassword(t.Context(), w.catalog, "nobody", "long enough"); err == nil {
		t.Error("a stranger got a password")
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	r := w.send("POST", "/api/v1/login", object{"username": "admin", "password": adminPassword})
	r.expect(t, "log-in", 200, object{"role": "admin", "username": "admin"})
	if until, err := time.Parse(time.RFC3339, fmt.Sprint(r.body["expires_at"])); err != nil || time.Until(until) < 11*time.Hour {
		t.Errorf("expires_at %v, %v", r.body["expires_at"], err)
	}
	cookie := r.header.Get("Set-Cookie")
	for _, part := range []string{"tollgate=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	token := r.body["token"].(string)
	if len(token) != 43 {
		t.Errorf("a token of %d characters is not 256 bits", len(token))
	}
	if _, err := w.catalog.Session(t.Context(), token); err == nil {
		t.Error("the token itself is stored")
	}
	value, _, _ := strings.Cut(cookie, ";")
	w.send("GET", "/api/v1/me", nil, header("Cookie: "+value)).expect(t, "by cookie", 200, object{"username": "admin", "role": "admin"})
	w.send("GET", "/api/v1/me", nil, bearer(token)).expect(t, "by token", 200, object{"username": "admin"})
	w.send("GET", "/api/v1/me", nil).problem(t, "by nothing", 401, "unauthenticated")
	w.send("GET", "/api/v1/me", nil, bearer(token+"x")).problem(t, "by a wrong token", 401, "unauthenticated")
	w.send("GET", "/api/v1/me", nil, header("Cookie: "+value), "Authorization: Basic YWRtaW46YWRtaW4=").problem(t, "by another scheme, whatever the cookie", 401, "unauthenticated")
	w.send("POST", "/api/v1/logout", nil, bearer(token)).expect(t, "log-out", 204, nil)
	w.send("GET", "/api/v1/me", nil, bearer(token)).problem(t, "after log-out", 401, "unauthenticated")
	w.send("GET", "/api/v1/me", nil, header("Cookie: "+value)).problem(t, "the cookie neither", 401, "unauthenticated")
}

// A proxy that speaks TLS to browsers says so; others may say what they like.
func TestACookieThatCameByTLSGoesByTLSOnly(t *testing.T) {
	for name, c := range map[string]struct {
		proxies string
		headers []header
		secure  bool
	}{
		"by a proxy with TLS":            {"127.0.0.0/8", []header{"X-Forwarded-Proto: https"}, true},
		"by one behind a proxy with TLS": {"127.0.0.0/8", []header{"X-Forwarded-Proto: https, http"}, true},
		"by a proxy without TLS":         {"127.0.0.0/8", []header{"X-Forwarded-Proto: http"}, false},
		"by a proxy that says nothing":   {"127.0.0.0/8", nil, false},
		"by somebody who says he is one": {"192.0.2.0/24", []header{"X-Forwarded-Proto: https"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, func(config *admin.Config) { config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(c.proxies)} })
			w.withAdmin()
			r := w.send("POST", "/api/v1/login", object{"username": "admin", "password": adminPassword}, c.headers...)
			if got := strings.Contains(r.header.Get("Set-Cookie"), "; Secure"); got != c.secure {
				t.Errorf("the cookie is %q", r.header.Get("Set-Cookie"))
			}
		})
	}
}

func TestWrongPasswordAndUnknownUserAreAnsweredAlike(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	wrong := w.send("POST", "/api/v1/login", object{"username": "admin", "password": "wrong password"})
	unknown := w.send("POST", "/api/v1/login", object{"username": "stranger", "password": "wrong password"})
	wrong.problem(t, "wrong password", 401, "unauthenticated")
	if wrong.text != unknown.text {
		t.Errorf("wrong password %s, unknown user %s", wrong.text, unknown.text)
	}
}

// behindProxies believes what tests say about where they come from.
func behindProxies(c *admin.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// TestAnUnknownUserTakesAsLongAsAWrongPassword compares medians of log-ins that alternate. Without the work for an unknown
// user they differ by a factor of twenty; the machine's moods are not that large, and get three chances.
func TestAnUnknownUserTakesAsLongAsAWrongPassword(t *testing.T) {
	w := newWorldWith(t, func(c *admin.Config) {
		behindProxies(c)
		c.PasswordCost = admin.PasswordCost{} // as in earnest: it is what takes the time
	})
	known := w.hire(rating.Manager).name
	attempt := func(i int, user string) time.Duration {
		from := header(fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i)) // so that nobody is slowed down
		began := time.Now()
		w.send("POST", "/api/v1/login", object{"username": user, "password": "wrong password"}, from).problem(t, user, 401, "unauthenticated")
		return time.Since(began)
	}
	var ratio float64
	for try := range 3 {
		var wrong, unknown []time.Duration
		for i := range 9 {
			wrong = append(wrong, attempt(try*18+2*i, known))
			unknown = append(unknown, attempt(try*18+2*i+1, "bill-000"))
		}
		slices.Sort(wrong)
		slices.Sort(unknown)
		if ratio = float64(wrong[4]) / float64(unknown[4]); ratio > 0.5 && ratio < 2 {
			return
		}
	}
	t.Errorf("a wrong password takes %.2f times as long as an unknown user", ratio)
}

func TestBehindAProxyEverybodyIsSlowedDownAlone(t *testing.T) {
	w := newWorldWith(t, behindProxies)
	w.withAdmin()
	guess := func(from string) reply {
		return w.send("POST", "/api/v1/login", object{"username": "admin", "password": "wrong password"}, header("X-Forwarded-For: "+from))
	}
	for i := range 6 {
		if r := guess(fmt.Sprintf("203.0.113.%d, 198.51.100.7", i)); i == 5 { // what the client has written changes nothing
			r.problem(t, "one guess too many", 429, "throttled")
		}
	}
	guess("198.51.100.8").problem(t, "somebody else", 401, "unauthenticated")
	w.do("GET", "/audit-log?per_page=1&q=log-in-failed", nil).expect(t, "in the audit log", 200, object{"items.0.address": "198.51.100.8"})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	for i := range 8 {
		r := w.send("POST", "/api/v1/login", object{"username": "admin", "password": "wrong password"}, header(fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)))
		if i < 5 {
			r.problem(t, "a guess", 401, "unauthenticated")
			continue
		}
		r.problem(t, "one guess too many", 429, "throttled")
		if r.header.Get("Retry-After") == "" {
			t.Error("nothing says how long to wait")
		}
	}
	w.send("POST", "/api/v1/login", object{"username": "admin", "password": adminPassword}).problem(t, "the right one too", 429, "throttled")
}

func TestPassword(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	mine, other := w.login("admin", adminPassword), w.login("admin", adminPassword)
	w.send("PUT", "/api/v1/me/password", object{"old_password": "wrong one", "new_password": "another password"}, bearer(mine)).problem(t, "wrong old password", 422, "validation", "body.old_password")
	w.send("PUT", "/api/v1/me/password", object{"old_password": adminPassword, "new_password": "seven77"}, bearer(mine)).problem(t, "short new password", 422, "validation", "body.new_password")
	w.send("PUT", "/api/v1/me/password", object{"old_password": adminPassword, "new_password": "eight888"}, bearer(mine)).expect(t, "changed", 200, object{"username": "admin"})
	w.send("GET", "/api/v1/me", nil, bearer(mine)).expect(t, "the session goes on", 200, nil)
	w.send("GET", "/api/v1/me", nil, bearer(other)).problem(t, "the others do not", 401, "unauthenticated")
	w.send("POST", "/api/v1/login", object{"username": "admin", "password": adminPassword}).problem(t, "the old one", 401, "unauthenticated")
	w.login("admin", "eight888")
	w.as(rating.Viewer, "PUT", "/me/password", object{"old_password": adminPassword, "new_password": "eight888"}).problem(t, "a token has none", 403, "forbidden")
}

func TestRolesAreThoseOfToday(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	token := w.login("admin", adminPassword)
	w.send("GET", "/api/v1/trunks", nil, bearer(token)).expect(t, "as administrator", 200, nil)
	user, err := w.catalog.User(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	user.Role = rating.Viewer
	if err := w.catalog.PutUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	w.send("GET", "/api/v1/trunks", nil, bearer(token)).problem(t, "as viewer", 403, "forbidden")
	if err := w.catalog.DeleteUser(t.Context(), "admin"); err != nil {
		t.Fatal(err)
	}
	w.send("GET", "/api/v1/me", nil, bearer(token)).problem(t, "as nobody", 401, "unauthenticated")
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	made := w.do("POST", "/tokens", object{"name": "reporting", "role": "viewer"})
	made.expect(t, "a new token", 201, object{"name": "reporting", "role": "viewer", "expires_at": nil, "created_by": "token admin"})
	secret := made.body["token"].(string)
	w.send("GET", "/api/v1/me", nil, bearer(secret)).expect(t, "it works", 200, object{"username": "token reporting", "role": "viewer"})
	list := w.do("GET", "/tokens?q=report", nil)
	list.expect(t, "the list", 200, object{"total": 1, "items.0.id": made.body["id"], "items.0.token": "(no such field)"})
	if strings.Contains(list.text, secret) {
		t.Error("the secret is shown twice")
	}
	w.do("DELETE", fmt.Sprint("/tokens/", made.body["id"]), nil).expect(t, "withdrawn", 204, nil)
	w.send("GET", "/api/v1/me", nil, bearer(secret)).problem(t, "it works no more", 401, "unauthenticated")
	w.as(rating.Admin, "DELETE", "/tokens/none", nil).problem(t, "one that is not there", 404, "not-found")
	w.as(rating.Admin, "POST", "/tokens", object{"name": "late", "role": "viewer", "expires_at": "2019-05-31T00:00:00Z"}).problem(t, "expired from the start", 422, "validation", "body.expires_at")
	w.as(rating.Admin, "POST", "/tokens", object{"name": "x", "role": "root"}).problem(t, "a role that is none", 422, "validation", "body.role")
	soon := w.do("POST", "/tokens", object{"name": "soon", "role": "viewer", "expires_at": time.Now().Add(300 * time.Millisecond)}).body["token"].(string)
	for deadline := time.Now().Add(5 * time.Second); w.send("GET", "/api/v1/me", nil, bearer(soon)).status != http.StatusUnauthorized; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the token outlives its expiry")
		}
	}
}

func TestOtherSitesCannotActForALoggedInBrowser(t *testing.T) {
	w := newWorld(t)
	w.withAdmin()
	cookie := header("Cookie: tollgate=" + w.login("admin", adminPassword))
	body := object{"number": "101"}
	for name, headers := range map[string][]header{
		"another origin":           {"Origin: https://evil.example"},
		"another site":             {"Sec-Fetch-Site: cross-site"},
		"a sibling site":           {"Sec-Fetch-Site: same-site"},
		"an origin that is hidden": {"Origin: null"},
	} {
		w.send("POST", "/api/v1/extensions", body, append(headers, cookie)...).problem(t, name, 403, "forbidden")
	}
	w.send("GET", "/api/v1/extensions", nil, cookie).expect(t, "nothing was done", 200, object{"total": 0})
	w.send("POST", "/api/v1/extensions", body, cookie, header("Origin: "+w.url)).expect(t, "our own page", 201, nil)
}
