package ledger

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// A script is one atomic step; its file says what it needs, what it answers and what it never breaks.
type script struct {
	name string
	*redis.Script
}

func load(name string) script {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded at build
	}
	return script{name, redis.NewScript(string(text))}
}

var (
	authorizeScript = load("authorize")
	answerScript    = load("answer")
	extendScript    = load("extend")
	settleScript    = load("settle")
	fileScript      = load("file")
	dialogScript    = load("dialog")
	touchScript     = load("touch")
	heartbeatScript = load("heartbeat")
	adoptScript     = load("adopt")
	lapsedScript    = load("lapsed")
	termsScript     = load("terms")
	openScript      = load("open")
	closeScript     = load("close")
	beginScript     = load("begin")
	prepareScript   = load("prepare")
	decideScript    = load("decide")
	applyScript     = load("apply")
	releaseScript   = load("release")
	finishScript    = load("finish")
	trimScript      = load("trim")
	restoreScript   = load("restore")
)

// run runs a script by its hash, and sends its text where the server does not know it (after a restart or a failover).
func (l *Ledger) run(ctx context.Context, s script, keys []string, args ...any) (reply, error) {
	began := time.Now()
	values, err := s.Run(ctx, l.redis, keys, args...).Slice()
	l.Observe(s.name, time.Since(began), err)
	if err != nil {
		return nil, storeError(err)
	}
	return reply(values), nil
}

// reply is what a script returned: a word, then numbers and texts.
type reply []any

// word is the first element: how the step ended.
func (r reply) word() string { return r.text(0) }

// text returns an element as text; a missing one is "".
func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	switch v := r[i].(type) {
	case string:
		return v
	case int64:
		return fmt.Sprint(v)
	}
	return ""
}

// numbers returns n elements from the second on.
func (r reply) numbers(n int) ([]int64, error) {
	out := make([]int64, n)
	for i := range out {
		if i+1 >= len(r) {
			return nil, fmt.Errorf("reply %v is too short", r)
		}
		v, ok := r[i+1].(int64)
		if !ok {
			return nil, fmt.Errorf("reply %v: element %d is no number", r, i+1)
		}
		out[i] = v
	}
	return out, nil
}
