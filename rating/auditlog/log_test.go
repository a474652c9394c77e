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

func TestRecordsAreReadInOrderAndTrimmed(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"redis": redistest.Start(t), "cluster": redistest.StartCluster(t), "memory": redistest.Memory(t)} {
		t.Run(name, func(t *testing.T) {
			l, began := New(client), time.Now().Add(-time.Second)
			for _, object := range []string{"extension 101", "extension 102", "rate 1"} {
				if err := l.Append(t.Context(), rating.AuditRecord{Actor: "admin", Role: rating.Admin, Address: "192.0.2.1", Action: "edit", Object: object, Before: json.RawMessage(`{"a":1}`)}); err != nil {
					t.Fatal(err)
				}
			}
			waiting, err := l.Waiting(t.Context())
			if err != nil || len(waiting) != 3 {
				t.Fatalf("%d records wait (%v), want 3", len(waiting), err)
			}
			first := waiting[0]
			if r := first.Audit; r == nil || r.Object != "extension 101" || string(r.Before) != `{"a":1}` || r.After != nil || r.ID == "" || r.ID == waiting[1].Audit.ID ||
				r.At.Before(began) || r.At.After(time.Now().Add(time.Second)) || first.Shard != rating.AuditShard {
				t.Errorf("the first record is %+v", r)
			}
			if err := l.Trim(t.Context(), waiting[1].Position); err != nil {
				t.Fatal(err)
			}
			left, err := l.Read(t.Context(), "", 10)
			if err != nil || len(left) != 1 || left[0].Audit.Object != "rate 1" {
				t.Errorf("%+v (%v) is left, want the rate", left, err)
			}
			if next, err := l.Read(t.Context(), left[0].Position, 10); err != nil || len(next) != 0 {
				t.Errorf("%+v (%v) follows the last", next, err)
			}
			for _, bad := range []string{"", "x", "1", "1-", "-1", "1-x"} {
				if l.Trim(t.Context(), bad) == nil {
					t.Errorf("position %q was taken", bad)
				}
			}
		})
	}
}

func TestWhatIsTooLargeIsCut(t *testing.T) {
	l := New(redistest.Memory(t))
	large, _ := json.Marshal(strings.Repeat("x", MaxDetail))
	if err := l.Append(t.Context(), rating.AuditRecord{Object: strings.Repeat("ü", maxText), Actor: "a\x00\xff", After: large}); err != nil {
		t.Fatal(err)
	}
	filed, err := l.Read(t.Context(), "", 1)
	if err != nil || len(filed) != 1 {
		t.Fatalf("%d records, %v", len(filed), err)
	}
	r := filed[0].Audit
	if len(r.Object) > maxText || !strings.HasPrefix(r.Object, "ü") || r.Actor != "a\uFFFD\uFFFD" || !strings.Contains(string(r.After), `"too_large":true`) {
		t.Errorf("kept object of %d bytes, actor %q, after %.60s", len(r.Object), r.Actor, r.After)
	}
}

func TestAFullLogRefusesRatherThanForgets(t *testing.T) {
	client := redistest.Memory(t)
	l := New(client)
	pipe := client.Pipeline()
	for range MaxWaiting {
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: streamKey, Values: []any{field, "{"}})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), rating.AuditRecord{}); !errors.Is(err, ErrFull) {
		t.Errorf("one more is %v, want ErrFull", err)
	}
	filed, err := l.Waiting(t.Context())
	if err != nil || len(filed) != MaxWaiting || filed[0].Bad == "" || filed[0].Raw != "{" {
		t.Errorf("%d records wait (%v); what cannot be read must say so: %+v", len(filed), err, filed[0])
	}
}

func TestALostStoreIsUnavailable(t *testing.T) {
	server := redistest.StartServer(t)
	l := New(server.Client())
	server.Stop()
	if err := l.Append(t.Context(), rating.AuditRecord{}); !errors.Is(err, rating.ErrUnavailable) {
		t.Errorf("append without a store: %v", err)
	}
	if _, err := l.Read(t.Context(), "", 1); !errors.Is(err, rating.ErrUnavailable) {
		t.Errorf("read without a store: %v", err)
	}
}
