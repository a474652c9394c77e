package admin_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"tollgate/admin"
	"tollgate/rating"
)

// mayUse is who may use what, said a second time on purpose: a route that is not listed here fails the test.
var mayUse = map[string]string{
	"login": "anyone",

	"logout": "everyone", "get-me": "everyone", "put-password": "everyone",
	"list-extensions": "everyone", "get-extension": "everyone", "create-extension": "managers", "edit-extension": "managers", "edit-extensions": "managers", "delete-extension": "managers",
	"recharge": "managers", "preview-recharge": "everyone", "list-recharges": "everyone",
	"list-rates": "everyone", "get-rate": "everyone", "create-rate": "managers", "replace-rate": "managers", "edit-rate": "managers", "delete-rate": "managers", "quote": "everyone",
	"list-calls": "everyone", "get-call": "everyone", "list-active-calls": "everyone", "follow-calls": "everyone", "list-unrated": "everyone", "dashboard": "everyone", "hang-up": "managers", "statistics": "everyone",
	"get-settings": "everyone", "replace-settings": "managers", "get-billing": "admins", "replace-billing": "admins",
	"list-trunks": "admins", "get-trunk": "admins", "create-trunk": "admins", "edit-trunk": "admins", "delete-trunk": "admins",
	"list-dial-rules": "admins", "get-dial-rule": "admins", "create-dial-rule": "admins", "edit-dial-rule": "admins", "delete-dial-rule": "admins", "test-dial-rules": "admins",
	"list-managers": "admins", "create-manager": "admins", "put-manager-password": "admins", "delete-manager": "admins",
	"list-tokens": "admins", "create-token": "admins", "delete-token": "admins",
}

var rolesOf = map[string]map[rating.Role]bool{
	"anyone":   {"": true, rating.Viewer: true, rating.Manager: true, rating.Admin: true},
	"everyone": {rating.Viewer: true, rating.Manager: true, rating.Admin: true},
	"managers": {rating.Manager: true, rating.Admin: true},
	"admins":   {rating.Admin: true},
}

func TestEveryOperationForEveryRole(t *testing.T) {
	w := newWorld(t)
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(admin.OpenAPI("1"), &document); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	cells := 0
	for path, methods := range document.Paths {
		for method, op := range methods {
			who, listed := mayUse[op.OperationID]
			if !listed {
				t.Errorf("%s: nothing here says who may use it", op.OperationID)
				continue
			}
			for _, role := range []rating.Role{"", rating.Viewer, rating.Manager, rating.Admin} {
				var headers []header
				if role != "" {
					headers = []header{bearer(w.tokens[role])}
				}
				var body any // one that no handler takes: it is refused before anything is done
				if method != "get" && method != "delete" {
					body = `{"nonsense":1}`
				}
				r := w.send(strings.ToUpper(method), parameter.ReplaceAllString(path, "7"), body, headers...)
				name := op.OperationID + " as " + string(role)
				switch allowed := rolesOf[who][role]; {
				case !allowed && role == "":
					r.problem(t, name, 401, "unauthenticated")
				case !allowed:
					r.problem(t, name, 403, "forbidden")
				case r.status == 401 || r.status == 403 || r.status >= 500:
					t.Errorf("%s: %d %s", name, r.status, r.text)
				}
				cells++
			}
		}
	}
	if cells < 4*len(mayUse) {
		t.Errorf("only %d cells tried", cells)
	}
}
