package ledgertest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// errKilled is what a client says that died before it sent a command, or before it read the reply.
var errKilled = errors.New("the client was killed")

// faults makes a client fail: it is asked before and after every command whether it dies now.
type faults struct {
	before, after func() bool
}

func (f faults) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f faults) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := f.around(func() error { return next(ctx, cmd) })
		if errors.Is(err, errKilled) {
			cmd.SetErr(err)
		}
		return err
	}
}

func (f faults) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := f.around(func() error { return next(ctx, cmds) })
		for _, cmd := range cmds {
			if errors.Is(err, errKilled) {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

func (f faults) around(command func() error) error {
	if f.before() {
		return errKilled
	}
	err := command()
	if f.after() {
		return errKilled
	}
	return err
}

// unreliable fails every tenth command or so: half of them before they are sent, half after they have worked.
func unreliable() faults {
	dice := func() bool { return rand.IntN(20) == 0 }
	return faults{before: dice, after: dice}
}

// dying works for so many commands and never again. Where reply is set, the last one still works, unheard.
func dying(commands int64, reply bool) faults {
	var done atomic.Int64
	dead := func() bool { return done.Load() >= commands }
	if reply {
		return faults{before: dead, after: func() bool { return done.Add(1) >= commands }}
	}
	return faults{before: func() bool { return done.Add(1) > commands }, after: func() bool { return false }}
}
