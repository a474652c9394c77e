package main

import "testing"

func TestPositionsOfAStreamGrow(t *testing.T) {
	for _, c := range [][2]string{{"1-0", ""}, {"2-0", "1-9"}, {"10-0", "9-0"}, {"5-10", "5-9"}, {"1795392807809-1", "1795392807809-0"}} {
		if !laterPosition(c[0], c[1]) || laterPosition(c[1], c[0]) {
			t.Errorf("%q is not later than %q", c[0], c[1])
		}
	}
	if laterPosition("5-5", "5-5") {
		t.Error("a position is later than itself")
	}
}
