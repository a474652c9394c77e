package ledgertest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger"
	"tollgate/rating/ledger/ledgertest"
)

// TestRechargeKilledAtEachStepIsAppliedWholeOrNotAtAll lets the process of a batch recharge die at every command that
// it sends, before it is sent or before the reply is read, until one dies no more. Another node finishes what it left.
func TestRechargeKilledAtEachStepIsAppliedWholeOrNotAtAll(t *testing.T) {
	server := redistest.StartServer(t, redistest.Config("appendfsync", "no"))
	steady := server.Client()
	other := ledger.New(steady, ledger.Options{Node: "gw2"})
	for name, batch := range map[string]struct {
		amount  rating.Money
		opened  int // of five payees; the last may be missing
		refused error
	}{
		"recharge":             {rating.Unit, 5, nil},
		"adjustment":           {-rating.Unit / 2, 5, nil},
		"one payee is missing": {rating.Unit, 4, rating.ErrUnknownExtension},
		"one payee is poor":    {-2 * rating.Unit, 5, rating.ErrNoCredit},
	} {
		for _, unheard := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reply lost %v", name, unheard), func(t *testing.T) {
				for commands := int64(0); ; commands++ {
					r := rating.Recharge{Key: fmt.Sprint(name, unheard, commands), Amount: batch.amount, Note: "note", By: "test", At: time.Now()}
					for i := range 5 {
						e := fmt.Sprintf("c%d-%v-%d-%d", len(name), unheard, commands, i)
						r.Payees = append(r.Payees, rating.Payee{Extension: e})
						if i < batch.opened {
							open(t, other, e, rating.Unit+rating.Money(i)*5*rating.Unit)
						}
					}
					client := server.Client()
					client.AddHook(dying(commands, unheard))
					_, err := ledger.New(client, ledger.Options{Node: "gw1"}).Recharge(t.Context(), r)
					if _, err := other.FinishIntents(t.Context()); err != nil {
						t.Fatal(err)
					}
					applied := wholeOrNothing(t, other, r, batch.opened)
					if applied && batch.refused != nil || err == nil && !applied {
						t.Fatalf("after %d commands: applied %v, answered %v", commands, applied, err)
					}
					if _, again := other.Recharge(t.Context(), r); !errors.Is(again, batch.refused) {
						t.Fatalf("after %d commands the repeat says %v", commands, again)
					}
					if wholeOrNothing(t, other, r, batch.opened) != (batch.refused == nil) {
						t.Fatalf("after %d commands and the repeat: applied %v", commands, !(batch.refused == nil))
					}
					nothingSetAside(t, steady, r.Extensions()[:batch.opened])
					if !errors.Is(err, errKilled) {
						if !errors.Is(err, batch.refused) || commands < 5 {
							t.Fatalf("undisturbed after %d commands: %v", commands, err)
						}
						return
					}
				}
			})
		}
	}
	ledgertest.Laws(t, other)
}

func open(t *testing.T, l *ledger.Ledger, extension string, balance rating.Money) {
	t.Helper()
	terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked}
	err := l.Open(t.Context(), rating.Opening{Extension: extension, Terms: terms, Version: 1, Balance: balance, Ref: "test"})
	if err != nil {
		t.Fatal(err)
	}
}

// nothingSetAside fails where an account still keeps something back for a recharge.
func nothingSetAside(t *testing.T, client redis.UniversalClient, extensions []string) {
	t.Helper()
	for _, e := range extensions {
		fields, err := client.HMGet(t.Context(), fmt.Sprintf("{%02d}a:%s", rating.ShardOf(e), e), "out", "pin", "pend").Result()
		if err != nil || !slices.Equal(fields, []any{"0", "0", "0"}) {
			t.Fatalf("account %s keeps out, pin, pend %v, %v", e, fields, err)
		}
	}
}

// wholeOrNothing reports whether a recharge was applied to every account once; it fails where that is true of some only.
func wholeOrNothing(t *testing.T, l *ledger.Ledger, r rating.Recharge, opened int) bool {
	t.Helper()
	accounts, err := l.Accounts(t.Context(), r.Extensions()[:opened])
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for i, a := range accounts {
		switch before := rating.Unit + rating.Money(i)*5*rating.Unit; a.Balance {
		case before:
		case before + r.Amount:
			changed++
		default:
			t.Fatalf("account %d has %s", i, a.Balance)
		}
	}
	if changed != 0 && changed != len(r.Payees) {
		t.Fatalf("%d of %d accounts were changed", changed, len(r.Payees))
	}
	return changed > 0
}
