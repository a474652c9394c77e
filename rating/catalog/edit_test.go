package catalog

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func TestOfEditsMadeOnOneVersionExactlyOneWins(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		nodes := []*Catalog{New(client, newLedger(), Options{Log: quiet}), New(client, newLedger(), Options{Log: quiet})}
		r := must(nodes[0].AddRate(t.Context(), rate("9")))(t)
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				_, err := nodes[i%2].EditRate(t.Context(), r.ID, func(held rating.Rate) (rating.Rate, error) {
					if held.Version != r.Version {
						return held, rating.ErrVersion
					}
					held.Remark = fmt.Sprint("writer ", i)
					return held, nil
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, rating.ErrVersion):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 15 {
			t.Errorf("%d won and %d lost, want 1 and 15", won.Load(), lost.Load())
		}
	})
}

func TestEditsOnAnyVersionAllTakeEffect(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ledger := newLedger()
		nodes := []*Catalog{New(client, ledger, Options{Log: quiet}), New(client, ledger, Options{Log: quiet})}
		must(nodes[0].AddExtension(t.Context(), extension("101"), ""))(t)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 5 {
					_, err := nodes[i%2].EditExtensions(t.Context(), []string{"101"}, "", func(e rating.Extension) (rating.Extension, error) {
						e.Credit += rating.Unit
						return e, nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if err := nodes[0].Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		e, _ := nodes[0].Current().Extension("101")
		if e.Credit != 40*rating.Unit || e.Version != 41 {
			t.Errorf("credit %s at version %d, want 40.0000 at 41", e.Credit, e.Version)
		}
		if a := ledger.account("101"); a.Terms != e.Terms || a.version != e.Version {
			t.Errorf("the account has %+v at %d, want %+v at %d", a.Terms, a.version, e.Terms, e.Version)
		}
	})
}

func TestAnEditThatChangesNothingKeepsTheVersion(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := New(client, ledger, Options{Log: quiet})
		e := must(c.AddExtension(ctx, extension("101"), ""))(t)
		version, calls := c.Current().Version, ledger.calls
		same := must(c.EditExtensions(ctx, []string{"101"}, "", func(e rating.Extension) (rating.Extension, error) { return e, nil }))(t)
		if same[0].Version != e.Version || c.Current().Version != version || ledger.calls != calls {
			t.Errorf("version %d of the extension, %d of the catalog, %d calls of the ledger; want %d, %d, %d", same[0].Version, c.Current().Version,
				ledger.calls, e.Version, version, calls)
		}
	})
}

func TestTrunksRulesAndSettingsHoldTogether(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, newLedger(), Options{Log: quiet})
		c.Start(ctx)
		var bad rating.Invalid
		if _, err := c.AddDialRule(ctx, rule("9", "a")); !errors.As(err, &bad) || bad[0].Field != "trunks" {
			t.Errorf("a rule with a trunk that does not exist: %v", err)
		}
		must(c.AddTrunk(ctx, trunk("a")))(t)
		if _, err := c.AddTrunk(ctx, trunk("a")); !errors.Is(err, rating.ErrConflict) {
			t.Errorf("a trunk that exists: %v", err)
		}
		r := must(c.AddDialRule(ctx, rule("9", "a")))(t)
		_, err := c.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) {
			s.EmergencyTrunks = []string{"b"}
			return s, nil
		})
		if !errors.As(err, &bad) || bad[0].Field != "emergency_trunks" {
			t.Errorf("an emergency trunk that does not exist: %v", err)
		}
		s := must(c.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) {
			s.EmergencyTrunks = []string{"a"}
			return s, nil
		}))(t)
		if s.Version != 2 {
			t.Errorf("the first edit of the default settings (version 1) gave version %d", s.Version)
		}
		if err := c.DeleteTrunk(ctx, "a", nil); !errors.Is(err, rating.ErrConflict) || !strings.Contains(err.Error(), fmt.Sprintf("dial rule %d, the setting emergency_trunks", r.ID)) {
			t.Errorf("deleting a trunk in use: %v", err)
		}
		if err := c.DeleteDialRule(ctx, r.ID, nil); err != nil {
			t.Error(err)
		}
		must(c.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) { s.EmergencyTrunks = nil; return s, nil }))(t)
		if err := c.DeleteTrunk(ctx, "a", nil); err != nil {
			t.Errorf("deleting a trunk that nobody uses: %v", err)
		}
		if err := c.DeleteTrunk(ctx, "a", nil); !errors.Is(err, rating.ErrNotFound) {
			t.Errorf("deleting it again: %v", err)
		}
		_, err = c.EditTrunk(ctx, "a", func(t rating.Trunk) (rating.Trunk, error) { return t, nil })
		if !errors.Is(err, rating.ErrNotFound) {
			t.Errorf("editing it: %v", err)
		}
	})
}

// While one node adds rules for a trunk, another deletes the trunk: no rule ever names a trunk that is not there.
func TestNoRuleNamesATrunkThatIsDeletedMeanwhile(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		a, b := New(client, nil, Options{Log: quiet}), New(client, nil, Options{Log: quiet})
		for range 20 {
			must(a.AddTrunk(ctx, trunk("x")))(t)
			var added, deleted error
			var made rating.DialRule
			var both sync.WaitGroup
			both.Go(func() { made, added = a.AddDialRule(ctx, rule("9", "x")) })
			both.Go(func() { deleted = b.DeleteTrunk(ctx, "x", nil) })
			both.Wait()
			if (added == nil) == (deleted == nil) {
				t.Fatalf("adding the rule gave %v, deleting its trunk %v: exactly one can succeed", added, deleted)
			}
			if added == nil {
				if err := errors.Join(a.DeleteDialRule(ctx, made.ID, nil), a.DeleteTrunk(ctx, "x", nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestFirstActivationIsStampedOnce(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		c := New(client, nil, Options{Log: quiet})
		first := time.Date(2019, 5, 29, 17, 14, 57, 0, time.UTC)
		activate := func(active bool, at time.Time) rating.Billing {
			return must(c.EditBilling(t.Context(), func(b rating.Billing) (rating.Billing, error) {
				b.Active, b.FirstActivatedAt = active, &at
				return b, nil
			}))(t)
		}
		activate(true, first)
		activate(false, first.Add(time.Hour))
		b := activate(true, first.Add(2*time.Hour))
		if !b.Active || !b.FirstActivatedAt.Equal(first) || b.Version != 4 || !c.Current().Billing.Active {
			t.Errorf("billing is %+v, want active since %s at version 4", b, first)
		}
		_, err := New(client, nil, Options{}).EditBilling(t.Context(), func(rating.Billing) (rating.Billing, error) { return rating.Billing{Active: true}, nil })
		if err != nil {
			t.Errorf("activation after the first needs no time: %v", err)
		}
	})
}

func TestAnIDIsNeverGivenTwice(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		a, b := must(c.AddRate(ctx, rate("1")))(t), must(c.AddRate(ctx, rate("2")))(t)
		if err := c.DeleteRate(ctx, b.ID, nil); err != nil {
			t.Fatal(err)
		}
		if next := must(c.AddRate(ctx, rate("3")))(t); a.ID != 1 || b.ID != 2 || next.ID != 3 || next.Version != 1 {
			t.Errorf("rates got %d, %d, and after a deletion %d at version %d", a.ID, b.ID, next.ID, next.Version)
		}
		client.Del(ctx, idsKey)
		if next := must(c.AddRate(ctx, rate("4")))(t); next.ID != 4 {
			t.Errorf("after the counter was lost a rate got id %d", next.ID)
		}
		_, err := c.EditRate(ctx, 1, func(r rating.Rate) (rating.Rate, error) { r.ID = 9; return r, nil })
		if !errors.Is(err, rating.ErrConflict) {
			t.Errorf("changing an id: %v", err)
		}
	})
}

func TestRatesAreImportedAllOrNone(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx := t.Context()
		c := New(client, nil, Options{Log: quiet})
		held := must(c.AddRate(ctx, rate("1")))(t)
		set := func(prefix string) func(rating.Rate) (rating.Rate, error) {
			return func(r rating.Rate) (rating.Rate, error) { r.Prefix = prefix; return r, nil }
		}
		rows := []rating.RateRow{{ID: held.ID, Edit: set("9")}, {Edit: set("2")}, {ID: 70, Edit: set("x")}, {Edit: set("y")}}
		var faults Faults
		if _, err := c.ImportRates(ctx, rows, false); !errors.As(err, &faults) || len(faults) != 2 || faults[0].Row != 2 || faults[1].Row != 3 || faults[0].Field != "prefix" {
			t.Errorf("a sheet with two faults: %v", err)
		}
		if n := len(c.Current().Rates.Rates()); n != 1 {
			t.Errorf("a refused sheet left %d rates, want 1", n)
		}
		rows[2].Edit, rows[3].Edit = set("3"), set("4")
		version := c.Current().Version
		for _, dry := range []bool{true, false} {
			if done, err := c.ImportRates(ctx, rows, dry); err != nil || done != (rating.Imported{Created: 3, Updated: 1}) {
				t.Errorf("dry=%t: import gave %+v, %v", dry, done, err)
			}
			if dry && c.Current().Version != version {
				t.Error("a dry run wrote something")
			}
		}
		var prefixes []string
		for _, r := range c.Current().Rates.Rates() {
			prefixes = append(prefixes, fmt.Sprint(r.ID, ":", r.Prefix))
		}
		if got := strings.Join(prefixes, " "); got != "1:9 70:3 71:2 72:4" {
			t.Errorf("rates are %s", got)
		}
		if _, err := c.ImportRates(ctx, []rating.RateRow{{ID: 1, Edit: set("1")}, {ID: 1, Edit: set("2")}}, false); !errors.As(err, &faults) || faults[0].Field != "id" {
			t.Errorf("one id twice: %v", err)
		}
	})
}

// A client library sends a command again when the answer is lost.
func TestAWriteThatIsSentTwiceIsWrittenOnce(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		c := New(client, nil, Options{Log: quiet})
		w := write{kind: rateKind, documents: []putDocument{{id: "1", value: "1 {}"}}}
		for range 2 {
			if err := c.storeAs(t.Context(), "the same", w); err != nil {
				t.Error(err)
			}
		}
		if err := c.store(t.Context(), w); !errors.Is(err, errOutrun) {
			t.Errorf("another write of the same document: %v", err)
		}
		if version := client.HGet(t.Context(), headKey, "version").Val(); version != "1" {
			t.Errorf("the catalog is at version %s", version)
		}
	})
}
