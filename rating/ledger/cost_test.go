package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

// TestScriptAndTariffAgreeOnEveryCost settles calls of random tariffs, the largest included, that were granted random
// units, and compares with rating.Tariff to the micro-unit.
func TestScriptAndTariffAgreeOnEveryCost(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{
		"redis":  redistest.StartServer(t, redistest.Config("appendfsync", "no")).Client(),
		"memory": redistest.Memory(t),
	} {
		t.Run(name, func(t *testing.T) {
			l := New(client, Options{Node: "gw1"})
			for i := range 400 {
				tariff := randomTariff()
				granted := tariff.FirstUnits() + rand.Int64N(1+rand.Int64N(700_000))
				seconds := 1 + rand.Int64N(1+rand.Int64N(7*86_400))
				extension := fmt.Sprintf("x%d", i)
				openRich(t, l, extension)
				got := settleGranted(t, l, tariff, granted, seconds, extension)
				want := rating.Settled{Duration: seconds, Balance: got.Balance}
				if paid, bounded := tariff.PaidFor(granted); bounded {
					want.Duration = min(seconds, paid)
				}
				want.Units, want.Cost = tariff.Units(want.Duration), tariff.Cost(want.Duration)
				if got != want {
					t.Fatalf("%d s at %+v with %d units: got %+v, want %+v", seconds, tariff, granted, got, want)
				}
			}
		})
	}
}

// openRich opens an account with a balance of 0 and all the credit there is.
func openRich(t *testing.T, l *Ledger, extension string) {
	t.Helper()
	terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Postpaid, Status: rating.Unlocked, Credit: rating.MaxMoney}
	if err := l.SetTerms(t.Context(), extension, terms, 1, "U", "test"); err != nil {
		t.Fatal(err)
	}
}

// randomTariff favours the edges: nothing, one, the most there may be.
func randomTariff() rating.Tariff {
	pick := func(most int64) int64 {
		switch rand.IntN(4) {
		case 0:
			return 0
		case 1:
			return most
		case 2:
			return min(most, 1+rand.Int64N(120))
		}
		return rand.Int64N(most + 1)
	}
	t := rating.Tariff{InitialCost: rating.Money(pick(int64(rating.MaxPrice))), InitialTime: pick(rating.MaxTariffSeconds),
		PerUnit: rating.Money(pick(int64(rating.MaxPrice))), BillingUnit: pick(rating.MaxTariffSeconds)}
	if t.BillingUnit == 0 && t.PerUnit > 0 {
		t.BillingUnit = 1
	}
	return t
}

// settleGranted settles a call as if extensions had granted it so many units: these are written into the store.
func settleGranted(t *testing.T, l *Ledger, tariff rating.Tariff, granted, seconds int64, extension string) rating.Settled {
	t.Helper()
	id := rating.NewCallID(extension, "call", "tag", 1)
	_, err := l.Authorize(t.Context(), rating.Authorization{Call: id, Extension: extension, Tariff: tariff, Day: "2019-05-31", At: time.Now(), Ring: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	call, account, err := keysOfBoth(id, extension)
	if err != nil {
		t.Fatal(err)
	}
	hold := tariff.CostOfUnits(granted)
	for key, fields := range map[string][]any{call.call: {"k", granted, "h", int64(hold)}, account.account: {"held", int64(hold)}} {
		if err := l.redis.HSet(t.Context(), key, fields...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	before, err := l.Account(t.Context(), extension)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Settle(t.Context(), rating.Settlement{Call: id, Answered: time.Now(), Ended: time.Now(), Talked: time.Duration(seconds) * time.Second, CDR: rating.CDR{Extension: extension}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Balance != before.Balance-s.Cost {
		t.Fatalf("balance %s after %s at a cost of %s", s.Balance, before.Balance, s.Cost)
	}
	after, err := l.Account(t.Context(), extension)
	if err != nil || after.Balance != s.Balance || after.Held != 0 || after.ActiveCalls != 0 {
		t.Fatalf("account %+v, %v", after, err)
	}
	return s
}
