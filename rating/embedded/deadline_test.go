package embedded

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestCommandsEndUnlessTheyWaitOnPurpose(t *testing.T) {
	for _, c := range []struct {
		name string
		args []any
		ends bool
	}{
		{"a script ends", []any{"evalsha", "x", 1, "block"}, true},
		{"a read ends", []any{"GET", "k"}, true},
		{"a stream read that does not block ends", []any{"xread", "count", 5, "streams", "s", "0"}, true},
		{"a stream read that blocks may wait", []any{"xread", "block", 5000, "streams", "s", "$"}, false},
		{"in capitals too", []any{"XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">"}, false},
		{"WAIT may wait", []any{"wait", 1, 0}, false},
		{"BLPOP may wait", []any{"blpop", "k", 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := func(ctx context.Context, _ redis.Cmder) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(time.Hour):
						return nil
					}
				}
				run, cmd := deadline{commandLimit}.ProcessHook(stuck), redis.NewCmd(t.Context(), c.args...)
				began := time.Now()
				if err := run(t.Context(), cmd); errors.Is(err, context.DeadlineExceeded) != c.ends || c.ends && time.Since(began) != commandLimit {
					t.Errorf("%v after %s", err, time.Since(began))
				}
				own, cancel := context.WithTimeout(t.Context(), time.Minute) // the caller's deadline counts, also a later one
				defer cancel()
				began = time.Now()
				if err := run(own, cmd); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
					t.Errorf("with a deadline of its own: %v after %s", err, time.Since(began))
				}
			})
		})
	}
}

func TestALostStoreShowsWithinThreeSeconds(t *testing.T) {
	const shows = 3 * time.Second // what operators are promised
	if call := commandLimit; call >= shows {
		t.Errorf("a call is held for %s", call)
	}
	if state := probeInterval + probeLimit + secondLook + probeLimit; state >= shows {
		t.Errorf("the state changes after %s", state)
	}
}
