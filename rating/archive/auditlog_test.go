package archive

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"tollgate/rating"
)

// auditStream is an outbox with nothing but audit records; two of them are there twice.
func auditStream(n int) []rating.Filed {
	var list []rating.Filed
	begin := time.Date(2019, 5, 31, 12, 0, 0, 0, time.UTC)
	for i := range n {
		r := rating.AuditRecord{ID: fmt.Sprint("id", i), At: begin.Add(time.Duration(i/2) * time.Minute), Actor: []string{"admin", "bill-k3f"}[i%2], Role: rating.Admin,
			Address: "192.0.2.1", Action: []string{"Edit", "Recharge", "Delete"}[i%3], Object: fmt.Sprint("extension ", 100+i%7), After: json.RawMessage(`{"n":1}`)}
		if i%5 == 0 {
			r.Before, r.After = json.RawMessage(`{"n":0}`), nil
		}
		list = append(list, rating.Filed{Position: fmt.Sprintf("%d-%d", 1000+i/2, i%2), Audit: &r})
	}
	for i := 1; i <= min(n-1, 2); i++ {
		again := list[i]
		again.Position = fmt.Sprintf("%d-%d", 1000+n, i)
		list = append(list, again)
	}
	return list
}

// However many records wait in the outbox, the pages are those of a plain search of all.
func TestAuditLogIsListedWhereverARecordIs(t *testing.T) {
	onBoth(t, testAuditLogIsListedWhereverARecordIs)
}

func testAuditLogIsListedWhereverARecordIs(t *testing.T) {
	const n = 90
	stream := auditStream(n)
	for i := range stream {
		stream[i].Shard = rating.AuditShard
	}
	r := rand.New(rand.NewPCG(1, 9))
	for _, archived := range []int{0, 1, 40, n, n + 2} {
		a := open(t, Options{})
		if archived > 0 {
			if _, err := a.put(t.Context(), []batch{{rating.AuditShard, "", stream[:archived]}}, func(string) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		waiting := stream[max(0, archived-3):] // some are archived, and not trimmed yet
		if archived > 0 && archived <= n {
			waiting = waiting[:len(waiting)-2] // a second copy waits for a round at most after its first
		}
		for range 60 {
			q := rating.AuditQuery{Q: []string{"", "EDIT", "bill", " extension 103 ", "nobody", "%"}[r.IntN(6)], Sort: []string{"", "at", "-at"}[r.IntN(3)],
				Paging: rating.Paging{Page: 1 + r.IntN(4), PerPage: 1 + r.IntN(40)}}
			if r.IntN(2) == 0 {
				q.From = stream[r.IntN(n)].Audit.At
			}
			if r.IntN(2) == 0 {
				q.Before = stream[r.IntN(n)].Audit.At
			}
			var want []rating.AuditRecord
			for _, f := range stream[:n] {
				if q.Matches(*f.Audit) {
					want = append(want, *f.Audit)
				}
			}
			if q.Sort != "at" {
				slices.Reverse(want)
			}
			page, total, err := a.AuditLog(t.Context(), q, waiting)
			if err != nil || total != int64(len(want)) {
				t.Fatalf("%d archived, %+v finds %d (%v), want %d", archived, q, total, err, len(want))
			}
			begin := min((q.Page-1)*q.PerPage, len(want))
			want = want[begin:min(begin+q.PerPage, len(want))]
			if len(page)+len(want) > 0 && !reflect.DeepEqual(page, want) {
				t.Fatalf("%d archived, %+v gives\n%+v, want\n%+v", archived, q, page, want)
			}
		}
	}
}

func TestABadAuditRecordIsSetAside(t *testing.T) { onBoth(t, testABadAuditRecordIsSetAside) }

func testABadAuditRecordIsSetAside(t *testing.T) {
	a, box := open(t, Options{}), newOutbox(1)
	good := auditStream(1)[0]
	for i, r := range []*rating.AuditRecord{{ID: "", At: time.Now()}, {ID: "x"}, {ID: "y", At: time.Now(), Actor: "a\x00"}, good.Audit} {
		box.add(rating.Filed{Position: fmt.Sprintf("1-%d", i), Audit: r})
	}
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if filed, aside := rows(t, a, "audit_log"), rows(t, a, "quarantine"); filed != 1 || aside != 3 {
		t.Errorf("%d filed, %d set aside; want 1 and 3", filed, aside)
	}
}
