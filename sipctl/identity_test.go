package sipctl

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/rating"
)

func TestCallerOf(t *testing.T) {
	from := `From: "Bob" <sip:101@pbx.example.com>`
	pai := func(values ...string) string {
		message := plainInvite
		for _, v := range values {
			message = added(message, "P-Asserted-Identity: "+v)
		}
		return message
	}
	for _, c := range []struct {
		sentence string
		identity string
		message  string
		want     string // "" = refused
	}{
		{"the user of From", "from", plainInvite, "101"},
		{"percent-decoded", "from", edited(plainInvite, from, "From: <sip:%31%30%36@pbx>"), "106"},
		{"without visual separators", "from", edited(plainInvite, from, "From: <sip:(030)1-0.6@pbx>"), "030106"},
		{"with its plus", "from", edited(plainInvite, from, "From: <sip:+49-30-106@pbx>"), "+4930106"},
		{"without parameters of the number", "from", edited(plainInvite, from, "From: <sip:106;phone-context=pbx@pbx>"), "106"},
		{"a name keeps its dots and dashes", "from", edited(plainInvite, from, "From: <sip:front-desk.1@pbx>"), "front-desk.1"},
		{"a tel URI", "from", edited(plainInvite, from, "From: <tel:+4930-106;isub=1>"), "+4930106"},
		{"no user at all", "from", edited(plainInvite, from, "From: <sip:pbx>"), ""},
		{"a user that is no extension", "from", edited(plainInvite, from, "From: <sip:a%20b%22@pbx>"), ""},
		{"NUL in it", "from", edited(plainInvite, from, "From: <sip:101%00@pbx>"), ""},
		{"a bad escape", "from", edited(plainInvite, from, "From: <sip:10%1@pbx>"), ""},
		{"an endless one", "from", edited(plainInvite, from, "From: <sip:"+strings.Repeat("1", 200)+"@pbx>"), ""},

		{"the asserted identity, not From", "pai", pai("<sip:106@pbx>"), "106"},
		{"the first of a list", "pai", pai(`"Bob, B" <sip:106@pbx>, <tel:+49>`), "106"},
		{"the first that is a telephone's", "pai", pai("<urn:x:y>", "<tel:+49.30>"), "+4930"},
		{"in any letters of the name", "pai", strings.Replace(pai("sips:106@pbx"), "P-Asserted-Identity", "p-asserted-IDENTITY", 1), "106"},
		{"none", "pai", plainInvite, ""},
		{"one that cannot be read", "pai", pai("<sip:106@pbx"), ""},
		{"none of a telephone", "pai", pai("<urn:x:y>"), ""},

		{"a header of the peer's", "header:X-Account", added(plainInvite, "x-account:  106 "), "106"},
		{"with separators", "header:X-Account", added(plainInvite, "X-Account: 1-06"), "106"},
		{"not there", "header:X-Account", plainInvite, ""},
		{"there twice", "header:X-Account", added(added(plainInvite, "X-Account: 106"), "X-Account: 107"), ""},
		{"not a list", "header:X-Account", added(plainInvite, "X-Account: 106, 107"), ""},

		{"a fixed account, whoever calls", "account:900", plainInvite, "900"},
		{"no such mode", "rpid", plainInvite, ""},
	} {
		p := peer{trusted: &Trusted{Identity: c.identity}}
		got, err := callerOf(p, parse(t, c.message).(*sip.Request))
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, rating.ErrUnknownExtension) {
			t.Errorf("%s: got %q, %v", c.sentence, got, err)
		}
	}
	if got, err := callerOf(peer{}, parse(t, plainInvite).(*sip.Request)); got != "" || !errors.Is(err, rating.ErrUnknownExtension) {
		t.Errorf("of a stranger: got %q, %v", got, err)
	}
}

func TestIdentityHeader(t *testing.T) {
	for identity, want := range map[string]string{"header:X-Account": "x-account", "from": "", "account:1": ""} {
		if got := identityHeader(peer{trusted: &Trusted{Identity: identity}}); got != want {
			t.Errorf("%s: got %q", identity, got)
		}
	}
	if identityHeader(peer{}) != "" {
		t.Error("a stranger's header is one")
	}
}

func TestCheckTrusted(t *testing.T) {
	network := netip.MustParsePrefix("192.0.2.10/32")
	for identity, good := range map[string]bool{"from": true, "pai": true, "header:X-Account": true, "account:900": true,
		"": false, "From": false, "header:": false, "header:X Account": false, "header:Via": false, "header:v": false, "header:P-Asserted-Identity": false,
		"account:": false, "account:a b": false, "rpid": false} {
		if err := checkTrusted([]Trusted{{Net: network, Identity: identity}}); (err == nil) != good {
			t.Errorf("identity %q: %v", identity, err)
		}
	}
	if checkTrusted([]Trusted{{Identity: "from"}}) == nil {
		t.Error("a peer without a network is taken")
	}
}
