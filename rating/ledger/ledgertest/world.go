package ledgertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/ledger"
)

// day is the day of every call unless a test says otherwise.
const day = "2019-05-31"

// world is a ledger under test, and extensions and calls that nobody else uses.
type world struct {
	*testing.T
	*ledger.Ledger
	redis redis.UniversalClient
}

func newWorld(t *testing.T, client redis.UniversalClient) *world {
	t.Helper()
	w := &world{t, ledgerOf(client, "gw1"), client}
	if err := w.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// ledgerOf is a node's ledger, soon calm, that takes other nodes for alive for an hour.
func ledgerOf(client redis.UniversalClient, node string) *ledger.Ledger {
	return ledger.New(client, ledger.Options{Node: node, Alive: time.Hour, Calm: 50 * time.Millisecond})
}

// hastyLedger is the ledger of a node that takes others for dead after a time short enough to wait for.
func hastyLedger(client redis.UniversalClient, node string) *ledger.Ledger {
	return ledger.New(client, ledger.Options{Node: node, Alive: 300 * time.Millisecond})
}

// dyingLedger is the ledger of a node that dies, or sweeps after one that did: its leases are short.
func dyingLedger(client redis.UniversalClient, node string) *ledger.Ledger {
	return ledger.New(client, ledger.Options{Node: node, Lease: 200 * time.Millisecond, Calm: 50 * time.Millisecond})
}

// number makes extensions and calls different in one process; tests on one store do not meet.
var number atomic.Int64

// account opens an account with a balance and returns its extension.
func (w *world) account(balance rating.Money) string {
	w.Helper()
	return w.accountWith(balance, rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked})
}

func (w *world) accountWith(balance rating.Money, terms rating.Terms) string {
	w.Helper()
	extension := fmt.Sprintf("1%04d", number.Add(1))
	w.must(w.SetTerms(w.Context(), extension, terms, 1, "User"+extension, "test"))
	if balance > 0 {
		_, err := w.Recharge(w.Context(), recharge(balance, extension))
		w.must(err)
	}
	return extension
}

// Context is the test's; the ledger has none of its own.
func (w *world) Context() context.Context { return w.T.Context() }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func recharge(amount rating.Money, extensions ...string) rating.Recharge {
	r := rating.Recharge{Key: fmt.Sprintf("key %d / ü", number.Add(1)), Amount: amount, By: "test", At: time.Now(), Note: "note"}
	for _, e := range extensions {
		r.Payees = append(r.Payees, rating.Payee{Extension: e, Username: "User" + e})
	}
	return r
}

// newCall names a call of an extension.
func newCall(extension string) rating.CallID {
	return rating.NewCallID(extension, fmt.Sprint(number.Add(1)), "tag", 1)
}

func authorization(extension string, t rating.Tariff) rating.Authorization {
	rate := rating.NewRate()
	rate.Tariff = t
	return rating.Authorization{Call: newCall(extension), Extension: extension, Node: "gw1", Tariff: t, Day: day, At: time.Now(), Ring: time.Minute,
		Draft: rating.CDR{Extension: extension, Username: "User" + extension, Dialled: "9" + extension, Rate: &rate, StartedAt: time.Now(), Node: "gw1", Currency: "USD"}}
}

// ring authorises a call that must be let in.
func (w *world) ring(extension string, t rating.Tariff) (rating.CallID, rating.Grant) {
	w.Helper()
	a := authorization(extension, t)
	g, err := w.Authorize(w.Context(), a)
	w.must(err)
	return a.Call, g
}

// talk authorises and answers a call.
func (w *world) talk(extension string, t rating.Tariff) (rating.CallID, rating.Grant) {
	w.Helper()
	call, _ := w.ring(extension, t)
	g, err := w.Answer(w.Context(), answer(call, extension))
	w.must(err)
	return call, g
}

func answer(call rating.CallID, extension string) rating.Answer {
	return rating.Answer{Call: call, Node: "gw1", At: time.Now(), Dialog: []byte("both\x00legs"),
		Draft: rating.CDR{Extension: extension, Username: "User" + extension, Dialled: "9" + extension, Trunk: "FXO-1"}}
}

func (w *world) extend(call rating.CallID, extension string, have int64) (rating.Grant, error) {
	return w.Extend(w.Context(), rating.Extend{Call: call, Extension: extension, Node: "gw1", HaveUnits: have})
}

// settlement ends a call that talked for some seconds; 0 is not answered.
func settlement(call rating.CallID, extension string, seconds int64) rating.Settlement {
	s := rating.Settlement{Call: call, Node: "gw1", Ended: time.Now(), Talked: time.Duration(seconds) * time.Second,
		CDR: rating.CDR{Extension: extension, Username: "User" + extension, Dialled: "9" + extension, Disposition: rating.Cancelled, EndedBy: rating.ByCaller, Node: "gw1"}}
	if seconds > 0 {
		s.Answered, s.CDR.Disposition = s.Ended.Add(-s.Talked), rating.Answered
	}
	return s
}

func (w *world) settle(call rating.CallID, extension string, seconds int64) rating.Settled {
	w.Helper()
	s, err := w.Settle(w.Context(), settlement(call, extension, seconds))
	w.must(err)
	return s
}

// wantMoney compares what an account has.
func (w *world) wantMoney(extension string, balance, held rating.Money, calls int64) {
	w.Helper()
	a, err := w.Account(w.Context(), extension)
	w.must(err)
	if a.Balance != balance || a.Held != held || a.ActiveCalls != calls {
		w.Errorf("account %s: balance %s, held %s, %d calls; want %s, %s, %d", extension, a.Balance, a.Held, a.ActiveCalls, balance, held, calls)
	}
}

// filed returns all records of an extension.
func (w *world) filed(extension string) []rating.Filed {
	w.Helper()
	var mine []rating.Filed
	for _, f := range outbox(w.T, w.Ledger) {
		if f.Entry != nil && f.Entry.Extension == extension || f.CDR != nil && f.CDR.Extension == extension {
			mine = append(mine, f)
		}
	}
	return mine
}

// within repeats a check until it holds, for at most ten seconds.
func (w *world) within(what string, f func() bool) {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s: not within ten seconds", what)
		}
	}
}
