package ledgertest

import (
	"errors"
	"sync"
	"sync/atomic"

	"tollgate/rating"
)

var (
	perMinute  = rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	perSecond  = rating.Tariff{PerUnit: 10_000, BillingUnit: 1}
	perSix     = rating.Tariff{PerUnit: 60_000, BillingUnit: 6}
	freeMinute = rating.Tariff{InitialTime: 60, PerUnit: 30_000, BillingUnit: 60}
)

func (w *world) wantRefused(got error, want error) {
	w.Helper()
	if !errors.Is(got, want) {
		w.Errorf("got %v, want %v", got, want)
	}
}

func firstChargeIsHeld(w *world) {
	for _, c := range []struct {
		tariff rating.Tariff
		units  int64
		held   rating.Money
	}{
		{perMinute, 0, 100_000}, {perSecond, 1, 10_000}, {perSix, 1, 60_000}, {freeMinute, 1, 30_000},
	} {
		e := w.account(rating.Unit)
		_, g := w.ring(e, c.tariff)
		if g.Units != c.units || g.Held != c.held || g.Available != rating.Unit-c.held || g.Tariff != c.tariff || g.Answered {
			w.Errorf("%+v: granted %+v", c.tariff, g)
		}
		w.wantMoney(e, rating.Unit, c.held, 1)
	}
}

func authorizingTwiceHoldsOnce(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	first, err := w.Authorize(w.Context(), a)
	w.must(err)
	again, err := w.Authorize(w.Context(), a)
	w.must(err)
	if first != again {
		w.Errorf("first %+v, again %+v", first, again)
	}
	w.wantMoney(e, rating.Unit, 100_000, 1)
}

func noCreditRefuses(w *world) {
	e := w.account(99_999)
	g, err := w.Authorize(w.Context(), authorization(e, perMinute))
	w.wantRefused(err, rating.ErrNoCredit)
	if g.Available != 99_999 {
		w.Errorf("available is said to be %s", g.Available)
	}
	w.wantMoney(e, 99_999, 0, 0)
}

func creditCounts(w *world) {
	e := w.accountWith(0, rating.Terms{BillingEnabled: true, PaymentType: rating.Postpaid, Status: rating.Unlocked, Credit: 150_000})
	w.ring(e, perMinute)
	_, err := w.Authorize(w.Context(), authorization(e, perMinute))
	w.wantRefused(err, rating.ErrNoCredit)
	w.wantMoney(e, 0, 100_000, 1)
}

func lockedRefuses(w *world) {
	e := w.accountWith(rating.Unit, rating.Terms{PaymentType: rating.Prepaid, Status: rating.Locked})
	_, err := w.Authorize(w.Context(), authorization(e, perMinute))
	w.wantRefused(err, rating.ErrLocked)
	free := authorization(e, rating.Tariff{})
	free.Unbilled = rating.BillingDisabled
	_, err = w.Authorize(w.Context(), free)
	w.wantRefused(err, rating.ErrLocked)
	w.wantMoney(e, rating.Unit, 0, 0)
}

func unknownRefuses(w *world) {
	_, err := w.Authorize(w.Context(), authorization("never-seen", perMinute))
	w.wantRefused(err, rating.ErrUnknownExtension)
	_, err = w.Authorize(w.Context(), authorization("{00}a:101", perMinute))
	w.wantRefused(err, rating.ErrUnknownExtension)
	_, err = w.Account(w.Context(), "never-seen")
	w.wantRefused(err, rating.ErrUnknownExtension)
}

func concurrentCallsLimited(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perSecond)
	a.Limits.ConcurrentCalls = 2
	first, _ := w.ring(e, perSecond)
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	third := authorization(e, perSecond)
	third.Limits.ConcurrentCalls = 2
	_, err = w.Authorize(w.Context(), third)
	w.wantRefused(err, rating.ErrLimit)
	w.settle(first, e, 0)
	_, err = w.Authorize(w.Context(), third)
	w.must(err)
}

func dailySpendRefuses(w *world) {
	e := w.account(10 * rating.Unit)
	call := authorization(e, perMinute)
	call.Limits.DailySpend = 250_000
	_, err := w.Authorize(w.Context(), call)
	w.must(err)
	w.settle(call.Call, e, 60) // 0.10 of 0.25
	next := authorization(e, perMinute)
	next.Limits.DailySpend = 250_000
	_, err = w.Authorize(w.Context(), next) // and 0.10 held
	w.must(err)
	over := authorization(e, perMinute)
	over.Limits.DailySpend = 250_000
	_, err = w.Authorize(w.Context(), over)
	w.wantRefused(err, rating.ErrLimit)
	over.Day = "2019-06-01"
	_, err = w.Authorize(w.Context(), over)
	w.must(err)
	if spent, err := w.Spent(w.Context(), e, day); err != nil || spent != 200_000 {
		w.Errorf("spent %s, %v; want 0.2000", spent, err)
	}
	w.settle(next.Call, e, 0)
	if spent, err := w.Spent(w.Context(), e, day); err != nil || spent != 100_000 {
		w.Errorf("spent %s, %v; want 0.1000", spent, err)
	}
}

func dailySpendEndsCall(w *world) {
	e := w.account(100 * rating.Unit)
	a := authorization(e, perSix)
	a.Limits.DailySpend = 200_000 // three units of 0.06
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	_, err = w.Answer(w.Context(), answer(a.Call, e))
	w.must(err)
	other := authorization(e, perSix)
	other.Day = "2019-06-01"
	_, err = w.Authorize(w.Context(), other) // another day takes nothing away
	w.must(err)
	for have := int64(1); have <= 2; have++ {
		g, err := w.extend(a.Call, e, have)
		w.must(err)
		if g.Units != have+1 {
			w.Fatalf("near the limit %d units came at once", g.Units-have)
		}
	}
	g, err := w.extend(a.Call, e, 3)
	w.wantRefused(err, rating.ErrLimit)
	if g.Units != 3 || g.Held != 180_000 {
		w.Errorf("at the limit the call has %+v", g)
	}
}

func emergencyPasses(w *world) {
	locked := w.accountWith(0, rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Locked})
	for _, e := range []string{locked, "nobody-knows"} {
		a := authorization(e, rating.Tariff{})
		a.Unbilled, a.Limits.ConcurrentCalls = rating.EmergencyCall, 1
		for range 2 {
			a.Call = newCall(e)
			_, err := w.Authorize(w.Context(), a)
			w.must(err)
		}
		g, err := w.Answer(w.Context(), answer(a.Call, e))
		w.must(err)
		if g, err = w.extend(a.Call, e, g.Units); err != nil || g.Held != 0 {
			w.Errorf("extend: %+v, %v", g, err)
		}
		if s := w.settle(a.Call, e, 100); s.Cost != 0 || s.Duration != 100 {
			w.Errorf("an emergency call is settled as %+v", s)
		}
	}
	if _, err := w.Account(w.Context(), "nobody-knows"); !errors.Is(err, rating.ErrUnknownExtension) {
		w.Errorf("an emergency call opened an account: %v", err)
	}
	if f := w.filed("nobody-knows"); len(f) != 1 || f[0].Entry != nil || f[0].CDR.Duration != 100 {
		w.Errorf("filed %+v", f)
	}
}

func unbilledNeedsNoMoney(w *world) {
	e := w.account(0)
	for _, why := range []rating.Unbilled{rating.BillingDeactivated, rating.BillingDisabled, rating.Unrated, rating.FreeRate} {
		a := authorization(e, rating.Tariff{InitialCost: 5, PerUnit: 5, BillingUnit: 1}) // not looked at
		a.Unbilled = why
		g, err := w.Authorize(w.Context(), a)
		w.must(err)
		if g.Held != 0 || g.Tariff != (rating.Tariff{}) {
			w.Errorf("%s: granted %+v", why, g)
		}
		_, err = w.Answer(w.Context(), answer(a.Call, e))
		w.must(err)
		if s := w.settle(a.Call, e, 3600); s.Cost != 0 || s.Duration != 3600 || s.Balance != 0 {
			w.Errorf("%s: settled %+v", why, s)
		}
	}
}

// fiveHundred: of very many callers at once exactly those are let in whose first charge there is money for.
func fiveHundred(w *world) {
	const callers = 500
	tariff := rating.Tariff{InitialCost: rating.Unit / 10, InitialTime: 60, PerUnit: rating.Unit / 10, BillingUnit: 60}
	e := w.account(50 * rating.Unit)
	var admitted, refused atomic.Int64
	var all sync.WaitGroup
	for range callers + 1 {
		all.Go(func() {
			a := authorization(e, tariff)
			_, err := w.Authorize(w.Context(), a)
			for errors.Is(err, rating.ErrUnavailable) && w.Context().Err() == nil { // a busy machine: ask again
				_, err = w.Authorize(w.Context(), a)
			}
			switch {
			case err == nil:
				admitted.Add(1)
			case errors.Is(err, rating.ErrNoCredit):
				refused.Add(1)
			default:
				w.Error(err)
			}
		})
	}
	all.Wait()
	if admitted.Load() != callers || refused.Load() != 1 {
		w.Errorf("%d admitted, %d refused; want %d, 1", admitted.Load(), refused.Load(), callers)
	}
	w.wantMoney(e, 50*rating.Unit, 50*rating.Unit, callers)
}
