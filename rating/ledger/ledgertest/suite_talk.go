package ledgertest

import (
	"errors"
	"sync"

	"tollgate/rating"
)

func richHoldsAhead(w *world) {
	for _, c := range []struct {
		name   string
		tariff rating.Tariff
		units  int64 // held after the answer
		more   int64 // after the first extension, at once
	}{
		{"seconds", perSecond, 60, 61},
		{"six seconds", perSix, 10, 11},
		{"an initial minute covers the horizon", perMinute, 0, 1},
		{"minutes: the first is paid", rating.Tariff{PerUnit: 1000, BillingUnit: 60}, 1, 2},
		{"an hour: one unit is more than the horizon", rating.Tariff{PerUnit: 1000, BillingUnit: 3600}, 1, 2},
	} {
		e := w.account(1000 * rating.Unit)
		call, g := w.talk(e, c.tariff)
		if g.Units != c.units || g.Held != c.tariff.CostOfUnits(c.units) || g.Available != 1000*rating.Unit-g.Held {
			w.Errorf("%s: answered with %+v, want %d units", c.name, g, c.units)
		}
		if g, err := w.extend(call, e, c.units); err != nil || g.Units != c.more || g.Held != c.tariff.CostOfUnits(c.more) {
			w.Errorf("%s: extended to %+v, %v, want %d units", c.name, g, err, c.more)
		}
	}
}

func poorPaysUnitByUnit(w *world) {
	e := w.account(300_000) // five units of six seconds: not rich
	call, g := w.talk(e, perSix)
	for want := int64(1); want <= 5; want++ {
		if g.Units != want || g.Held != perSix.CostOfUnits(want) {
			w.Fatalf("granted %+v, want %d units", g, want)
		}
		var err error
		g, err = w.extend(call, e, g.Units)
		if want < 5 {
			w.must(err)
			continue
		}
		w.wantRefused(err, rating.ErrNoCredit)
	}
	w.wantMoney(e, 300_000, 300_000, 1)
}

func answeringTwice(w *world) {
	e := w.account(100 * rating.Unit)
	call, _ := w.ring(e, perSecond)
	first, err := w.Answer(w.Context(), answer(call, e))
	w.must(err)
	again, err := w.Answer(w.Context(), answer(call, e))
	w.must(err)
	if first != again {
		w.Errorf("first %+v, again %+v", first, again)
	}
	w.wantMoney(e, 100*rating.Unit, 600_000, 1)
}

func extendingTwice(w *world) {
	e := w.account(rating.Unit)
	call, g := w.talk(e, perSix)
	first, err := w.extend(call, e, g.Units)
	w.must(err)
	again, err := w.extend(call, e, g.Units)
	w.must(err)
	if first != again || first.Units != g.Units+1 {
		w.Errorf("had %+v, first %+v, again %+v", g, first, again)
	}
	byID, err := w.Extend(w.Context(), rating.Extend{Call: call, Node: "gw1", HaveUnits: first.Units}) // who pays is looked up
	w.must(err)
	if byID.Units != first.Units+1 {
		w.Errorf("without extension: %+v", byID)
	}
}

func extendRefusedThenRecharged(w *world) {
	e := w.account(119_999) // a micro-unit is missing
	call, g := w.talk(e, perSix)
	refused, err := w.extend(call, e, g.Units)
	w.wantRefused(err, rating.ErrNoCredit)
	if refused.Units != 1 || refused.Held != 60_000 || refused.Available != 59_999 {
		w.Errorf("refused with %+v", refused)
	}
	_, err = w.Recharge(w.Context(), recharge(1, e))
	w.must(err)
	if g, err = w.extend(call, e, g.Units); err != nil || g.Units != 2 {
		w.Errorf("after the recharge: %+v, %v", g, err)
	}
}

func lockDoesNotStopExtend(w *world) {
	e := w.account(rating.Unit)
	call, g := w.talk(e, perSix)
	w.must(w.SetTerms(w.Context(), e, rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Locked}, 2, "U", "test"))
	_, err := w.extend(call, e, g.Units)
	w.must(err)
}

func loweredCredit(w *world) {
	terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Postpaid, Status: rating.Unlocked, Credit: 120_000}
	e := w.accountWith(0, terms)
	call, g := w.talk(e, perSix)
	terms.Credit = 0
	w.must(w.SetTerms(w.Context(), e, terms, 2, "U", "test"))
	refused, err := w.extend(call, e, g.Units)
	w.wantRefused(err, rating.ErrNoCredit)
	if refused.Units != 1 || refused.Available != -60_000 {
		w.Errorf("refused with %+v", refused)
	}
	if s := w.settle(call, e, 6); s.Cost != 60_000 || s.Balance != -60_000 {
		w.Errorf("settled %+v", s)
	}
	terms.Credit = 60_000
	w.must(w.SetTerms(w.Context(), e, terms, 3, "U", "test")) // for the laws
}

func settleCharges(w *world) {
	for _, c := range []struct {
		tariff  rating.Tariff
		seconds int64
	}{
		{perMinute, 1}, {perMinute, 60}, {perMinute, 61}, {perMinute, 115}, {perMinute, 116}, {perMinute, 238},
		{perSecond, 1}, {perSecond, 60}, {perSix, 6}, {perSix, 7}, {freeMinute, 59}, {freeMinute, 61}, {freeMinute, 121},
	} {
		e := w.account(1000 * rating.Unit)
		call, g := w.talk(e, c.tariff)
		for paid, _ := c.tariff.PaidFor(g.Units); paid < c.seconds; paid, _ = c.tariff.PaidFor(g.Units) {
			var err error
			g, err = w.extend(call, e, g.Units)
			w.must(err)
		}
		s := w.settle(call, e, c.seconds)
		want := rating.Settled{Duration: c.seconds, Units: c.tariff.Units(c.seconds), Cost: c.tariff.Cost(c.seconds), Balance: 1000*rating.Unit - c.tariff.Cost(c.seconds)}
		if s != want {
			w.Errorf("%d s at %+v: %+v, want %+v", c.seconds, c.tariff, s, want)
		}
		w.wantMoney(e, want.Balance, 0, 0)
	}
}

func settlingTwice(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.talk(e, perMinute)
	first := w.settle(call, e, 30)
	if again := w.settle(call, e, 59); first != again {
		w.Errorf("first %+v, again %+v", first, again)
	}
	w.wantMoney(e, 900_000, 0, 0)
	if f := w.filed(e); len(f) != 2 {
		w.Errorf("%d records, want a recharge and a call", len(f))
	}
}

func talkBeyondGrant(w *world) {
	e := w.account(120_000)
	call, g := w.talk(e, perSix)
	_, err := w.extend(call, e, g.Units)
	w.must(err)
	want := rating.Settled{Duration: 12, Units: 2, Cost: 120_000, Balance: 0}
	if s := w.settle(call, e, 1000); s != want {
		w.Errorf("settled %+v, want %+v", s, want)
	}
}

func unansweredIsFree(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.ring(e, perMinute)
	if s := w.settle(call, e, 0); s != (rating.Settled{Balance: rating.Unit}) {
		w.Errorf("settled %+v", s)
	}
	w.wantMoney(e, rating.Unit, 0, 0)
}

func settleWithoutAnswer(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.ring(e, perMinute)
	if s := w.settle(call, e, 45); s.Cost != 100_000 || s.Duration != 45 {
		w.Errorf("settled %+v", s)
	}
}

func settledIsOver(w *world) {
	e := w.account(rating.Unit)
	a := authorization(e, perMinute)
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	w.settle(a.Call, e, 0)
	_, err = w.Authorize(w.Context(), a)
	w.wantRefused(err, rating.ErrSettled)
	if g, err := w.Answer(w.Context(), answer(a.Call, e)); err != nil || !g.Settled {
		w.Errorf("answer: %+v, %v", g, err)
	}
	if g, err := w.extend(a.Call, e, 0); err != nil || !g.Settled {
		w.Errorf("extend: %+v, %v", g, err)
	}
	if g, err := w.extend(a.Call, "", 0); err != nil || !g.Settled {
		w.Errorf("extend by id: %+v, %v", g, err)
	}
	w.wantRefused(w.SaveDialog(w.Context(), a.Call, nil), rating.ErrSettled)
	_, err = w.Call(w.Context(), a.Call)
	w.wantRefused(err, rating.ErrSettled)
	w.wantMoney(e, rating.Unit, 0, 0)
}

func unknownCall(w *world) {
	e := w.account(rating.Unit)
	call := newCall(e)
	_, err := w.Answer(w.Context(), answer(call, e))
	w.wantRefused(err, rating.ErrNoCall)
	_, err = w.extend(call, e, 0)
	w.wantRefused(err, rating.ErrNoCall)
	_, err = w.Settle(w.Context(), settlement(call, e, 10))
	w.wantRefused(err, rating.ErrNoCall)
	_, err = w.Call(w.Context(), call)
	w.wantRefused(err, rating.ErrNoCall)
	w.wantRefused(w.SaveDialog(w.Context(), call, nil), rating.ErrNoCall)
	w.wantRefused(w.HangUp(w.Context(), call), rating.ErrNoCall)
	for _, bad := range []rating.CallID{"", "call", "{00}", "99aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		_, err = w.Call(w.Context(), bad)
		w.wantRefused(err, rating.ErrNoCall)
	}
}

func foreignCallID(w *world) {
	e, victim := w.account(rating.Unit), ""
	for victim == "" || rating.ShardOf(victim) == rating.ShardOf(e) {
		victim = w.account(rating.Unit)
	}
	a := authorization(e, perMinute)
	a.Call = newCall(victim)
	_, err := w.Authorize(w.Context(), a)
	w.wantRefused(err, rating.ErrConflict)

	neighbour := w.account(rating.Unit)
	for rating.ShardOf(neighbour) != rating.ShardOf(e) {
		neighbour = w.account(rating.Unit)
	}
	call, g := w.talk(e, perSix)
	a = authorization(neighbour, perSix)
	a.Call = call
	_, err = w.Authorize(w.Context(), a)
	w.wantRefused(err, rating.ErrConflict)
	_, err = w.extend(call, neighbour, g.Units)
	w.wantRefused(err, rating.ErrConflict)
	_, err = w.Settle(w.Context(), settlement(call, neighbour, 10))
	w.wantRefused(err, rating.ErrConflict)
	w.wantMoney(neighbour, rating.Unit, 0, 0)
	w.wantMoney(e, rating.Unit, 60_000, 1)
}

// twentyDrain: calls that compete for one balance spend it to less than one unit, and never more.
func twentyDrain(w *world) {
	const calls, balance = 20, 2_003_333
	e := w.account(balance)
	unit := rating.Tariff{PerUnit: 7_000, BillingUnit: 1}
	granted := make(map[rating.CallID]rating.Grant)
	for range calls {
		call, g := w.talk(e, unit)
		granted[call] = g
	}
	var all sync.WaitGroup
	for call, have := range granted {
		all.Go(func() {
			for {
				next, err := w.extend(call, e, have.Units)
				if errors.Is(err, rating.ErrNoCredit) {
					break
				}
				if err != nil {
					w.Error(err)
					return
				}
				if next.Available < 0 {
					w.Errorf("available is %s", next.Available)
				}
				have = next
			}
			paid, _ := unit.PaidFor(have.Units)
			if _, err := w.Settle(w.Context(), settlement(call, e, paid)); err != nil {
				w.Error(err)
			}
		})
	}
	all.Wait()
	a, err := w.Account(w.Context(), e)
	w.must(err)
	if a.Balance < 0 || a.Balance >= unit.PerUnit || a.Held != 0 || a.ActiveCalls != 0 {
		w.Errorf("left over: %+v", a)
	}
}

func hangUpReaches(w *world) {
	e := w.account(rating.Unit)
	node := ledgerOf(w.redis, "hangs-up-"+e)
	a := authorization(e, perMinute)
	a.Node = node.Node
	_, err := w.Authorize(w.Context(), a)
	w.must(err)
	var listening sync.WaitGroup
	defer listening.Wait()
	ctx, stop := contextWithStop(w)
	defer stop()
	listening.Go(func() {
		err := node.HangUps(ctx, func(id rating.CallID) {
			s := settlement(id, e, 0)
			s.Node = node.Node
			if _, err := node.Settle(w.Context(), s); err != nil {
				w.Error(err)
			}
		})
		if err != nil {
			w.Error(err)
		}
	})
	w.must(w.HangUp(w.Context(), a.Call))
	w.wantMoney(e, rating.Unit, 0, 0)
}
