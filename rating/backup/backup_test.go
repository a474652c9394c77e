package backup

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded/redistest"
)

// fill writes one key of every type, with values that are no text and such as do not fit into a portion.
func fill(t *testing.T, c redis.UniversalClient) []string {
	t.Helper()
	ctx := t.Context()
	p := c.Pipeline()
	p.Set(ctx, "{00}s", "text \x00\xff", time.Hour)
	p.Set(ctx, "{01}forever", "", 0)
	for i := range 2500 {
		p.HSet(ctx, "{02}h", i, strings.Repeat("x", i%70))
		p.SAdd(ctx, "{03}set", i)
		p.ZAdd(ctx, "{04}z", redis.Z{Score: 1764371000000 + float64(i), Member: i})
		p.XAdd(ctx, &redis.XAddArgs{Stream: "{05}x", Values: []any{"n", i}})
	}
	p.RPush(ctx, "{06}l", "b", "a", "b")
	if _, err := p.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	return []string{"{00}s", "{01}forever", "{02}h", "{03}set", "{04}z", "{05}x", "{06}l"}
}

// everything is what a store answers about keys.
func everything(t *testing.T, c redis.UniversalClient, keys []string) map[string]any {
	t.Helper()
	ctx := t.Context()
	all := map[string]any{}
	for _, key := range keys {
		switch c.Type(ctx, key).Val() {
		case "string":
			all[key] = c.Get(ctx, key).Val()
		case "hash":
			all[key] = c.HGetAll(ctx, key).Val()
		case "set":
			members := c.SMembers(ctx, key).Val()
			slices.Sort(members)
			all[key] = members
		case "zset":
			all[key] = c.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "stream":
			all[key] = c.XRange(ctx, key, "-", "+").Val()
		case "list":
			all[key] = c.LRange(ctx, key, 0, -1).Val()
		}
	}
	return all
}

func dumpAndLoad(t *testing.T, from, to redis.UniversalClient) {
	t.Helper()
	ctx := t.Context()
	keys := fill(t, from)
	if err := from.Set(ctx, "{00}not ours", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	found, err := Keys(ctx, from, func(key string) bool { return key != "{00}not ours" })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if !slices.Equal(found, keys) {
		t.Fatalf("keys %v, want %v", found, keys)
	}
	var text bytes.Buffer
	if err := Dump(ctx, from, append(found, "{07}gone"), NewWriter(&text)); err != nil {
		t.Fatal(err)
	}
	if err := Load(ctx, to, &text, func(Record) (bool, error) { return false, nil }); err != nil {
		t.Fatal(err)
	}
	was, is := everything(t, from, keys), everything(t, to, keys)
	for _, key := range keys {
		if !equal(was[key], is[key]) {
			t.Errorf("%s is not what it was", key)
		}
	}
	if left := to.PTTL(ctx, "{00}s").Val(); left <= 0 || left > time.Hour {
		t.Errorf("time to live %v", left)
	}
	if err := Remove(ctx, to, keys); err != nil {
		t.Fatal(err)
	}
	if left, err := Keys(ctx, to, func(string) bool { return true }); err != nil || len(left) > 0 {
		t.Errorf("after Remove: %v %v", left, err)
	}
}

func equal(a, b any) bool {
	x, y := new(bytes.Buffer), new(bytes.Buffer)
	_ = NewWriter(x).encoder.Encode(a)
	_ = NewWriter(y).encoder.Encode(b)
	return a != nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func TestAStoreComesBackAsItWas(t *testing.T) {
	dumpAndLoad(t, redistest.Start(t), redistest.Start(t))
}

func TestFromOneServerToAClusterAndBack(t *testing.T) {
	if os.Getenv("TOLLGATE_SLOW") == "" {
		t.Skip("TOLLGATE_SLOW is not set")
	}
	cluster := redistest.StartCluster(t)
	dumpAndLoad(t, redistest.Start(t), cluster)
	dumpAndLoad(t, cluster, redistest.Start(t))
}

func TestWhatExpiredMeanwhileDoesNotComeBack(t *testing.T) {
	c := redistest.Start(t)
	text := `{"key":"{00}a","type":"string","values":["x"],"expires":1000}` + "\n" + `{"key":"{00}b","type":"string","values":["x"]}` + "\n"
	if err := Load(t.Context(), c, strings.NewReader(text), func(Record) (bool, error) { return false, nil }); err != nil {
		t.Fatal(err)
	}
	if n := c.Exists(t.Context(), "{00}a", "{00}b").Val(); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestRecordsThatCannotBeAreNamed(t *testing.T) {
	for _, text := range []string{`{"key":"k","type":"hash","values":["odd"]}`, `{"key":"k","type":"tree","values":["x"]}`, `{"key":"k","type":"string","values":[]}`,
		`{"key":"k","type":"string","values":["?"],"binary":true}`, `{"key":"k","type":"zset","values":["m","high"]}`, `{"key":"k",`, `{"key":"k","type":"string","values":["x"],"later":1}`} {
		client := redis.NewClient(&redis.Options{Dialer: nil, Addr: "127.0.0.1:1"})
		err := Load(t.Context(), client, strings.NewReader(text), func(Record) (bool, error) { return false, nil })
		if err == nil || !strings.Contains(err.Error(), "record 1") {
			t.Errorf("%s: %v", text, err)
		}
		client.Close()
	}
}

func TestAFolderIsABackupWhenItIsFinished(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "b[1]*")
	write := func(finish bool) {
		t.Helper()
		f, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("the folder is there before it is finished")
		}
		if err := f.Write("one", func(w io.Writer) error { _, err := w.Write([]byte("1")); return err }); err != nil {
			t.Fatal(err)
		}
		if finish {
			err = f.Finish()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	write(false)
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("given up, and left %v", left)
	}
	leftover := dir + partial + "ABCDEFGH"
	if err := os.MkdirAll(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	write(true)
	if _, err := os.Stat(leftover); err == nil {
		t.Error("the leftover of a killed backup stays")
	}
	m, err := Open(dir)
	if err != nil || !m.Has("one") || m.Has("two") {
		t.Fatalf("%+v %v", m, err)
	}
	if _, err := Create(dir); err == nil {
		t.Error("a folder that is not empty is written over")
	}
	if err := os.WriteFile(filepath.Join(dir, "one"), []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrNotABackup) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("an altered file: %v", err)
	}
}

func TestABackupAtWorkIsNoLeftover(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	first, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.dir); err != nil {
		t.Error("a second backup removes the first one while it is written")
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Error(err)
	}
}
