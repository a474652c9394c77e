package redistest

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded"
)

// Memory returns a client of the in-process engine, which needs nothing installed and forgets everything at the end of
// the test. Keys expire by the clock (a quarter of a second late at most), which inside testing/synctest is the bubble's.
func Memory(t testing.TB) *redis.Client {
	t.Helper()
	m, err := embedded.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	c := m.Client()
	t.Cleanup(func() {
		c.Close()
		m.Close()
	})
	return c
}
