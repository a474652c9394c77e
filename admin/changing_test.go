package admin

import (
	"encoding/json"
	"testing"
)

func TestWhatIsAboutToChangeIsNamedAndHasNoSecret(t *testing.T) {
	for _, c := range []struct{ object, body, named, kept string }{
		{"extension", `{"number":"101","sip_password":"hunter2"}`, "extension 101", `{"number":"101","sip_password":"(set)"}`},
		{"extension", `{"numbers":["101","102"],"set":{"sip_password":""}}`, "extension 101, 102", `{"numbers":["101","102"],"set":{"sip_password":""}}`},
		{"extension 7", `{"credit":"1"}`, "extension 7", `{"credit":"1"}`},
		{"recharge", `{"extensions":["101"],"amount":"1"}`, "extension 101", `{"amount":"1","extensions":["101"]}`},
		{"rate", `{"extensions":["101"]}`, "rate", `{"extensions":["101"]}`},
		{"settings", `{"webhooks":[{"url":"u","secret":"hunter2"}]}`, "settings", `{"webhooks":[{"secret":"(set)","url":"u"}]}`},
		{"user admin", `{"old_password":"hunter2","new_password":"hunter3"}`, "user admin", `{"new_password":"(set)","old_password":"(set)"}`},
		{"token", `{}`, "token", `{}`},
		{"billing", `null`, "billing", `{}`},
	} {
		in := struct{ Body edit[extension] }{}
		if err := json.Unmarshal([]byte(c.body), &in.Body); err != nil {
			t.Fatal(err)
		}
		body := asked(&in)
		if got, kept := named(c.object, body), string(asJSON(body)); got != c.named || kept != c.kept {
			t.Errorf("%s %s: %s %s", c.object, c.body, got, kept)
		}
	}
}
