package rating

import "testing"

func TestDestinationPrefix(t *testing.T) {
	for dialled, want := range map[string]string{
		"988360046": "9883", "+8613912345678": "+8613", "008613912345678": "008613", "110": "110", "+49": "+49", "*43#": "*43#",
		"": "?", "+": "?", "00": "?", "alice": "?", "12a": "?", "1 2": "?",
	} {
		if got := DestinationPrefix(dialled); got != want {
			t.Errorf("%q is in %q, want %q", dialled, got, want)
		}
	}
}

func TestSummaryRatios(t *testing.T) {
	if _, ok := (Summary{}).ASR(); ok || (Summary{}).ACD() != 0 {
		t.Error("no calls have an answer-seizure ratio, or a length")
	}
	s := Summary{Calls: 8, Answered: 2, Seconds: 277}
	if asr, ok := s.ASR(); !ok || asr != 0.25 || s.ACD() != 139 {
		t.Errorf("2 of 8 answered, 277 s: ASR %v, ACD %d", asr, s.ACD())
	}
}

func TestPositionsCompareAsNumbers(t *testing.T) {
	for _, tc := range []struct {
		position, other string
		follows         bool
	}{{"10-0", "9-5", true}, {"9-10", "9-9", true}, {"9-9", "9-9", false}, {"9-8", "9-9", false}, {"0-1", "", true}, {"", "", false}} {
		if got := Follows(tc.position, tc.other); got != tc.follows {
			t.Errorf("%q follows %q: %v", tc.position, tc.other, got)
		}
	}
}
