package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

// begun stores the intent of a recharge and returns it as the process holds it that is about to prepare.
func begun(t *testing.T, l *Ledger, r rating.Recharge) intent {
	t.Helper()
	body, err := json.Marshal(intentBodyOf(r))
	if err != nil {
		t.Fatal(err)
	}
	name := intentName(r.Key)
	said, err := l.run(t.Context(), beginScript, []string{intentKey(name), unfinishedKey(intentShard(name))}, name, digest(r), "attempt 1", body)
	if err != nil {
		t.Fatal(err)
	}
	i, err := decodeIntent(name, said)
	if err != nil || i.state != preparing {
		t.Fatalf("begun as %+v, %v", i, err)
	}
	return i
}

// wantUntouched fails where an account has another balance than 0, or keeps something back for a recharge.
func wantUntouched(t *testing.T, l *Ledger, extensions ...string) {
	t.Helper()
	for _, e := range extensions {
		keys, err := keysOf(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.redis.HMGet(t.Context(), keys.account, "bal", "out", "pin", "pend").Result()
		if err != nil || !slices.Equal(got, []any{"0", "0", "0", "0"}) {
			t.Errorf("%s: balance, out, pin, pend are %v, %v", e, got, err)
		}
	}
}

// TestAProcessThatIsLateDoesNotReviveARefusedRecharge: it still prepares when another one has refused the recharge and
// told so. Meanwhile the reason is gone: the account that was missing is there.
func TestAProcessThatIsLateDoesNotReviveARefusedRecharge(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	payees := []string{"101", "102", "103", "104"} // of several shards; the last is missing
	for _, e := range payees[:3] {
		openRich(t, l, e)
	}
	for _, amount := range []rating.Money{5, -5} {
		r := rating.Recharge{Key: fmt.Sprint("key ", amount), Amount: amount, Note: "note", At: time.Now()}
		for _, e := range append(payees[:3:3], fmt.Sprint("missing", amount)) {
			r.Payees = append(r.Payees, rating.Payee{Extension: e})
		}
		late := begun(t, l, r)
		if _, err := l.drive(t.Context(), late); !errors.Is(err, rating.ErrUnknownExtension) {
			t.Fatalf("the first process is told %v", err)
		}
		openRich(t, l, r.Payees[3].Extension)
		if _, err := l.drive(t.Context(), late); !errors.Is(err, rating.ErrUnknownExtension) {
			t.Errorf("the late process is told %v", err)
		}
		wantUntouched(t, l, r.Extensions()...)

		// It may also be so late that somebody has used the key again, with success.
		receipts, err := l.Recharge(t.Context(), r)
		if err != nil || len(receipts) != 4 {
			t.Fatalf("the key was not free: %v", err)
		}
		if _, err := l.drive(t.Context(), late); !errors.Is(err, errGone) {
			t.Errorf("the very late process is told %v", err)
		}
		back := rating.Recharge{Key: r.Key + " back", Amount: -amount, Note: "note", Payees: r.Payees, At: time.Now()}
		if _, err := l.Recharge(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		wantUntouched(t, l, r.Extensions()...)
	}
}

func TestAProcessThatIsLateRepeatsTheAnswerOfAnAppliedRecharge(t *testing.T) {
	l := New(redistest.Start(t), Options{Node: "gw1"})
	r := rating.Recharge{Key: "key", Amount: 5, At: time.Now()}
	for _, e := range []string{"101", "102", "103"} {
		openRich(t, l, e)
		r.Payees = append(r.Payees, rating.Payee{Extension: e})
	}
	late := begun(t, l, r)
	first, err := l.drive(t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{preparing, applying} {
		stale := late
		stale.state = state
		again, err := l.drive(t.Context(), stale)
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("from %s: first %+v, again %+v, %v", state, first, again, err)
		}
	}
	for _, e := range r.Extensions() {
		if a, err := l.Account(t.Context(), e); err != nil || a.Balance != 5 || a.Seq != 1 {
			t.Errorf("account %+v, %v", a, err)
		}
	}
}
