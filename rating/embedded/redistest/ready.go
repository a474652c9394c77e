package redistest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	readyLimit = 20 * time.Second // from start, including the load of an append-only file
	readyPoll  = 5 * time.Millisecond
)

// awaitReady waits for the first good answer to PING, or for the process to give up.
func awaitReady(p *process, o *redis.Options) error {
	c := redis.NewClient(o)
	defer c.Close()
	err := eventually(readyLimit, func(ctx context.Context) error {
		if !p.running() {
			return final{fmt.Errorf("redis-server ended at once: %w", p.err)}
		}
		if err := dials(ctx, o.Addr); err != nil { // asked first, because the client logs each dial that fails
			return err
		}
		return c.Ping(ctx).Err()
	})
	if err != nil {
		return fmt.Errorf("redis-server is not ready: %w", err)
	}
	return nil
}

func dials(ctx context.Context, addr string) error {
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// final is an error that waiting cannot mend.
type final struct{ error }

// eventually repeats try until it succeeds, fails for good, or the limit is reached; then it returns the last error.
func eventually(limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		err := try(ctx)
		if f, ok := err.(final); ok {
			return f.error
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", limit, err)
		case <-tick.C:
		}
	}
}

// quote writes one argument of a configuration file.
func quote(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t\"'\\") {
		return v
	}
	// Directives such as user and sentinel monitor take several arguments; these come unquoted.
	if strings.Contains(v, " ") && !strings.ContainsAny(v, "/\"'\\") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
