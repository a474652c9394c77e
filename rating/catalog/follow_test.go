package catalog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

func TestAnEditIsSeenOnEveryNodeWithinASecond(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		for _, deaf := range []bool{false, true} {
			ledger := newLedger()
			here := node(t, client, ledger, Options{deaf: deaf})
			there := node(t, client, ledger, Options{deaf: deaf})
			number := fmt.Sprintf("10%t", deaf)
			changes := there.Changes(t.Context())
			must(here.AddExtension(t.Context(), extension(number), "admin"))(t)
			if _, ok := here.Current().Extension(number); !ok {
				t.Error("a node does not see its own change at once")
			}
			took := within(t, time.Second, "the other node sees the extension", func() bool {
				_, ok := there.Current().Extension(number)
				return ok
			})
			t.Logf("deaf=%t: seen after %s", deaf, took)
			select {
			case <-changes:
			case <-time.After(time.Second):
				t.Error("nobody was told of the change")
			}
		}
	})
}

// Whatever happens on one node, the other one, which reads only changes, ends where a third one begins that reads all.
func TestFollowingEqualsReadingEverything(t *testing.T) {
	everyStore(t, func(t *testing.T, client redis.UniversalClient) {
		ctx, ledger := t.Context(), newLedger()
		writer := New(client, ledger, Options{Log: quiet})
		follower := New(client, ledger, Options{Log: quiet})
		writer.Start(ctx)
		follower.Start(ctx)
		random := rand.New(rand.NewPCG(1, 2))
		for step := range 80 {
			if err := randomEdit(ctx, writer, random); err != nil {
				t.Fatalf("edit %d: %v", step, err)
			}
			if random.IntN(3) > 0 {
				continue
			}
			if err := follower.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
			fresh := New(client, ledger, Options{Log: quiet})
			fresh.Start(ctx)
			if want, got := contents(fresh), contents(follower); got != want {
				t.Fatalf("after edit %d the follower has\n%s\nwant\n%s", step, got, want)
			}
		}
		if n := len(follower.Extensions()); n == 0 {
			t.Error("the edits left nothing to compare")
		}
	})
}

func randomEdit(ctx context.Context, c *Catalog, random *rand.Rand) (err error) {
	pick := fmt.Sprint(100 + random.IntN(20))
	rates, rules := c.Current().Rates.Rates(), c.Current().Plan.Rules()
	switch random.IntN(10) {
	case 0, 1, 2:
		_, err = c.EnsureExtension(ctx, extension(pick), "admin")
	case 3:
		err = ignore(c.DeleteExtension(ctx, pick, "admin", nil), rating.ErrNotFound)
	case 4:
		_, err = c.AddRate(ctx, rate(pick))
	case 5:
		if len(rates) > 5 {
			err = c.DeleteRate(ctx, rates[random.IntN(len(rates))].ID, nil)
		}
	case 6:
		if len(rates) > 0 {
			_, err = c.EditRate(ctx, rates[random.IntN(len(rates))].ID, func(r rating.Rate) (rating.Rate, error) {
				r.Remark, r.Active = pick, random.IntN(2) == 0
				return r, nil
			})
		}
	case 7:
		_, err = c.AddTrunk(ctx, trunk("t"+pick))
		if err = ignore(err, rating.ErrConflict); err == nil {
			_, err = c.AddDialRule(ctx, rule(pick, "t"+pick))
		}
	case 8:
		if len(rules) > 0 {
			err = c.DeleteDialRule(ctx, rules[random.IntN(len(rules))].ID, nil)
		}
	case 9:
		_, err = c.EditSettings(ctx, func(s rating.Settings) (rating.Settings, error) {
			s.RingTimeout = int64(100 + random.IntN(50))
			return s, nil
		})
	}
	return err
}

// contents are everything that a snapshot says, in an order of its own.
func contents(c *Catalog) string {
	d := c.Current().Documents()
	slices.SortFunc(d.Extensions, func(a, b rating.Extension) int { return strings.Compare(a.Number, b.Number) })
	return fmt.Sprintf("%+v", d)
}

func TestANodeThatMissedTooMuchReadsEverything(t *testing.T) {
	client := redistest.Start(t)
	ctx, ledger := t.Context(), newLedger()
	writer, sleeper := New(client, ledger, Options{Log: quiet}), New(client, ledger, Options{Log: quiet})
	writer.Start(ctx)
	must(writer.AddExtension(ctx, extension("101"), ""))(t)
	sleeper.Start(ctx)
	for _, c := range []struct {
		name   string
		missed func()
	}{
		{"more versions than the log has", func() {
			if err := client.XTrimMaxLen(ctx, logKey, 1).Err(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a log that somebody deleted", func() { client.Del(ctx, logKey) }},
		{"a batch too big to name", func() {
			rows := make([]rating.ExtensionRow, maxNamed+1)
			for i := range rows {
				rows[i] = rating.ExtensionRow{Number: fmt.Sprint(50000 + i), Edit: lock}
			}
			must(writer.ImportExtensions(ctx, rows, "", false))(t)
		}},
		{"many batches", func() {
			for batch := range maxRead/maxNamed + 1 {
				rows := make([]rating.RateRow, maxNamed)
				for i := range rows {
					rows[i] = rating.RateRow{Edit: func(r rating.Rate) (rating.Rate, error) {
						r.Prefix = fmt.Sprint(batch, i)
						r.Prefix = strings.ReplaceAll(r.Prefix, " ", "")
						return r, nil
					}}
				}
				must(writer.ImportRates(ctx, rows, false))(t)
			}
		}},
	} {
		must(writer.EditExtensions(ctx, []string{"101"}, "", func(e rating.Extension) (rating.Extension, error) {
			e.Username = c.name
			return e, nil
		}))(t)
		must(writer.AddRate(ctx, rate("9")))(t)
		c.missed()
		if err := sleeper.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		if got, want := contents(sleeper), contents(writer); got != want {
			t.Errorf("%s: the sleeper has %d extensions and %d rates, want %d and %d", c.name, sleeper.Current().Extensions(),
				len(sleeper.Current().Rates.Rates()), writer.Current().Extensions(), len(writer.Current().Rates.Rates()))
		}
	}
}

// A failover to a replica that lags, or a restored backup, may reach the same version with other contents.
func TestAStoreThatWentBackInTimeIsReadAnew(t *testing.T) {
	client := redistest.Start(t)
	ctx, ledger := t.Context(), newLedger()
	c := New(client, ledger, Options{Log: quiet})
	c.Start(ctx)
	must(c.AddExtension(ctx, extension("101"), ""))(t)
	must(c.AddExtension(ctx, extension("102"), ""))(t)
	version := c.Current().Version

	client.FlushAll(ctx)
	other := New(client, ledger, Options{Log: quiet})
	other.Start(ctx)
	must(other.AddExtension(ctx, extension("201"), ""))(t)
	must(other.AddExtension(ctx, extension("202"), ""))(t)
	if other.Current().Version != version {
		t.Fatalf("the test needs equal versions, has %d and %d", other.Current().Version, version)
	}
	if err := c.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(c), contents(other); got != want {
		t.Errorf("the node has\n%s\nwant\n%s", got, want)
	}
}

func TestReadingWhileOthersWriteEndsConsistent(t *testing.T) {
	client := redistest.Start(t)
	ctx, ledger := t.Context(), newLedger()
	writer := New(client, ledger, Options{Log: quiet})
	writer.Start(ctx)
	rows := make([]rating.RateRow, 1500)
	for i := range rows {
		rows[i] = rating.RateRow{Edit: func(r rating.Rate) (rating.Rate, error) { r.Prefix = fmt.Sprint(10000 + i); return r, nil }}
	}
	must(writer.ImportRates(ctx, rows, false))(t)
	stop := make(chan struct{})
	stopped := make(chan error)
	go func() { // moves a mark from rate to rate: at no moment there are two, and from the second on always one
		var err error
		for i := int64(1); err == nil; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			mark := func(remark string) func(rating.Rate) (rating.Rate, error) {
				return func(r rating.Rate) (rating.Rate, error) { r.Remark = remark; return r, nil }
			}
			rows := []rating.RateRow{{ID: i%1500 + 1, Edit: mark("marked")}, {ID: (i+1499)%1500 + 1, Edit: mark("")}}
			_, err = writer.ImportRates(ctx, rows, false)
		}
		stopped <- err
	}()
	within(t, 5*time.Second, "the mark moves", func() bool { return writer.Current().Version > 3 })
	for range 5 {
		c := New(client, ledger, Options{Log: quiet})
		if err := c.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		marked := 0
		for _, r := range c.Current().Rates.Rates() {
			if r.Remark == "marked" {
				marked++
			}
		}
		if marked != 1 || len(c.Current().Rates.Rates()) != 1500 {
			t.Errorf("a snapshot shows %d marks on %d rates, want 1 on 1500", marked, len(c.Current().Rates.Rates()))
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
