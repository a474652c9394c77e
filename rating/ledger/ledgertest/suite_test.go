package ledgertest_test

import (
	"os"
	"testing"

	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger/ledgertest"
)

// slow says whether the runs on a Cluster, on Sentinel and with kills are wanted: TOLLGATE_SLOW=1.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("TOLLGATE_SLOW") == "" {
		t.Skip("TOLLGATE_SLOW is not set")
	}
}

func TestSuiteOnRedis(t *testing.T)  { ledgertest.Suite(t, redistest.Start(t)) }
func TestSuiteInMemory(t *testing.T) { ledgertest.Suite(t, redistest.Memory(t)) }

func TestSuiteOnCluster(t *testing.T) {
	slow(t)
	ledgertest.Suite(t, redistest.StartCluster(t))
}

func TestSuiteOnSentinel(t *testing.T) {
	slow(t)
	ledgertest.Suite(t, redistest.StartSentinel(t).Client())
}
