package admin_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"tollgate/admin"
	"tollgate/license"
	"tollgate/rating"
)

// mayUse is who may use what, said a second time on purpose: a route that is not listed here fails the test.
var mayUse = map[string]string{
	"login": "anyone",

	"logout": "everyone", "get-me": "everyone", "put-password": "everyone",
	"list-extensions": "everyone", "get-extension": "everyone", "create-extension": "managers", "edit-extension": "managers", "edit-extensions": "managers", "delete-extension": "managers",
	"recharge": "managers", "preview-recharge": "everyone", "list-recharges": "everyone",
	"list-rates": "everyone", "get-rate": "everyone", "create-rate": "managers", "replace-rate": "managers", "edit-rate": "managers", "delete-rate": "managers", "quote": "everyone",
	"list-calls": "everyone", "get-call": "everyone", "list-active-calls": "everyone", "follow-calls": "everyone", "list-unrated": "everyone", "dashboard": "everyone", "import-extensions": "managers", "import-rates": "managers", "hang-up": "managers", "statistics": "everyone",
	"get-settings": "everyone", "replace-settings": "managers", "get-billing": "admins", "replace-billing": "admins",
	"get-license-source": "admins", "upload-license": "admins",
	"list-trunks": "admins", "get-trunk": "admins", "create-trunk": "admins", "edit-trunk": "admins", "delete-trunk": "admins",
	"list-dial-rules": "admins", "get-dial-rule": "admins", "create-dial-rule": "admins", "edit-dial-rule": "admins", "delete-dial-rule": "admins", "test-dial-rules": "admins",
	"list-managers": "admins", "create-manager": "admins", "put-manager-password": "admins", "delete-manager": "admins",
	"list-audit-log": "admins", "list-dead-letters": "admins", "retry-dead-letter": "admins",
	"list-tokens": "admins", "create-token": "admins", "delete-token": "admins",
}

var rolesOf = map[string]map[rating.Role]bool{
	"anyone":   {"": true, rating.Viewer: true, rating.Manager: true, rating.Admin: true},
	"everyone": {rating.Viewer: true, rating.Manager: true, rating.Admin: true},
	"managers": {rating.Manager: true, rating.Admin: true},
	"admins":   {rating.Admin: true},
}

// whenOver is what changes something and may be done by the administrator all the same when the trial is over. What is
// not listed reads, or is license-expired. Of those with a star only a part may be done; other tests say which.
var whenOver = map[string]bool{
	"put-password": true, "logout": true, "hang-up": true, "edit-extension": true /* lock */, "edit-extensions": true, /* lock */
	"replace-settings": true, "replace-billing": true /* deactivate */, "upload-license": true,
	"create-trunk": true, "edit-trunk": true, "delete-trunk": true, "create-dial-rule": true, "edit-dial-rule": true, "delete-dial-rule": true,
	"create-manager": true, "put-manager-password": true, "delete-manager": true, "create-token": true, "delete-token": true, "retry-dead-letter": true,
}

// asksOnly are POSTs that read.
var asksOnly = map[string]bool{"preview-recharge": true, "quote": true, "test-dial-rules": true}

// operations of the published description: id, method, path.
func operations(t *testing.T) (all [][3]string) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(admin.OpenAPI("1"), &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method, op := range methods {
			all = append(all, [3]string{op.OperationID, strings.ToUpper(method), path})
		}
	}
	return all
}

// verdict is what somebody gets who uses an operation while a licence state holds; "" is in.
func verdict(id, method string, role rating.Role, expired bool) string {
	allowed := rolesOf[mayUse[id]][role]
	switch {
	case mayUse[id] == "anyone":
		return ""
	case role == "":
		return "unauthenticated"
	case expired && role != rating.Admin:
		return "license-expired"
	case !allowed:
		return "forbidden"
	case expired && method != "GET" && !asksOnly[id] && !whenOver[id]:
		return "license-expired"
	}
	return ""
}

func TestEveryOperationForEveryRoleInEveryLicenceState(t *testing.T) {
	for state, prepare := range map[string]func(*world){
		"inactive": func(*world) {},
		"trial":    func(w *world) { w.activate() },
		"expired":  func(w *world) { w.activate(); w.licence.pass(license.TrialLength) },
		"licensed": func(w *world) { w.activate(); w.licence.pass(license.TrialLength); w.upload(w.licence.device) },
	} {
		t.Run(state, func(t *testing.T) {
			w := newWorld(t)
			prepare(w)
			parameter := regexp.MustCompile(`\{[a-z]+\}`)
			for _, op := range operations(t) {
				id, method, path := op[0], op[1], op[2]
				if _, listed := mayUse[id]; !listed {
					t.Errorf("%s: nothing here says who may use it", id)
					continue
				}
				for _, role := range []rating.Role{"", rating.Viewer, rating.Manager, rating.Admin} {
					var headers []header
					if role != "" {
						headers = []header{bearer(w.tokens[role])}
					}
					var body any // one that no handler takes: it is refused before anything is done
					if method != "GET" && method != "DELETE" {
						body = `{"nonsense":1}`
					}
					r := w.send(method, parameter.ReplaceAllString(path, "7"), body, headers...)
					name := id + " as " + string(role)
					switch want := verdict(id, method, role, state == "expired"); {
					case want == "unauthenticated":
						r.problem(t, name, 401, want)
					case want != "":
						r.problem(t, name, 403, want)
					case r.status == 401 || r.status == 403 || r.status >= 500:
						t.Errorf("%s: %d %s", name, r.status, r.text)
					}
				}
			}
		})
	}
}
