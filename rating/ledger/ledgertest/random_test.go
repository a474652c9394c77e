package ledgertest_test

import (
	"testing"

	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger/ledgertest"
)

func TestRandomStepsAgreeWithTheModelOnRedis(t *testing.T) {
	ledgertest.Model(t, redistest.StartServer(t, redistest.Config("appendfsync", "no")).Client())
}
