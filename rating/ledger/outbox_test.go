package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func TestOutboxIsReadInPagesAndTrimmed(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"redis": redistest.Start(t), "memory": redistest.Memory(t)} {
		t.Run(name, func(t *testing.T) {
			l := New(client, Options{Node: "gw1"})
			for i := range 25 {
				cdr := rating.CDR{ID: rating.NewCallID("101", fmt.Sprint(i), "", 1), Extension: "101", StartedAt: time.Now(), Units: int64(i)}
				if err := l.File(t.Context(), cdr); err != nil {
					t.Fatal(err)
				}
			}
			shard := rating.ShardOf("101")
			wantLengths(t, l, shard, 25)
			position, next := "", int64(0)
			for {
				page, err := l.Read(t.Context(), shard, position, 10)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, f := range page {
					if f.CDR == nil || f.CDR.Units != next || f.Shard != shard {
						t.Fatalf("record %d is %+v", next, f)
					}
					position, next = f.Position, next+1
				}
				if err := l.Trim(t.Context(), shard, position); err != nil {
					t.Fatal(err)
				}
				wantLengths(t, l, shard, 25-next)
			}
			if next != 25 {
				t.Errorf("read %d records", next)
			}
			for _, bad := range []string{"", "x", "1", "1-", "-1", "1-x"} {
				if err := l.Trim(t.Context(), shard, bad); err == nil {
					t.Errorf("position %q was taken", bad)
				}
			}
		})
	}
}

func wantLengths(t *testing.T, l *Ledger, shard int, want int64) {
	t.Helper()
	lengths, err := l.OutboxLengths(t.Context())
	if err != nil || lengths[shard] != want {
		t.Errorf("length %d, %v; want %d", lengths[shard], err, want)
	}
	if sum, err := l.OutboxLength(t.Context()); err != nil || sum != want {
		t.Errorf("all lengths %d, %v; want %d", sum, err, want)
	}
}

func TestABrokenRecordIsNamedNotFatal(t *testing.T) {
	client := redistest.Memory(t)
	l := New(client, Options{Node: "gw1"})
	records := [][]string{
		{"foreign", "x"}, {"c", "1:2:3", "m", "{}"}, {"c", "1:2:3:4:5:6", "m", "{"}, {"e", "1:2:3", "m", `{"kind":"gift"}`},
		{"m", "{}"}, {"e", "1:1:1:1", "m", "{}"}, {"e", "x:1:1", "m", "{}"}, {"c", "1:0:99999999999999999:0:0:0", "m", "{}"},
		{"c", "0:0:0:1:1:5", "m", `{"id":"` + goodCall + `"}`}, {"c", "1:9:5:1:1:5", "m", `{"id":"` + goodCall + `","extension":"101"}`},
	}
	for _, values := range records {
		if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: outboxKey(4), Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	page, err := l.Read(t.Context(), 4, "", 100)
	if err != nil || len(page) != len(records) {
		t.Fatalf("%d records, %v", len(page), err)
	}
	for i, f := range page {
		if f.Bad == "" || f.Raw == "" || f.Position == "" || f.CDR != nil || f.Entry != nil {
			t.Errorf("%v is read as %+v", records[i], f)
		}
	}
}

// The history is sorted by time, and must tell an account's balances in the order in which they were: nodes' clocks differ, and
// of two recharges at once the one that was asked for first may come second.
func TestJournalLinesAreDatedInTheOrderOfTheirBalances(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{"redis": redistest.Start(t), "memory": redistest.Memory(t)} {
		t.Run(name, func(t *testing.T) {
			l := New(client, Options{Node: "gw1"})
			if err := l.SetTerms(t.Context(), "101", rating.NewExtension("101").Terms, 1, "Ann", "admin"); err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			for i, clock := range []time.Duration{0, -time.Hour, time.Hour, -time.Second} {
				r := rating.Recharge{Key: fmt.Sprint("k", i), Amount: rating.Unit, Payees: []rating.Payee{{Extension: "101"}}, By: "admin", At: now.Add(clock)}
				if _, err := l.Recharge(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			lines, err := l.Read(t.Context(), rating.ShardOf("101"), "", 10)
			if err != nil || len(lines) != 4 {
				t.Fatalf("%d lines, %v", len(lines), err)
			}
			for i, line := range lines {
				if i > 0 && line.Entry.At.Before(lines[i-1].Entry.At) || line.Entry.Seq != int64(i+1) {
					t.Errorf("line %d is of %s, after one of %s", line.Entry.Seq, line.Entry.At, lines[i-1].Entry.At)
				}
				if off := line.Entry.At.Sub(now); off < -time.Minute || off > time.Minute {
					t.Errorf("line %d is of %s, and was filed at %s", line.Entry.Seq, line.Entry.At, now)
				}
			}
		})
	}
}
