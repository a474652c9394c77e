package archive_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger"
)

// outbox is the ledger's, with the number of its shards.
type outbox struct{ *ledger.Ledger }

func (outbox) Shards() int { return rating.Shards }

// exchange is a real ledger on a real redis-server, and the archive that it files into.
type exchange struct {
	*testing.T
	server  *redistest.Server
	client  *redis.Client
	ledger  *ledger.Ledger
	archive *archive.Archive
	drain   *archive.Drain
	random  *rand.Rand
	calls   int
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{T: t, server: redistest.StartServer(t), random: rand.New(rand.NewPCG(1, 2))}
	x.client = x.server.Client()
	x.ledger = ledger.New(x.client, ledger.Options{Node: "gw1", Log: slog.New(slog.DiscardHandler)})
	var err error
	x.archive, err = archive.Open(t.Context(), archive.Options{DSN: archive.NewDSN(t), Log: slog.New(slog.DiscardHandler)})
	x.must(err)
	t.Cleanup(func() { x.archive.Close() })
	x.drain = &archive.Drain{Outbox: outbox{x.ledger}, Archive: x.archive}
	for i := range 6 {
		extension := fmt.Sprint(100 + i)
		x.must(x.ledger.SetTerms(t.Context(), extension, rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked}, 1, "User", "test"))
		x.recharge(extension)
	}
	return x
}

func (x *exchange) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

func (x *exchange) recharge(extension string) {
	x.calls++
	_, err := x.ledger.Recharge(x.Context(), rating.Recharge{Key: fmt.Sprintf("key %d", x.calls), Amount: 5 * rating.Unit, By: "test", At: time.Now(), Payees: []rating.Payee{{Extension: extension, Username: "User"}}})
	x.must(err)
}

// call lets a call in, answers and settles it; or the ledger's refusal is filed.
func (x *exchange) call(extension string) {
	x.calls++
	id := rating.NewCallID(extension, fmt.Sprint(x.calls), "tag", 1)
	rate := rating.NewRate()
	rate.Tariff = rating.Tariff{InitialCost: rating.Unit / 10, InitialTime: 60, PerUnit: rating.Unit / 50, BillingUnit: 55}
	cdr := rating.CDR{ID: id, Extension: extension, Username: "User", Dialled: "988360046", Rate: &rate, StartedAt: time.Now(), Disposition: rating.Rejected, Reason: rating.ReasonNoRate, Node: "gw1", Count: 1}
	if x.random.IntN(4) == 0 {
		ended := time.Now()
		cdr.EndedAt = &ended
		x.must(x.ledger.File(x.Context(), cdr))
		return
	}
	_, err := x.ledger.Authorize(x.Context(), rating.Authorization{Call: id, Extension: extension, Node: "gw1", Tariff: rate.Tariff, Day: "2019-05-31", At: time.Now(), Ring: time.Minute, Draft: cdr})
	x.must(err)
	cdr.Disposition, cdr.Reason = rating.Busy, ""
	s := rating.Settlement{Call: id, Node: "gw1", Ended: time.Now(), CDR: cdr}
	if x.random.IntN(3) > 0 {
		s.CDR.Disposition, s.Talked = rating.Answered, time.Duration(1+x.random.IntN(60))*time.Second
		s.Answered = s.Ended.Add(-s.Talked)
		_, err := x.ledger.Answer(x.Context(), rating.Answer{Call: id, Node: "gw1", At: s.Answered, Draft: cdr})
		x.must(err)
	}
	_, err = x.ledger.Settle(x.Context(), s)
	x.must(err)
}

// balanced fails unless every account is what the archive says, and everything is in it.
func (x *exchange) balanced() {
	x.Helper()
	left, err := x.ledger.OutboxLength(x.Context())
	x.must(err)
	if left != 0 {
		x.Errorf("%d records are left in the outbox", left)
	}
	ev, err := x.archive.Evidence(x.Context(), nil)
	x.must(err)
	known := make(map[string]bool)
	accounts := 0
	x.must(x.ledger.EachAccount(x.Context(), func(page []rating.Account) error {
		for _, account := range page {
			accounts++
			known[account.Extension] = true
			for _, d := range rating.Reconcile(ev.Of(account), time.Now()) {
				x.Errorf("found %+v", d)
			}
		}
		return nil
	}))
	for _, other := range ev.Others(func(extension string) bool { return known[extension] }) {
		for _, d := range rating.Reconcile(other, time.Now()) {
			x.Errorf("found %+v", d)
		}
	}
	if accounts != 6 || ev.Books["100"].Journal.Entries < 5 {
		x.Errorf("the test proves nothing: %d accounts, books %+v", accounts, ev.Books["100"])
	}
}

func TestArchiveOfARealLedgerAddsUp(t *testing.T) { archive.OnBoth(t, testArchiveOfARealLedgerAddsUp) }

func testArchiveOfARealLedgerAddsUp(t *testing.T) {
	x := newExchange(t)
	for round := range 12 {
		for range 20 {
			extension := fmt.Sprint(100 + x.random.IntN(6))
			if x.random.IntN(8) == 0 {
				x.recharge(extension)
				continue
			}
			x.call(extension)
		}
		switch round % 4 {
		case 1: // the store goes and comes back; the drain keeps at it
			x.server.Kill9()
			if err := x.drain.Flush(t.Context()); err == nil {
				t.Error("the drain did not notice that the store is gone")
			}
			x.server.Restart()
		case 2: // another node takes over the drain
			x.drain = &archive.Drain{Outbox: outbox{x.ledger}, Archive: x.archive}
		}
		if round%2 == 1 {
			x.must(x.drain.Flush(t.Context()))
		}
	}
	x.balanced()
	if _, n, err := x.archive.Quarantine(t.Context()); n != 0 || err != nil {
		t.Errorf("%d records are in quarantine (%v), want none", n, err)
	}
}

func TestForeignRecordInARealOutboxIsSetAside(t *testing.T) {
	archive.OnBoth(t, testForeignRecordInARealOutboxIsSetAside)
}

func testForeignRecordInARealOutboxIsSetAside(t *testing.T) {
	x := newExchange(t)
	streams, _, err := x.client.ScanType(t.Context(), 0, "*", 10_000, "stream").Result()
	x.must(err)
	if len(streams) == 0 {
		t.Fatal("the ledger has no outbox")
	}
	for _, fields := range [][]any{{"hello", "world"}, {"c", "1:2:3", "m", "{"}, {"e", "x", "m", `{"kind":"gift"}`}, {"c", "0:0:0:0:0:0", "m", "\xff\x00"}} {
		x.must(x.client.XAdd(t.Context(), &redis.XAddArgs{Stream: streams[0], Values: fields}).Err())
	}
	for range 30 {
		x.call(fmt.Sprint(100 + x.random.IntN(6)))
	}
	x.must(x.drain.Flush(t.Context()))
	x.recharge("100")
	x.must(x.drain.Flush(t.Context()))
	x.balanced()
	list, n, err := x.archive.Quarantine(t.Context())
	x.must(err)
	if n != 4 {
		t.Errorf("quarantine holds %d records, want the four foreign ones: %+v", n, list)
	}
	for _, q := range list {
		if q.Fault == "" || q.Raw == "" || q.Position == "" {
			t.Errorf("quarantined as %+v: what is it, and what is wrong with it?", q)
		}
	}
}
