package grammar

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestCheckURI(t *testing.T) {
	for _, c := range []struct {
		uri  string
		good bool
	}{
		{"sip:pbx.example.com", true},
		{"sip:101@192.0.2.1:5060", true},
		{"sips:101@[2001:db8::1]:5061;transport=tls", true},
		{"sip:+49-30-(12)34@pbx", true},
		{"sip:*21#@pbx", true},
		{"sip:%23101@pbx", true},
		{"sip:user;par=u%40example.net@example.com", true},
		{"sip:a_b-c.d@my_pbx", true},
		{"sip:101:secret@pbx", true},
		{"sip:101@pbx?Subject=x", true},
		{"tel:+4930123", true},
		{"urn:service:sos", true},
		{"sip:101@", false},
		{"sip:101@pbx:0x1", false},
		{"sip:101@pbx:70000", false},
		{"sip:101@pbx:-5", false},
		{"sip://101@pbx", false},
		{"sip:1 1@pbx", false},
		{"sip:1<1@pbx", false},
		{"sip:1\x001@pbx", false},
		{"sip:é@pbx", false},
		{"sip:101@p bx", false},
		{"sip:101@pbx>", false},
		{"sip:101@[::1", false},
		{"sip:101@[zz]", false},
		{"sip:101@pbx;=x", false},
		{"sip:101@pbx;a=\"b\"", false},
		{"sip:101@pbx?a=b c", false},
		{"*", false},
		{"isbn:12 34", false},
	} {
		var u sip.Uri
		err := sip.ParseUri(c.uri, &u)
		if err == nil {
			err = CheckURI(&u)
		}
		if (err == nil) != c.good {
			t.Errorf("%q: %v", c.uri, err)
		}
	}
}
