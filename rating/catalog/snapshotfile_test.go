package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func TestAStartWithoutStoreShowsTheLastSnapshot(t *testing.T) {
	server := redistest.StartServer(t)
	file := filepath.Join(t.TempDir(), "snapshot.json")
	ctx, began := t.Context(), time.Now()
	before := node(t, server.Client(), newLedger(), Options{SnapshotFile: file, SaveEvery: 10 * time.Millisecond})
	must(before.AddTrunk(ctx, trunk("a")))(t)
	must(before.AddExtension(ctx, extension("101"), ""))(t)
	must(before.AddRate(ctx, rate("9")))(t)
	must(before.AddDialRule(ctx, rule("0", "a")))(t)
	must(before.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) { s.EmergencyNumbers = []string{"117"}; return s, nil }))(t)
	version := before.Current().Version
	within(t, 3*time.Second, "the file holds the last change", func() bool {
		text, _ := os.ReadFile(file)
		return strings.Contains(string(text), `"117"`)
	})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	server.Kill9()

	after := node(t, server.Client(), newLedger(), Options{SnapshotFile: file, PollEvery: 20 * time.Millisecond})
	s := after.Current()
	if s.Version != version || s.Extensions() != 1 || len(s.Rates.Rates()) != 1 || len(s.Plan.Rules()) != 1 {
		t.Errorf("the snapshot is %+v", s)
	}
	if route, ok := s.Emergency("117"); !ok || len(route.Trunks) != 1 || route.Trunks[0].Name != "a" {
		t.Errorf("an emergency call goes to %+v", route)
	}
	since, stale := after.Stale()
	if !stale || since.Before(began) || since.After(time.Now()) {
		t.Errorf("stale=%t since %s", stale, since)
	}
	if _, err := after.AddRate(ctx, rate("8")); err == nil {
		t.Error("an edit without store succeeded")
	}

	server.Restart()
	must(New(server.Client(), nil, Options{Log: quiet}).AddRate(ctx, rate("7")))(t)
	within(t, 3*time.Second, "the node follows the store again", func() bool {
		_, stale := after.Stale()
		return !stale && len(after.Current().Rates.Rates()) == 2
	})
}

func TestAFileThatIsNoSnapshotLeavesTheDefaults(t *testing.T) {
	server := redistest.StartServer(t)
	server.Kill9()
	for name, text := range map[string]string{
		"none": "", "empty": " ", "torn": `{"format":1,"documents":{"extens`, "of another release": `{"format":2}`, "not ours": `[1,2]`,
	} {
		file := filepath.Join(t.TempDir(), "snapshot.json")
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := New(server.Client(), nil, Options{SnapshotFile: file, Log: quiet})
		c.Start(t.Context())
		if s := c.Current(); s == nil || s.Settings.RingTimeout != 180 || s.Extensions() != 0 {
			t.Errorf("%s: the snapshot is %+v", name, s)
		}
	}
	file := filepath.Join(t.TempDir(), "snapshot.json")
	text := `{"format":1,"documents":{"settings":{"currency":"gold"},"trunks":[{"name":"a","uri":"tel:1"}],"extensions":[{"number":"1 2"}]}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := New(server.Client(), nil, Options{SnapshotFile: file, Log: quiet})
	c.Start(t.Context())
	if s := c.Current(); s.Settings.Currency != "USD" || len(s.Plan.Trunks()) != 0 || s.Extensions() != 0 {
		t.Errorf("what is not valid in a file was used: %+v", s)
	}
}

func TestAFrozenStoreMakesTheNodeStaleAndStopsNothing(t *testing.T) {
	server := redistest.StartServer(t)
	o := server.Options()
	o.ReadTimeout = 200 * time.Millisecond
	client := redis.NewClient(o)
	t.Cleanup(func() { client.Close() })
	c := node(t, client, newLedger(), Options{PollEvery: 20 * time.Millisecond})
	must(c.AddTrunk(t.Context(), trunk("a")))(t)
	server.Freeze()
	within(t, 10*time.Second, "the node knows that it is stale", func() bool { _, stale := c.Stale(); return stale })
	if len(c.Current().Plan.Trunks()) != 1 {
		t.Error("the snapshot is gone")
	}
	server.Thaw()
	within(t, 10*time.Second, "the node is up to date", func() bool { _, stale := c.Stale(); return !stale })
}
