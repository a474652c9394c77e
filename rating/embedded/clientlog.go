package embedded

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogClients sends what go-redis prints by itself (each dial that fails, each change of a sentinel) to log, at level debug;
// without it that goes to standard error, at the rate of the calls. The printer is one for the whole process, so only a
// main function calls this, once, before Open.
func LogClients(log *slog.Logger) { redis.SetLogger(clientLog{log}) }

type clientLog struct{ log *slog.Logger }

func (c clientLog) Printf(ctx context.Context, format string, v ...any) {
	if c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.DebugContext(ctx, "go-redis", "says", fmt.Sprintf(format, v...))
	}
}
