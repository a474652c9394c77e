package embedded

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// deadline is a hook that ends each command, all its repetitions included, after limit, where the caller has set no
// deadline of its own. Without it a lost store would hold a call for the sum of all time-outs. Commands that wait on
// purpose are left alone.
type deadline struct{ limit time.Duration }

var _ redis.Hook = deadline{}

func (d deadline) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d deadline) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if _, set := ctx.Deadline(); set || waits(cmd) {
			return next(ctx, cmd)
		}
		ctx, cancel := context.WithTimeout(ctx, d.limit)
		defer cancel()
		return next(ctx, cmd)
	}
}

func (d deadline) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if _, set := ctx.Deadline(); set {
			return next(ctx, cmds)
		}
		ctx, cancel := context.WithTimeout(ctx, d.limit)
		defer cancel()
		return next(ctx, cmds)
	}
}

// waits tells whether a command may take as long as its caller likes.
func waits(cmd redis.Cmder) bool {
	switch cmd.Name() {
	case "xread", "xreadgroup":
		for _, arg := range cmd.Args() {
			if s, ok := arg.(string); ok && strings.EqualFold(s, "block") {
				return true
			}
		}
	case "blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "wait", "waitaof", "shutdown":
		return true
	}
	return false
}
