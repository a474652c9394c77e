package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// ErrNoServer means that the private store cannot be started. Its text is the whole answer for the operator.
var ErrNoServer = errors.New("no redis-server or valkey-server in PATH: install one of them (apt install redis-server), " +
	"or set store.redis to a Redis of your own, or set store.ephemeral: true to try things out (balances then do not survive a restart)")

// versionLimit is how long a server may take to print its version.
const versionLimit = 5 * time.Second

// serverNames are the programs that can be the private store, in the order in which they are tried.
var serverNames = []string{"redis-server", "valkey-server"}

// binary is a redis-server that Tollgate works on.
type binary struct {
	path    string
	version version
}

// findBinary looks for a server in PATH. One that is too old is an error only if there is no other.
func findBinary(ctx context.Context) (binary, error) {
	var errs []error
	for _, name := range serverNames {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		b, err := examine(ctx, path)
		if err == nil {
			return b, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return binary{}, ErrNoServer
	}
	return binary{}, errors.Join(errs...)
}

func examine(ctx context.Context, path string) (binary, error) {
	ctx, cancel := context.WithTimeout(ctx, versionLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return binary{}, fmt.Errorf("%s --version: %w", path, err)
	}
	v, err := parseVersion(string(out))
	if err == nil {
		err = v.check()
	}
	if err != nil {
		return binary{}, fmt.Errorf("%s: %w", path, err)
	}
	return binary{path, v}, nil
}
