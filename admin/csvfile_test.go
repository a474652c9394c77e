package admin

import (
	"strings"
	"testing"
	"unicode"
)

// Some programs pass over spaces and marks that are not seen before they look for a formula.
func TestAFormulaIsHarmlessWhateverStandsBeforeIt(t *testing.T) {
	for _, before := range []string{"", " ", "   ", "\u00a0", "\u3000", "\u2003 ", "\ufeff", "\u200b", "\u00ad", "\u200e", ";", "a;", "a\t ", "a\n"} {
		for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
			text := before + sign + "1+1"
			written := harmless(text)
			for _, cell := range strings.FieldsFunc(written, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
				seen := strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
				if strings.HasPrefix(seen, sign) {
					t.Errorf("%q is written as %q", text, written)
				}
			}
			if back := authentic(written); back != text {
				t.Errorf("%q is written as %q, and read as %q", text, written, back)
			}
		}
	}
	for _, plain := range []string{"Ann", " Ann", "O'Neil", "a-b", "a b=c", "", " ", "'", "' "} {
		if got := harmless(plain); got != plain {
			t.Errorf("%q is written as %q", plain, got)
		}
	}
}
