package ledgertest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger/ledgertest"
)

// quiet swallows what the client library prints about servers that are killed on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

// slow says whether the runs on a Cluster, on Sentinel and with kills are wanted: TOLLGATE_SLOW=1.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("TOLLGATE_SLOW") == "" {
		t.Skip("TOLLGATE_SLOW is not set")
	}
}

func TestSuiteOnRedis(t *testing.T) { ledgertest.Suite(t, redistest.Start(t)) }

func TestSuiteInMemory(t *testing.T) {
	client := redistest.Memory(t)
	client.Options().ReadTimeout = 30 * time.Second // scripts are slow here, and the machine may be busy
	client.Options().PoolTimeout = 30 * time.Second
	ledgertest.Suite(t, client)
}

func TestSuiteOnCluster(t *testing.T) {
	slow(t)
	ledgertest.Suite(t, redistest.StartCluster(t))
}

func TestSuiteOnSentinel(t *testing.T) {
	slow(t)
	ledgertest.Suite(t, redistest.StartSentinel(t).Client())
}

// The user that is shipped for a Redis of one's own may do what the ledger needs.
func TestSuiteUnderTheShippedACL(t *testing.T) {
	ledgertest.Suite(t, redistest.StartServer(t, redistest.ACL("../../../deploy/redis/tollgate.acl", "tollgate", "secret")).Client())
}
