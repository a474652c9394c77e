package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

func TestTheAccountFollowsItsExtension(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		e := must(c.AddExtension(ctx, extension("101"), "ann"))(t)
		if a := ledger.account("101"); e.Version != 1 || a.version != 1 || a.Terms != e.Terms || a.by != "ann" || a.called != "Extension 101" {
			t.Errorf("after adding: %+v at version %d", a, e.Version)
		}
		if held, err := c.AddExtension(ctx, rating.NewExtension("101"), "ann"); !errors.Is(err, rating.ErrAccountExists) || held.Username != e.Username {
			t.Errorf("adding it again gave %+v, %v", held, err)
		}
		if held, err := c.EnsureExtension(ctx, rating.NewExtension("101"), "system"); err != nil || held.Username != e.Username {
			t.Errorf("hearing of it again gave %+v, %v", held, err)
		}
		must(c.EditExtensions(ctx, []string{"101"}, "bob", func(e rating.Extension) (rating.Extension, error) {
			e.CallerID = "4930"
			return e, nil
		}))(t)
		if a := ledger.account("101"); a.version != 1 {
			t.Errorf("an edit that leaves the terms alone was applied to the account: %+v", a)
		}
		must(c.EditExtensions(ctx, []string{"101"}, "bob", lock))(t)
		if a := ledger.account("101"); a.version != 3 || a.Status != rating.Locked || a.by != "bob" {
			t.Errorf("after locking: %+v", a)
		}
	})
}

func TestDeletingClosesTheAccountFirst(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		ledger.set(func() { ledger.busy["101"] = true })
		if err := c.DeleteExtension(ctx, "101", "ann", nil); !errors.Is(err, rating.ErrActiveCalls) {
			t.Errorf("deleting with a call up: %v", err)
		}
		if _, ok := c.Current().Extension("101"); !ok || client.HLen(ctx, stepsKey).Val() != 0 {
			t.Error("a refused deletion left something behind")
		}
		must(c.EditExtensions(ctx, []string{"101"}, "", lock))(t)

		ledger.set(func() { ledger.busy["101"] = false })
		if err := c.DeleteExtension(ctx, "101", "ann", nil); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Current().Extension("101"); ok || !ledger.account("101").closed {
			t.Error("the extension or its account is still there")
		}
		for name, err := range map[string]error{"deleting": c.DeleteExtension(ctx, "101", "", nil), "editing": second(c.EditExtensions(ctx, []string{"101"}, "", lock))} {
			if !errors.Is(err, rating.ErrNotFound) || !errors.Is(err, rating.ErrUnknownExtension) {
				t.Errorf("%s what is not there: %v", name, err)
			}
		}
		again := must(c.AddExtension(ctx, extension("101"), ""))(t)
		if a := ledger.account("101"); again.Version != 4 || a.closed || a.version != 4 || again.Status != rating.Unlocked {
			t.Errorf("used again the number has %+v, its account %+v; want version 4 of a new life", again, a)
		}
	})
}

func second[A any](_ A, err error) error { return err }

func TestABulkEditIsForAllOrForNone(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		for _, n := range numbers(3) {
			must(c.AddExtension(ctx, extension(n), ""))(t)
		}
		tooMuch := func(e rating.Extension) (rating.Extension, error) {
			e.Status = rating.Locked
			if e.Number == "1001" {
				e.Credit = -1
			}
			return e, nil
		}
		for name, refused := range map[string]error{
			"one of them invalid":  second(c.EditExtensions(ctx, numbers(3), "", tooMuch)),
			"one of them unknown":  second(c.EditExtensions(ctx, append(numbers(3), "9999"), "", lock)),
			"one of them twice":    second(c.EditExtensions(ctx, append(numbers(3), "1000"), "", lock)),
			"none":                 second(c.EditExtensions(ctx, nil, "", lock)),
			"the edit itself says": second(c.EditExtensions(ctx, numbers(3), "", func(e rating.Extension) (rating.Extension, error) { return e, rating.ErrVersion })),
		} {
			if refused == nil {
				t.Errorf("%s: not refused", name)
			}
		}
		var faults Faults
		if err := second(c.EditExtensions(ctx, numbers(3), "", tooMuch)); !errors.As(err, &faults) || faults[0].Row != 1 || faults[0].Field != "credit" {
			t.Errorf("the faulty row is not named: %v", err)
		}
		var bad rating.Invalid
		if err := second(c.EditExtensions(ctx, []string{"1001"}, "", tooMuch)); !errors.As(err, &bad) || bad[0].Field != "credit" {
			t.Errorf("one extension alone has no row: %v", err)
		}
		for _, n := range numbers(3) {
			if e, _ := c.Current().Extension(n); e.Status != rating.Unlocked || e.Version != 1 {
				t.Errorf("%s is changed: %+v", n, e)
			}
		}
		locked := must(c.EditExtensions(ctx, numbers(3), "", lock))(t)
		for i, n := range numbers(3) {
			if locked[i].Number != n || locked[i].Status != rating.Locked || ledger.account(n).Status != rating.Locked {
				t.Errorf("%s: %+v, account %+v", n, locked[i], ledger.account(n))
			}
		}
	})
}

func TestExtensionsAreImportedAllOrNone(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		same := func(e rating.Extension) (rating.Extension, error) { return e, nil }
		credit := func(e rating.Extension) (rating.Extension, error) { e.Credit = 5 * rating.Unit; return e, nil }
		var faults Faults
		_, err := c.ImportExtensions(ctx, []rating.ExtensionRow{sheetRow("101", same, rating.Unit), sheetRow("102", same, -1), sheetRow("103", credit, -6*rating.Unit), sheetRow("1 4", same, 0)}, "", false)
		if !errors.As(err, &faults) || len(faults) != 4 || faults[0].Field != "balance" || faults[3].Row != 3 || faults[3].Field != "number" {
			t.Errorf("a number that is none, after other faults: %v", err)
		}
		_, err = c.ImportExtensions(ctx, []rating.ExtensionRow{sheetRow("101", same, rating.Unit), sheetRow("102", same, -1), sheetRow("103", credit, -6*rating.Unit), sheetRow("104", same, 0)}, "", false)
		if !errors.As(err, &faults) || len(faults) != 3 || faults[0].Field != "balance" || faults[2].Row != 2 {
			t.Errorf("openings that cannot be: %v", err)
		}
		if c.Current().Extensions() != 1 {
			t.Error("a refused import left something behind")
		}
		rows := []rating.ExtensionRow{sheetRow("101", lock, 0), sheetRow("102", same, rating.Unit), sheetRow("103", credit, -5*rating.Unit), sheetRow("104", same, 0)}
		for _, dry := range []bool{true, false} {
			if done, err := c.ImportExtensions(ctx, rows, "ann", dry); err != nil || done != (rating.Imported{Created: 3, Updated: 1}) {
				t.Errorf("dry=%t: import gave %+v, %v", dry, done, err)
			}
			if dry && (c.Current().Extensions() != 1 || ledger.calls != 1) {
				t.Error("a dry run did something")
			}
		}
		for number, want := range map[string]rating.Money{"101": 0, "102": rating.Unit, "103": -5 * rating.Unit, "104": 0} {
			if a, e := ledger.account(number), must2(c.Current().Extension(number)); a.balance != want || a.Terms != e.Terms {
				t.Errorf("%s: account %+v, want balance %s and terms %+v", number, a, want, e.Terms)
			}
		}
		if e := must2(c.Current().Extension("101")); e.Username != "Extension 101" || e.Status != rating.Locked {
			t.Errorf("the import of an existing number replaced what it did not name: %+v", e)
		}
	})
}

func must2[T any](value *T, ok bool) T {
	if !ok {
		var none T
		return none
	}
	return *value
}

// The node that edits dies after the documents are written and before their accounts are: another one does the rest.
func TestAnEditCutInHalfIsFinishedByAnotherNode(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, dying, healthy := t.Context(), newLedger(), newLedger()
		first := New(client, dying, Options{Log: quiet})
		var rows []rating.ExtensionRow
		for i, n := range numbers(30) {
			rows = append(rows, sheetRow(n, func(e rating.Extension) (rating.Extension, error) { return e, nil }, rating.Money(i)*rating.Unit))
		}
		dying.down = fmt.Errorf("%w: killed", rating.ErrUnavailable)
		if _, err := first.ImportExtensions(ctx, rows, "ann", false); !errors.Is(err, rating.ErrUnavailable) || !strings.Contains(err.Error(), "is stored") {
			t.Fatalf("the import said %v", err)
		}
		second := node(t, client, healthy, Options{FinishAfter: 50 * time.Millisecond, PollEvery: 20 * time.Millisecond})
		within(t, 3*time.Second, "all accounts are open", func() bool { return client.HLen(ctx, stepsKey).Val() == 0 })
		for i, n := range numbers(30) {
			if a := healthy.account(n); a.balance != rating.Money(i)*rating.Unit || a.closed || a.by != "ann" {
				t.Fatalf("account %s is %+v", n, a)
			}
		}
		if second.Current().Extensions() != 30 {
			t.Errorf("%d extensions", second.Current().Extensions())
		}

		if err := first.DeleteExtension(ctx, "1000", "ann", nil); !errors.Is(err, rating.ErrUnavailable) {
			t.Errorf("deleting without ledger: %v", err)
		}
		within(t, 3*time.Second, "the extension is deleted", func() bool {
			_, there := second.Current().Extension("1000")
			return !there && healthy.account("1000").closed
		})
	})
}

func TestAnEditWaitsForTheUnfinishedOneBefore(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		const patience = 100 * time.Millisecond
		c := New(client, ledger, Options{Log: quiet, patience: patience})
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		ledger.set(func() { ledger.down = rating.ErrUnavailable })
		postpaid := func(e rating.Extension) (rating.Extension, error) { e.PaymentType = rating.Postpaid; return e, nil }
		if _, err := c.EditExtensions(ctx, []string{"101"}, "", postpaid); !errors.Is(err, rating.ErrUnavailable) {
			t.Fatal(err)
		}
		seen := 0
		ledger.set(func() { ledger.down = nil; seen = ledger.calls })
		began := time.Now()
		must(c.EditExtensions(ctx, []string{"101"}, "", func(e rating.Extension) (rating.Extension, error) { e.PaymentType = rating.Prepaid; return e, nil }))(t)
		if a := ledger.account("101"); a.version != 3 || a.PaymentType != rating.Prepaid || ledger.calls != seen+2 {
			t.Errorf("the account is %+v after %d steps, want both steps, in order", a, ledger.calls-seen)
		}
		if took := time.Since(began); took < patience {
			t.Errorf("the step of a writer who may be alive was taken over after %s", took)
		}
	})
}

func TestOnlyOneNodeFinishesAtATime(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		client.HSet(ctx, stepsKey, "101", step{Do: setTerms, Version: 2, Terms: rating.NewExtension("").Terms}.encode(), "102", "rubbish", "103", `{"do":"dance"}`)
		client.Set(ctx, finisherKey, "1", time.Minute)
		if err := c.Finish(ctx); err != nil || ledger.calls != 0 {
			t.Errorf("while another node finishes: %v, %d steps", err, ledger.calls)
		}
		client.Del(ctx, finisherKey)
		if err := c.Finish(ctx); err != nil || ledger.calls != 1 || client.HLen(ctx, stepsKey).Val() != 0 || client.Exists(ctx, finisherKey).Val() != 0 {
			t.Errorf("finishing: %v, %d steps done, %d left", err, ledger.calls, client.HLen(ctx, stepsKey).Val())
		}
	})
}

func TestAnExtensionWithAForeignAccountKeepsThatMoney(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ledger := newLedger()
		ledger.accounts["101"] = account{balance: 7 * rating.Unit, ref: "somebody else's"}
		c := New(client, ledger, Options{Log: quiet})
		_, err := c.ImportExtensions(t.Context(), []rating.ExtensionRow{sheetRow("101", lock, rating.Unit)}, "", false)
		if a := ledger.account("101"); !errors.Is(err, rating.ErrAccountExists) || a.balance != 7*rating.Unit || a.Status != rating.Locked {
			t.Errorf("import said %v, the account is %+v", err, a)
		}
		if client.HLen(context.Background(), stepsKey).Val() != 0 {
			t.Error("the step is still in the way")
		}
	})
}

func sheetRow(number string, edit func(rating.Extension) (rating.Extension, error), opening rating.Money) rating.ExtensionRow {
	return rating.ExtensionRow{Number: number, Edit: edit, Opening: opening}
}
