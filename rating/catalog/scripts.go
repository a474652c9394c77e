package catalog

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

//go:embed lua/*.lua
var sources embed.FS

var (
	putScript     = load("put")
	changesScript = load("changes")
	doneScript    = load("done")
	reserveScript = load("reserve")
	sessionScript = load("session")
	meetScript    = load("meet")

	batchBeginScript  = load("batch_begin")
	batchStageScript  = load("batch_stage")
	batchCommitScript = load("batch_commit")
	batchApplyScript  = load("batch_apply")
)

func load(name string) *redis.Script {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded at build
	}
	return redis.NewScript(string(text))
}

// storeError wraps what kept us from the store as rating.ErrUnavailable. What a server says of a command itself is a
// fault of ours or of the data, and stays as it is.
func storeError(err error) error {
	if err == nil || errors.Is(err, redis.Nil) || errors.Is(err, context.Canceled) {
		return err
	}
	var said redis.Error
	if errors.As(err, &said) && (strings.HasPrefix(said.Error(), "ERR ") || strings.HasPrefix(said.Error(), "WRONGTYPE ")) {
		return err
	}
	return fmt.Errorf("%w: %w", rating.ErrUnavailable, err)
}
