package sipctl

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tollgate/rating"
)

func TestWhatIsRefusedForGood(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"the store is away", fmt.Errorf("settle: %w", rating.ErrUnavailable), false},
		{"the store is slow", fmt.Errorf("settle: %w", context.DeadlineExceeded), false},
		{"we are going down", context.Canceled, false},
		{"the call is over", fmt.Errorf("answer: %w", rating.ErrSettled), true},
		{"what stands in its place cannot be read", errors.New("817 is no result"), true},
	} {
		if got := Refused(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
