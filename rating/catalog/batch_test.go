package catalog

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
)

const largeBatch = 307

// small returns a node for which twenty documents are many, so that a batch has many portions.
func small(client redis.UniversalClient, ledger *ledger) *Catalog {
	return New(client, ledger, Options{Log: quiet, patience: 50 * time.Millisecond, direct: 20, portion: 6})
}

func largeSheet(opening rating.Money) []rating.ExtensionRow {
	rows := make([]rating.ExtensionRow, largeBatch)
	for i, n := range numbers(largeBatch) {
		rows[i] = sheetRow(n, func(e rating.Extension) (rating.Extension, error) { e.Username = n; return e, nil }, opening)
	}
	return rows
}

func TestALargeImportShowsAllAtOnce(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c, other := small(client, ledger), small(client, ledger)
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		done := make(chan error)
		go func() {
			_, err := c.ImportExtensions(ctx, largeSheet(rating.Unit), "ann", false)
			done <- err
		}()
		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
				running = false
			default:
			}
			fresh := small(client, ledger)
			for _, c := range []*Catalog{other, fresh} {
				if err := c.Refresh(ctx); err != nil {
					t.Fatal(err)
				}
				if n := c.Current().Extensions(); n != 1 && n != 1+largeBatch {
					t.Fatalf("a node sees %d of %d extensions", n, 1+largeBatch)
				}
			}
		}
		if n := other.Current().Extensions(); n != 1+largeBatch {
			t.Errorf("%d extensions", n)
		}
		for _, n := range numbers(largeBatch) {
			if a := ledger.account(n); a.balance != rating.Unit || a.called != n {
				t.Fatalf("account %s is %+v", n, a)
			}
		}
		if client.Exists(ctx, batchKey).Val() != 0 || client.HLen(ctx, stepsKey).Val() != 0 {
			t.Error("something is left behind")
		}
		locked := must(c.EditExtensions(ctx, numbers(largeBatch), "", lock))(t)
		if e, _ := c.Current().Extension("1003"); len(locked) != largeBatch || e.Status != rating.Locked || e.Version != 2 {
			t.Errorf("a large edit gave %+v", e)
		}
	})
}

// begun leaves a batch as a node leaves it that dies on the way.
func begun(t *testing.T, c *Catalog, rows []rating.ExtensionRow, commit bool) (id string) {
	t.Helper()
	ctx := t.Context()
	edits := make([]extensionEdit, len(rows))
	for i, row := range rows {
		edits[i] = extensionEdit{row.Number, mayAdd | mayEdit, row.Edit, row.Opening}
	}
	plan := must(c.planExtensions(ctx, "ann", edits))(t)
	id = "dead"
	if n := must(batchBeginScript.Run(ctx, c.client, []string{batchKey}, id, "extensions", batchPulse.Milliseconds()).Int())(t); n != 1 {
		t.Fatal("there is a batch already")
	}
	if err := c.stage(ctx, id, plan.write); err != nil {
		t.Fatal(err)
	}
	if commit {
		if err := c.commitBatch(ctx, id, plan.write); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

func TestALargeImportKilledBeforeItsCommitNeverHappened(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := small(client, ledger)
		id := begun(t, c, largeSheet(0), false)
		quick, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if _, err := c.AddExtension(quick, extension("101"), ""); err == nil {
			t.Error("the kind is reserved, and was written")
		}
		must(c.AddRate(ctx, rate("9")))(t) // other kinds are free
		if err := c.Finish(ctx); err != nil {
			t.Error(err)
		}
		if ttl := client.PTTL(ctx, batchKey).Val(); ttl <= 0 || ttl > batchPulse {
			t.Errorf("the reservation lasts %s", ttl)
		}
		client.Del(ctx, batchKey, stagedKey(id)) // what its time-out does
		must(c.AddExtension(ctx, extension("101"), ""))(t)
		if n := c.Current().Extensions(); n != 1 {
			t.Errorf("%d extensions", n)
		}
		late := write{kind: extensionKind, documents: []putDocument{{id: "102", value: "1 {}"}}}
		if err := c.stage(ctx, id, late); !errors.Is(err, errBatchLapsed) {
			t.Errorf("the writer comes back late, and stages: %v", err)
		}
		if err := c.commitBatch(ctx, id, late); !errors.Is(err, errBatchLapsed) {
			t.Errorf("and commits: %v", err)
		}
	})
}

func TestALargeImportKilledAfterItsCommitIsFinished(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		for name, finish := range map[string]func(*Catalog) error{
			"by a node that looks after leftovers": func(c *Catalog) error { return c.Finish(t.Context()) },
			"by a node that starts":                func(c *Catalog) error { return c.Refresh(t.Context()) },
			"by a node that edits": func(c *Catalog) error {
				_, err := c.AddExtension(t.Context(), extension("101"), "")
				return err
			},
		} {
			flush(t, client)
			ctx, ledger := t.Context(), newLedger()
			dead := small(client, ledger)
			id := begun(t, dead, largeSheet(rating.Unit), true)
			for range 3 { // it dies in the middle of writing
				keys := []string{batchKey, stagedKey(id), headKey, logKey, stepsKey, extensionKind.key()}
				if err := batchApplyScript.Run(ctx, client, keys, id, "stamp", logLength, changeChannel, 6).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if err := dead.dropBatch(ctx, id); err != nil || client.Exists(ctx, batchKey).Val() != 1 {
				t.Fatalf("a committed batch was dropped: %v", err)
			}
			if err := finish(small(client, ledger)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			node := small(client, ledger)
			if err := errors.Join(node.Finish(ctx), node.Refresh(ctx)); err != nil {
				t.Fatal(err)
			}
			if n := node.Current().Extensions(); n != largeBatch && n != largeBatch+1 {
				t.Errorf("%s: %d extensions", name, n)
			}
			for _, n := range numbers(largeBatch) {
				if a := ledger.account(n); a.balance != rating.Unit {
					t.Fatalf("%s: account %s is %+v", name, n, a)
				}
			}
		}
	})
}

func TestALargeImportRespectsStepsAndLimits(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		c := small(client, ledger)
		must(c.AddExtension(ctx, extension("1000"), ""))(t)
		ledger.down = rating.ErrUnavailable
		if _, err := c.EditExtensions(ctx, []string{"1000"}, "", lock); !errors.Is(err, rating.ErrUnavailable) {
			t.Fatal(err)
		}
		ledger.down = nil
		if _, err := c.ImportExtensions(ctx, largeSheet(0), "", false); err != nil { // waits, then does the step first
			t.Error(err)
		}
		if a := ledger.account("1000"); a.version != 3 || a.Status != rating.Locked {
			t.Errorf("the account is %+v", a)
		}
		w := write{kind: trunkKind}
		for i := range MaxTrunks + 1 {
			w.documents = append(w.documents, putDocument{id: fmt.Sprint("t", i), value: "1 {}"})
		}
		err := c.storeBatch(ctx, trunkKind, func(context.Context) (write, error) { return w, nil })
		if !errors.Is(err, rating.ErrConflict) || client.Exists(ctx, batchKey).Val() != 0 || client.HLen(ctx, trunkKind.key()).Val() != 0 {
			t.Errorf("more than a kind may hold: %v", err)
		}
	})
}
