package redistest

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Memory returns a client of the in-process engine, which needs nothing installed and forgets everything at the end of
// the test. Keys expire by the clock, which inside testing/synctest is the bubble's.
func Memory(t testing.TB) *redis.Client {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	c := redis.NewClient(&redis.Options{
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		DialerRetries:   1,
		MaxRetries:      -1,
		DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() {
		c.Close()
		m.Close()
	})
	return c
}
