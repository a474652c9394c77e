package sipctl

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/sipctl/grammar"
)

func TestSameTarget(t *testing.T) {
	for _, c := range []struct {
		uri, target string
		same        bool
	}{
		{"sip:91@gw", "sip:91@gw", true},
		{"sip:91@gw;transport=udp;transport=udp", "sip:91@gw;transport=udp", true}, // as baresip writes it
		{"sip:91@gw", "sip:91@gw;user=phone", true},
		{"sip:91@GW", "sip:91@gw", true},
		{"sip:gw", "sip:gw", true},
		{"sip:91@gw:5060", "sip:91@gw", false},
		{"sips:91@gw", "sip:91@gw", false},
		{"sip:92@gw", "sip:91@gw", false},
		{"sip:gw", "sip:91@gw", false},
		{"sip:91;x=1@gw", "sip:91@gw", false},
		{"sip:91%32@gw", "sip:912@gw", false},
		{"sip:91@gw2", "sip:91@gw", false},
		{"sip:91@gw?Subject=x", "sip:91@gw", false},
		{"sip:91:secret@gw", "sip:91@gw", false},
		{"91@gw", "sip:91@gw", false},
		{"sip:91@gw;x=@gw", "sip:91@gw", false},
		{"sip:0[::1]:5060", "sip:[::1]:5060", false},
		{"*", "sip:91@gw", false},
		{"", "sip:91@gw", false},
	} {
		var target sip.Uri
		if err := sip.ParseUri(c.target, &target); err != nil {
			t.Fatal(err)
		}
		if got := sameTarget(c.uri, &target); got != c.same {
			t.Errorf("%s for %s: %v, want %v", c.uri, c.target, got, c.same)
		}
	}
}

// FuzzSameTarget: whatever text passes for another, the parser finds the same number and the same host in both.
func FuzzSameTarget(f *testing.F) {
	f.Add("sip:91@gw;transport=udp", "sip:91@GW")
	f.Add("sip:91;x=1@gw:5060", "sip:91@gw:5060;user=phone")
	f.Add("sip:a@b@c;d", "sip:a%40b@c;e")
	f.Add("sip:[::1]:5060;lr", "sip:[::1]:5060")
	f.Add("sip:0[::1]:5060", "sip:[::1]:5060") // the parser takes them for equal
	f.Fuzz(func(t *testing.T, uri, of string) {
		var target, own sip.Uri
		if sip.ParseUri(of, &target) != nil || grammar.CheckURI(&target) != nil || target.Scheme != "sip" || !sameTarget(uri, &target) {
			return
		}
		if uri == target.String() {
			return
		}
		if err := sip.ParseUri(uri, &own); err != nil {
			return // no URI at all names nothing else either
		}
		if own.User != target.User || own.Password != target.Password || !strings.EqualFold(own.Host, target.Host) || own.Port != target.Port || len(own.Headers) > 0 {
			t.Fatalf("an answer for %q passes for %q", uri, of)
		}
	})
}
