package rating

import (
	"errors"
	"strings"
	"testing"
)

func TestNormalizeNumber(t *testing.T) {
	for in, want := range map[string]string{
		"988360046": "988360046", "+49(0)30-1234.5": "+490301234.5", "%2B4930": "+4930", "*43#": "*43#", "9 88%2036": "98836", "%30%30": "00",
	} {
		if got, err := NormalizeNumber(in); err != nil || got != strings.ReplaceAll(want, ".", "") {
			t.Errorf("NormalizeNumber(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "+", "++1", "1+1", "1;ext=5", "%3B1", "12,3", "12p", "alice", "１２", "1%00", "1%0d%0a2", "%zz", "%2", "tel:1", strings.Repeat("1", 41), strings.Repeat("-", 500)} {
		if got, err := NormalizeNumber(in); !errors.Is(err, ErrBadNumber) {
			t.Errorf("NormalizeNumber(%q) = %q, %v; want ErrBadNumber", shorten(in), got, err)
		}
	}
}

func FuzzNormalizeNumber(f *testing.F) {
	for _, s := range []string{"988360046", "+49(0)30", "%2B49", "1;x=y", "%", "\x00", "*#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := NormalizeNumber(s)
		if err != nil {
			return
		}
		if again, err := NormalizeNumber(n); err != nil || again != n || !ValidNumber(n) {
			t.Fatalf("%q became %q, and that %q, %v", s, n, again, err)
		}
	})
}
