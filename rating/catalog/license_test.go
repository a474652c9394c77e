package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded/redistest"
)

func TestTheLicenceRecordAndWhoLives(t *testing.T) {
	client := redistest.Start(t)
	c := New(client, nil, Options{})
	one, two := c.License("gw1"), c.License("gw2")
	if text, err := one.Load(t.Context()); text != nil || err != nil {
		t.Fatalf("at first: %q, %v", text, err)
	}
	if err := one.Save(t.Context(), []byte("remembered")); err != nil {
		t.Fatal(err)
	}
	if text, err := two.Load(t.Context()); string(text) != "remembered" || err != nil {
		t.Errorf("read by another node: %q, %v", text, err)
	}
	meet := func(l License, device string, want ...string) {
		t.Helper()
		live, err := l.Meet(t.Context(), []byte(device))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range live {
			got = append(got, string(d))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("alive: %q, want %q", got, want)
		}
	}
	meet(one, "A", "A")
	meet(two, "B", "A", "B")
	meet(one, "A2", "A2", "B")
	client.ZAdd(t.Context(), devicesSeenKey, redis.Z{Member: "gw2", Score: float64(time.Now().Add(-nodeAlive - time.Second).UnixMilli())})
	meet(one, "A2", "A2")
	client.ZAdd(t.Context(), devicesSeenKey, redis.Z{Member: "gw2", Score: float64(time.Now().Add(-nodeForgotten - time.Second).UnixMilli())})
	meet(one, "A2", "A2")
	if n := client.HLen(t.Context(), devicesKey).Val(); n != 1 {
		t.Errorf("%d devices are remembered, want the living one", n)
	}
}
