package admin

import (
	"strings"
	"testing"
)

// contract is the table of the API that operators were promised: path, methods, and the status of success.
const contract = `
/login POST=200
/logout POST=204
/me GET=200
/me/password PUT=200
/extensions GET=200 POST=201 PATCH=200
/extensions/{number} GET=200 PATCH=200 DELETE=204
/extensions/import POST=200
/rates/import POST=200
/recharges GET=200 POST=201
/recharges/preview POST=200
/rates GET=200 POST=201
/rates/{id} GET=200 PUT=200 PATCH=200 DELETE=204
/rates/quote POST=200
/calls GET=200
/calls/{id} GET=200
/calls/unrated GET=200
/active-calls GET=200
/active-calls/{id} DELETE=204
/active-calls/events GET=200
/statistics GET=200
/dashboard GET=200
/settings GET=200 PUT=200
/trunks GET=200 POST=201
/trunks/{name} GET=200 PATCH=200 DELETE=204
/dial-rules GET=200 POST=201
/dial-rules/{id} GET=200 PATCH=200 DELETE=204
/dial-rules/test POST=200
/billing GET=200 PUT=200
/license/source GET=200
/managers GET=200 POST=201
/managers/{name} DELETE=204
/managers/{name}/password PUT=200
/tokens GET=200 POST=201
/tokens/{id} DELETE=204
/webhooks/dead-letters GET=200
/webhooks/dead-letters/{id}/retry POST=201
/audit-log GET=200`

func TestEveryRowOfTheContractIsThere(t *testing.T) {
	_, all := described(t)
	there := map[string]string{} // "METHOD path" → documented statuses
	for _, op := range all {
		var codes []string
		for code := range op.Responses {
			codes = append(codes, code)
		}
		there[op.Method+" "+strings.TrimPrefix(op.Path, apiBase)] = strings.Join(codes, " ")
	}
	versioned := map[string]bool{"/extensions/{number}": true, "/rates/{id}": true, "/trunks/{name}": true, "/dial-rules/{id}": true, "/settings": true, "/billing": true} // what has an ETag
	for row := range strings.Lines(strings.TrimSpace(contract)) {
		words := strings.Fields(row)
		for _, want := range words[1:] {
			method, status, _ := strings.Cut(want, "=")
			codes, ok := there[method+" "+words[0]]
			if !ok {
				t.Errorf("%s %s is not there", method, words[0])
				continue
			}
			expected := []string{status, "422", "503"}
			expected = append(expected, "401", "403")
			if strings.Contains(words[0], "{") {
				expected = append(expected, "404")
			}
			if method == "PATCH" || method == "PUT" {
				expected = append(expected, "400", "413")
			}
			if conditional := method == "PATCH" || method == "PUT" || method == "DELETE"; conditional && versioned[words[0]] {
				expected = append(expected, "412")
			}
			for _, code := range expected {
				if !strings.Contains(" "+codes+" ", " "+code+" ") {
					t.Error(method+" "+words[0], "does not say that it may answer", code, "but", codes)
				}
			}
		}
	}
}
