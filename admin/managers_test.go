package admin_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/rating"
)

// hired is a user that was made through the API.
type hired struct{ name, password string }

func (w *world) hire(role rating.Role) hired {
	w.t.Helper()
	r := w.do("POST", "/managers", object{"role": role})
	r.expect(w.t, "hired", 201, object{"role": role})
	return hired{r.body["username"].(string), r.body["password"].(string)}
}

func TestManagersComeAndGo(t *testing.T) {
	w := newWorld(t)
	made := w.do("POST", "/managers", nil) // whoever sends nothing gets a manager
	made.expect(t, "made", 201, object{"role": "manager"})
	name, password := made.body["username"].(string), made.body["password"].(string)
	if !regexp.MustCompile(`^bill-[a-z0-9]{3}$`).MatchString(name) || len(password) < 16 {
		t.Errorf("user %q, password %q", name, password)
	}
	viewer := w.hire(rating.Viewer)
	all := w.do("GET", "/managers", nil)
	all.expect(t, "the list", 200, object{"total": 2, "items.0.password": "(no such field)"})
	if strings.Contains(all.text, password) || strings.Contains(all.text, "argon2") || strings.Contains(all.text, `"admin"`) {
		t.Errorf("the list shows too much: %s", all.text)
	}
	w.do("GET", "/managers?q="+viewer.name, nil).expect(t, "found", 200, object{"total": 1, "items.0.username": viewer.name, "items.0.role": "viewer"})

	session := w.login(name, password)
	w.send("GET", "/api/v1/extensions", nil, bearer(session)).expect(t, "a manager sees extensions", 200, nil)
	w.send("GET", "/api/v1/managers", nil, bearer(session)).problem(t, "and no managers", 403, "forbidden")
	w.do("DELETE", "/managers/"+name, nil).expect(t, "gone", 204, nil)
	w.send("GET", "/api/v1/extensions", nil, bearer(session)).problem(t, "the session has ended", 401, "unauthenticated")
	w.send("POST", "/api/v1/login", object{"username": name, "password": password}).problem(t, "and the name opens nothing", 401, "unauthenticated")
	w.as(rating.Admin, "DELETE", "/managers/"+name, nil).problem(t, "twice", 404, "not-found")
	for _, body := range []any{object{"role": "admin"}, object{"role": "root"}, object{"username": "bill-abc"}} {
		w.as(rating.Admin, "POST", "/managers", body).problem(t, "not to be had", 422, "validation")
	}
}

func TestTheAdministratorSetsPasswords(t *testing.T) {
	w := newWorld(t)
	m := w.hire(rating.Manager)
	session := w.login(m.name, m.password)
	r := w.do("PUT", "/managers/"+m.name+"/password", object{"password": "chosen by hand"})
	r.expect(t, "set", 200, object{"username": m.name, "password": "(no such field)"})
	w.send("GET", "/api/v1/me", nil, bearer(session)).problem(t, "the session has ended", 401, "unauthenticated")
	w.send("POST", "/api/v1/login", object{"username": m.name, "password": m.password}).problem(t, "the old password", 401, "unauthenticated")
	w.login(m.name, "chosen by hand")
	random := w.do("PUT", "/managers/"+m.name+"/password", nil).body["password"].(string)
	w.login(m.name, random)
	w.as(rating.Admin, "PUT", "/managers/"+m.name+"/password", object{"password": "seven77"}).problem(t, "short", 422, "validation", "body.password")
	w.withAdmin()
	w.as(rating.Admin, "PUT", "/managers/admin/password", object{"password": "taken over"}).problem(t, "the administrator is no manager", 404, "not-found")
	w.as(rating.Admin, "DELETE", "/managers/admin", nil).problem(t, "and cannot be deleted", 404, "not-found")
}

func TestASessionThatBeganWithAnOldPasswordOpensNothing(t *testing.T) {
	w := newWorld(t)
	m := w.hire(rating.Manager)
	w.login(m.name, m.password)
	user, err := w.catalog.User(t.Context(), m.name)
	if err != nil {
		t.Fatal(err)
	}
	token := w.login(m.name, m.password)
	user.PasswordHash += "A" // changed between the check of a log-in and its session: nobody ended that session
	if err := w.catalog.PutUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	w.send("GET", "/api/v1/me", nil, bearer(token)).problem(t, "with a password of before", 401, "unauthenticated")
}

func TestTokensOfAUserEndWithTheUser(t *testing.T) {
	w := newWorld(t)
	m := w.hire(rating.Manager)
	hash := strings.Repeat("ab", 32)
	if err := w.catalog.PutToken(t.Context(), rating.Token{ID: hash[:16], Hash: hash, Name: "theirs", Role: rating.Viewer, CreatedAt: time.Now(), CreatedBy: m.name}); err != nil {
		t.Fatal(err)
	}
	w.do("DELETE", "/managers/"+m.name, nil)
	w.do("GET", "/tokens?q=theirs", nil).expect(t, "their tokens", 200, object{"total": 0})
}
