package grammar

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		sentence string
		value    string
		display  string
		uri      string
		params   string // "!" = the value is refused
	}{
		{"a URI in brackets", "<sip:101@pbx.example.com>", "", "sip:101@pbx.example.com", ""},
		{"a quoted name", `"Bob" <sip:101@pbx>;tag=1`, "Bob", "sip:101@pbx", "tag=1"},
		{"an escaped quote stays escaped", `"J \"R\" \\" <sip:101@pbx>`, `J \"R\" \\`, "sip:101@pbx", ""},
		{"brackets and semicolons in quotes are text", `"<a>;b,c" <sip:101@pbx>`, "<a>;b,c", "sip:101@pbx", ""},
		{"a name of tokens", "Bob  Miller <sip:101@pbx>", "Bob Miller", "sip:101@pbx", ""},
		{"a name right before the bracket", "caller<sip:101@pbx>", "caller", "sip:101@pbx", ""},
		{"a backslash outside quotes is itself", `a\b <sip:101@pbx>`, `a\\b`, "sip:101@pbx", ""},
		{"spaces around everything", ` "Bob"  <sip:101@pbx> ; tag = 1 ; x `, "Bob", "sip:101@pbx", "tag=1;x"},
		{"parameter names in any case", "<sip:101@pbx>;TAG=aB;Expires=60", "", "sip:101@pbx", "tag=aB;expires=60"},
		{"without brackets parameters are the header's", "sip:101@pbx;tag=1", "", "sip:101@pbx", "tag=1"},
		{"with brackets those inside are the URI's", "<sip:101@pbx;user=phone>;tag=1", "", "sip:101@pbx;user=phone", "tag=1"},
		{"a quoted value keeps its quotes", `<sip:101@pbx>;+sip.instance="<urn:uuid:1>"`, "", "sip:101@pbx", `+sip.instance="<urn:uuid:1>"`},
		{"one with a space is quoted again", `<sip:101@pbx>;x="a b;c"`, "", "sip:101@pbx", `x="a b;c"`},
		{"an IPv6 value", "<sip:101@pbx>;received=[2001:db8::1]", "", "sip:101@pbx", "received=[2001:db8::1]"},
		{"empty parameters are skipped", "<sip:101@pbx>;;tag=1;", "", "sip:101@pbx", "tag=1"},
		{"a tel URI", "<tel:+4930123;phone-context=x>", "", "tel:+4930123;phone-context=x", ""},
		{"nothing", "", "", "", "!"},
		{"no URI", `"Bob"`, "", "", "!"},
		{"an open quote", `"Bob <sip:101@pbx>`, "", "", "!"},
		{"an open bracket", "<sip:101@pbx", "", "", "!"},
		{"text before a quoted name", `x "Bob" <sip:101@pbx>`, "", "", "!"},
		{"spaces in the brackets", "< sip:101@pbx >", "", "", "!"},
		{"a comma in an unquoted name", "Bell, Alexander <sip:101@pbx>", "", "", "!"},
		{"two addresses", "<sip:101@pbx>, <sip:102@pbx>", "", "", "!"},
		{"headers without brackets", "sip:101@pbx?Route=x", "", "", "!"},
		{"two tags", "<sip:101@pbx>;tag=1;TAG=2", "", "", "!"},
		{"text after the URI", "<sip:101@pbx> x", "", "", "!"},
		{"a parameter without a name", "<sip:101@pbx>;=1", "", "", "!"},
		{"a parameter with an empty value", "<sip:101@pbx>;tag=", "", "", "!"},
		{"a URI that is none", "<101>", "", "", "!"},
		{"a bad port", "<sip:101@pbx:99999>", "", "", "!"},
		{"a quote in the user part", `<sip:1"1@pbx>`, "", "", "!"},
	} {
		a, err := ParseAddress(c.value)
		if c.params == "!" {
			if err == nil {
				t.Errorf("%s: %q was taken", c.sentence, c.value)
			}
			continue
		}
		if err != nil || a.Display != c.display || a.URI.String() != c.uri || a.Params.ToString(';') != c.params {
			t.Errorf("%s: got %q, %q, %q, %v", c.sentence, a.Display, a.URI.String(), a.Params.ToString(';'), err)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	list, err := ParseAddresses(`"A, B" <sip:1@pbx>;x=1 , <tel:+2>,sip:3@pbx`)
	if err != nil || len(list) != 3 || list[0].Display != "A, B" || list[1].URI.Scheme != "tel" || list[2].URI.User != "3" {
		t.Errorf("got %+v, %v", list, err)
	}
	for _, bad := range []string{"", ",", "<sip:1@pbx>,", "<sip:1@pbx>,,<sip:2@pbx>"} {
		if list, err := ParseAddresses(bad); err == nil {
			t.Errorf("%q was taken as %+v", bad, list)
		}
	}
}

// Whatever a display name is made of, it is one quoted string, and reads back as the text.
func TestQuoteLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune(`ab"\<>;,é`+"\n\r\x00\x7f\u0085"))).Draw(t, "text")
		value := `"` + Quote(text) + `" <sip:101@pbx>`
		a, err := ParseAddress(value)
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if got, want := Unquote(a.Display), Clean(text); got != want {
			t.Fatalf("%q reads back as %q", want, got)
		}
		if HasControl(value) {
			t.Fatalf("%q has a control character", value)
		}
	})
}

// Parsing never panics, and what parses is written so that it parses to the same.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{`"J \"R\" \\" <sip:101@pbx;a=b?h=v>;tag=1;x="a b"`, "sip:1@[2001:db8::1]:5060;tag=x", `Bell, A <sip:a@b>`, "<tel:+1;x=y>", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a, err := ParseAddress(value)
		if err != nil || HasControl(value) || len(a.URI.Headers) > 0 { // which we never write
			return
		}
		var b strings.Builder
		b.WriteString(`"` + a.Display + `" <` + a.URI.String() + ">")
		if len(a.Params) > 0 {
			b.WriteString(";" + a.Params.ToString(';'))
		}
		again, err := ParseAddress(b.String())
		if err != nil || again.Display != a.Display || again.URI.String() != a.URI.String() || again.Params.ToString(';') != a.Params.ToString(';') {
			t.Fatalf("%q was written as %q, which is %+v, %v", value, b.String(), again, err)
		}
	})
}
