package ledgertest

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"tollgate/rating"
)

var prepaid = rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked}

func rechargeApplies(w *world) {
	a, b := w.account(0), w.account(rating.Unit)
	r := recharge(5*rating.Unit, a, b)
	receipts, err := w.Recharge(w.Context(), r)
	w.must(err)
	if len(receipts) != 2 || receipts[0].Extension != a || receipts[1].Before != rating.Unit || receipts[1].After != 6*rating.Unit ||
		receipts[0].Username != "User"+a || !receipts[0].At.Equal(r.At.Truncate(time.Microsecond)) {
		w.Errorf("receipts %+v", receipts)
	}
	account, err := w.Account(w.Context(), b)
	w.must(err)
	if account.TotalRecharges != 6*rating.Unit || account.Seq != 2 {
		w.Errorf("account %+v", account)
	}
	line := w.filed(a)[0].Entry
	if line.Kind != rating.RechargeEntry || line.Ref != r.Key || line.By != "test" || line.Note != "note" || line.Amount != 5*rating.Unit || line.Seq != 1 {
		w.Errorf("journal line %+v", line)
	}
}

func rechargeAllOrNothing(w *world) {
	a, b := w.account(0), w.account(0)
	r := recharge(rating.Unit, a, "missing-"+a, b)
	_, err := w.Recharge(w.Context(), r)
	w.wantRefused(err, rating.ErrUnknownExtension)
	w.wantMoney(a, 0, 0, 0)
	w.wantMoney(b, 0, 0, 0)
	w.must(w.Close(w.Context(), a, 1, "test")) // nothing is left prepared
	w.must(w.SetTerms(w.Context(), a, prepaid, 2, "U", "test"))
	w.must(w.SetTerms(w.Context(), "missing-"+a, prepaid, 1, "U", "test"))
	_, err = w.Recharge(w.Context(), r) // the key was not used up
	w.must(err)
	w.wantMoney(b, rating.Unit, 0, 0)
}

func rechargeKey(w *world) {
	e := w.account(0)
	r := recharge(rating.Unit, e)
	first, err := w.Recharge(w.Context(), r)
	w.must(err)
	call, _ := w.talk(e, perMinute)
	w.settle(call, e, 10)
	r.At = r.At.Add(time.Hour)
	again, err := w.Recharge(w.Context(), r)
	w.must(err)
	if !reflect.DeepEqual(first, again) {
		w.Errorf("first %+v, again %+v", first, again)
	}
	for _, other := range []func(r *rating.Recharge){
		func(r *rating.Recharge) { r.Amount++ },
		func(r *rating.Recharge) { r.Note += "." },
		func(r *rating.Recharge) { r.Payees = append(r.Payees, rating.Payee{Extension: w.account(0)}) },
	} {
		changed := r
		other(&changed)
		_, err := w.Recharge(w.Context(), changed)
		w.wantRefused(err, rating.ErrKeyReused)
	}
	w.wantMoney(e, 900_000, 0, 0)
}

func thirtyRecharges(w *world) {
	a, b, c := w.account(0), w.account(0), w.account(0)
	r := recharge(rating.Unit, a, b, c)
	var all sync.WaitGroup
	answers := make([][]rating.Receipt, 30)
	for i := range answers {
		all.Go(func() {
			var err error
			if answers[i], err = w.Recharge(w.Context(), r); err != nil {
				w.Error(err)
			}
		})
	}
	all.Wait()
	for _, answer := range answers {
		if !reflect.DeepEqual(answer, answers[0]) {
			w.Errorf("answers differ: %+v and %+v", answer, answers[0])
		}
	}
	for _, e := range []string{a, b, c} {
		w.wantMoney(e, rating.Unit, 0, 0)
	}
}

func adjustment(w *world) {
	e, rich := w.account(rating.Unit), w.account(10*rating.Unit)
	call, _ := w.ring(e, perMinute)
	_, err := w.Recharge(w.Context(), recharge(-900_001, rich, e))
	w.wantRefused(err, rating.ErrNoCredit)
	w.wantMoney(rich, 10*rating.Unit, 0, 0)
	receipts, err := w.Recharge(w.Context(), recharge(-900_000, rich, e))
	w.must(err)
	if receipts[1].Before != rating.Unit || receipts[1].After != 100_000 {
		w.Errorf("receipts %+v", receipts)
	}
	w.settle(call, e, 1)
	a, err := w.Account(w.Context(), e)
	w.must(err)
	if a.Balance != 0 || a.TotalRecharges != rating.Unit {
		w.Errorf("account %+v", a)
	}
	if line := w.filed(e)[1].Entry; line.Kind != rating.AdjustmentEntry || line.Amount != -900_000 {
		w.Errorf("journal line %+v", line)
	}
}

func rechargeRange(w *world) {
	e, other := w.account(rating.MaxMoney), w.account(0)
	_, err := w.Recharge(w.Context(), recharge(1, other, e))
	w.wantRefused(err, rating.ErrRange)
	w.wantMoney(other, 0, 0, 0)
	call, g := w.talk(e, perSecond)
	if g.Available != rating.MaxMoney-600_000 {
		w.Errorf("granted %+v", g)
	}
	w.settle(call, e, 1)
	w.wantMoney(e, rating.MaxMoney-10_000, 0, 0)
}

func bigRecharge(w *world) {
	const most = 230
	r := recharge(rating.Unit)
	for i := 0; len(r.Payees) < most; i++ {
		e := fmt.Sprintf("big%d", i)
		if rating.ShardOf(e) != 7 && i > 20 {
			continue
		}
		w.must(w.SetTerms(w.Context(), e, prepaid, 1, "U", "test"))
		r.Payees = append(r.Payees, rating.Payee{Extension: e})
	}
	receipts, err := w.Recharge(w.Context(), r)
	w.must(err)
	accounts, err := w.Accounts(w.Context(), r.Extensions())
	w.must(err)
	for i, a := range accounts {
		if a.Extension != r.Payees[i].Extension || a.Balance != rating.Unit || receipts[i].Extension != a.Extension || receipts[i].After != rating.Unit {
			w.Fatalf("account %+v, receipt %+v", a, receipts[i])
		}
	}
	if len(accounts) != most {
		w.Errorf("%d accounts", len(accounts))
	}
}

func termsApplyWhenNewer(w *world) {
	e := w.account(0)
	newer := rating.Terms{PaymentType: rating.Prepaid, Status: rating.Locked, Credit: 7}
	w.must(w.SetTerms(w.Context(), e, newer, 5, "U", "test"))
	w.must(w.SetTerms(w.Context(), e, prepaid, 4, "U", "test"))
	w.must(w.SetTerms(w.Context(), e, prepaid, 5, "U", "test"))
	a, err := w.Account(w.Context(), e)
	w.must(err)
	if a.Terms != newer || a.TermsVersion != 5 {
		w.Errorf("account %+v", a)
	}
}

func paymentTypeChange(w *world) {
	e := w.account(3 * rating.Unit)
	post := prepaid
	post.PaymentType = rating.Postpaid
	w.must(w.SetTerms(w.Context(), e, post, 2, "Renamed", "boss"))
	w.must(w.SetTerms(w.Context(), e, post, 3, "Renamed", "boss"))
	a, err := w.Account(w.Context(), e)
	w.must(err)
	if a.TotalRecharges != 0 || a.Balance != 3*rating.Unit || a.PaymentType != rating.Postpaid || a.Seq != 2 {
		w.Errorf("account %+v", a)
	}
	line := w.filed(e)[1].Entry
	if line.Kind != rating.PaymentTypeEntry || line.Amount != 0 || line.By != "boss" || line.Username != "Renamed" || line.At.IsZero() {
		w.Errorf("journal line %+v", line)
	}
}

func closeAndReopen(w *world) {
	e := w.account(3 * rating.Unit)
	w.must(w.Close(w.Context(), e, 1, "boss"))
	w.must(w.Close(w.Context(), e, 1, "boss"))
	w.wantMoney(e, 0, 0, 0)
	if line := w.filed(e)[1].Entry; line.Kind != rating.ClosingEntry || line.Amount != -3*rating.Unit || line.By != "boss" || line.Username != "User"+e {
		w.Errorf("journal line %+v", line)
	}
	_, err := w.Authorize(w.Context(), authorization(e, perMinute))
	w.wantRefused(err, rating.ErrUnknownExtension)
	_, err = w.Recharge(w.Context(), recharge(rating.Unit, e))
	w.wantRefused(err, rating.ErrUnknownExtension)
	w.must(w.SetTerms(w.Context(), e, prepaid, 1, "U", "test")) // an old version does not open it again
	if a, err := w.Account(w.Context(), e); err != nil || !a.Closed {
		w.Errorf("account %+v, %v", a, err)
	}
	w.must(w.SetTerms(w.Context(), e, prepaid, 2, "U", "test"))
	_, err = w.Recharge(w.Context(), recharge(rating.Unit, e))
	w.must(err)
	a, err := w.Account(w.Context(), e)
	w.must(err)
	if a.Closed || a.Balance != rating.Unit || a.Seq != 3 || a.TotalRecharges != rating.Unit {
		w.Errorf("account %+v", a)
	}
	w.must(w.Close(w.Context(), e, 1, "boss")) // a closing of the life before, late: by a process that was slow
	w.wantMoney(e, rating.Unit, 0, 0)
	w.wantRefused(w.Close(w.Context(), "no-such-account", 1, "boss"), rating.ErrUnknownExtension)
}

func closeWithCall(w *world) {
	e := w.account(rating.Unit)
	call, _ := w.ring(e, perMinute)
	w.wantRefused(w.Close(w.Context(), e, 1, "boss"), rating.ErrActiveCalls)
	w.settle(call, e, 0)
	w.must(w.Close(w.Context(), e, 1, "boss"))
}

func openOnce(w *world) {
	o := rating.Opening{Extension: fmt.Sprintf("imp%d", number.Add(1)), Username: "I", Terms: prepaid, Version: 1, Balance: 7 * rating.Unit, By: "boss", Ref: "sheet 1"}
	w.must(w.Open(w.Context(), o))
	w.must(w.Open(w.Context(), o))
	w.wantMoney(o.Extension, 7*rating.Unit, 0, 0)
	if f := w.filed(o.Extension); len(f) != 1 || f[0].Entry.Kind != rating.OpeningEntry || f[0].Entry.Amount != 7*rating.Unit || f[0].Entry.By != "boss" {
		w.Errorf("filed %+v", f)
	}
	o.Ref = "sheet 2"
	w.wantRefused(w.Open(w.Context(), o), rating.ErrAccountExists)
	o.Extension, o.Balance = o.Extension+"b", -1
	w.wantRefused(w.Open(w.Context(), o), rating.ErrNoCredit)
	o.Credit = 1
	w.must(w.Open(w.Context(), o))
	w.wantMoney(o.Extension, -1, 0, 0)
}
