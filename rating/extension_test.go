package rating

import "testing"

func TestUsernames(t *testing.T) {
	for _, tc := range []struct {
		name, username string
		good           bool
	}{
		{"none", "", true},
		{"letters of any script", "Jürgen 张伟 Ελένη", true},
		{"from right to left, with the joiner that Persian needs", "می\u200cخواهم", true},
		{"a family, which is several signs joined", "👨\u200d👩\u200d👧", true},
		{"a line break", "a\nb", false},
		{"a control character of ISO 8859", "a\u0085b", false},
		{"a line separator, which is a line break to some", "a\u2028b", false},
		{"text turned around: it would show another number behind it", "\u202e]601[x", false},
		{"text set apart and turned around", "\u2067x", false},
		{"a byte order mark, which hides what follows it", "\ufeff=1+1", false},
		{"a space that has no width", "Ann\u200b", false},
		{"no UTF-8", "\xff", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := NewExtension("101")
			e.Username = tc.username
			if err := e.Validate(); (err == nil) != tc.good {
				t.Errorf("%q: %v", tc.username, err)
			}
		})
	}
}

// A resource has an address, and these are no part of one (RFC 3986 §5.2.4): clients take them out before they ask.
func TestDotsAreNoNames(t *testing.T) {
	for _, name := range []string{".", ".."} {
		if NewExtension(name).Validate() == nil || validName(name) {
			t.Errorf("%q may be a name", name)
		}
		if !ValidExtension(name) {
			t.Errorf("the money of an extension %q that is there cannot be read", name)
		}
	}
	for _, name := range []string{"...", ".a", "1.1", "-"} {
		if NewExtension(name).Validate() != nil || !validName(name) {
			t.Errorf("%q may not be a name", name)
		}
	}
}

func TestAnAdjustmentSaysWhy(t *testing.T) {
	for note, good := range map[string]bool{"": false, "  \t\n": false, "\u00a0": false, "wrong amount": true} {
		r := Recharge{Key: "k", Amount: -1, Note: note, Payees: []Payee{{Extension: "101"}}}
		if err := r.Validate(); (err == nil) != good {
			t.Errorf("note %q: %v", note, err)
		}
	}
}
