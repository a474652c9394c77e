package auditlog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func TestWhatBeginsEndsAsARecordOrAsUnknown(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"redis": redistest.Start(t), "cluster": redistest.StartCluster(t), "memory": redistest.Memory(t)} {
		t.Run(name, func(t *testing.T) {
			l, ctx := New(client), t.Context()
			begin := func(node, object string, limit time.Duration) string {
				t.Helper()
				id, err := l.Begin(ctx, node, rating.AuditRecord{Actor: "admin", Role: rating.Admin, Action: "edit", Object: object, After: json.RawMessage(`{"credit":"5"}`)}, limit)
				if err != nil || id == "" {
					t.Fatalf("begin: %q, %v", id, err)
				}
				return id
			}
			recover := func(node string, want int) {
				t.Helper()
				if n, err := l.Recover(ctx, node); n != want || err != nil {
					t.Errorf("recovered %d of %q, %v; want %d", n, node, err, want)
				}
			}
			done, idle := begin("gw1", "extension 101", time.Minute), begin("gw1", "extension 102", time.Minute)
			begin("gw1", "extension 103", time.Minute)
			begin("gw2", "extension 104", time.Minute)
			late := begin("gw2", "extension 105", 0)
			if err := l.Finish(ctx, idle, nil); err != nil { // nothing was changed
				t.Fatal(err)
			}
			for range 2 { // an answer that got lost is asked for again
				if err := l.Finish(ctx, done, []rating.AuditRecord{{Action: "edit", Object: "extension 101"}, {Action: "edit", Object: "extension 1011"}}); err != nil {
					t.Fatal(err)
				}
			}
			recover("", 1) // 105 is overdue
			recover("", 0)
			recover("gw1", 1) // 103: the node has started anew
			recover("gw1", 0)
			if err := l.Finish(ctx, late, []rating.AuditRecord{{Action: "edit", Object: "extension 105"}}); err != nil { // it was only slow
				t.Fatal(err)
			}
			waiting, err := l.Waiting(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			once := map[string]bool{}
			for _, f := range waiting {
				if f.Bad != "" {
					t.Fatal(f.Bad)
				}
				if once[f.Audit.ID] {
					continue // as the archive does
				}
				once[f.Audit.ID] = true
				var after struct {
					Outcome, Credit string
					BeganAt         time.Time `json:"began_at"`
				}
				if f.Audit.After != nil && json.Unmarshal(f.Audit.After, &after) != nil {
					t.Fatalf("%s", f.Audit.After)
				}
				if after.Outcome == "unknown" && (after.Credit != "5" || time.Since(after.BeganAt).Abs() > time.Minute || f.Audit.Actor != "admin") {
					t.Errorf("who did what is lost: %+v %s", f.Audit, f.Audit.After)
				}
				said = append(said, strings.TrimSpace(f.Audit.Object+" "+after.Outcome))
			}
			if got := strings.Join(said, ", "); got != "extension 101, extension 1011, extension 105 unknown, extension 103 unknown, extension 105" {
				t.Errorf("the log has %s", got)
			}
			if n, err := client.HLen(ctx, openKey).Result(); n != 1 || err != nil { // 104 goes on
				t.Errorf("%d are open, %v", n, err)
			}
		})
	}
}

// The stream is full: the change stands and its records are refused; what never ended waits for its turn.
func TestAFullLogKeepsWhatNeverEnded(t *testing.T) {
	client := redistest.Memory(t)
	l, ctx := New(client), t.Context()
	var ids []string
	for range 2 {
		id, err := l.Begin(ctx, "gw1", rating.AuditRecord{Action: "edit"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	pipe := client.Pipeline()
	for range MaxWaiting {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: streamKey, Values: []any{field, "{"}})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx, ids[0], []rating.AuditRecord{{Action: "edit"}}); !errors.Is(err, ErrFull) {
		t.Errorf("finish: %v, want ErrFull", err)
	}
	if n, err := l.Recover(ctx, "gw1"); n != 0 || !errors.Is(err, ErrFull) {
		t.Errorf("recovered %d, %v", n, err)
	}
	if err := client.Del(ctx, streamKey).Err(); err != nil { // the archive has taken them
		t.Fatal(err)
	}
	if n, err := l.Recover(ctx, "gw1"); n != 1 || err != nil {
		t.Errorf("recovered %d, %v", n, err)
	}
}

func TestOpenChangesAreBounded(t *testing.T) {
	client := redistest.Memory(t)
	l, pipe := New(client), client.Pipeline()
	for i := range MaxOpen {
		pipe.ZAdd(t.Context(), dueKey, redis.Z{Score: 1, Member: i})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(t.Context(), "gw1", rating.AuditRecord{}, time.Minute); !errors.Is(err, ErrFull) {
		t.Errorf("one more is %v, want ErrFull", err)
	}
	if n, err := l.Recover(t.Context(), ""); n != 0 || err != nil { // members without an intent are nobody's
		t.Errorf("%d, %v", n, err)
	}
	if n, _ := client.ZCard(t.Context(), dueKey).Result(); n != MaxOpen-maxRecovered {
		t.Errorf("%d are left", n)
	}
}
