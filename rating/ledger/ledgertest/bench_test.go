package ledgertest_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
	"tollgate/rating/ledger"
)

// The figures of these benchmarks are what DESIGN.md quotes. TOLLGATE_BENCH=1 go test -run TestFigures -v prints them.

const (
	benchAccounts = 1000
	benchWorkers  = 64
)

var benchTariff = rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}

// desk is a ledger with rich accounts, to measure.
type desk struct {
	*ledger.Ledger
	client *redis.Client
	calls  atomic.Uint32
}

func newDesk(t testing.TB, fsync string) *desk {
	t.Helper()
	o := redistest.StartServer(t, redistest.Config("appendfsync", fsync)).Options()
	o.PoolSize = benchWorkers
	client := redis.NewClient(o)
	t.Cleanup(func() { client.Close() })
	d := &desk{Ledger: ledger.New(client, ledger.Options{Node: "gw1"}), client: client}
	r := rating.Recharge{Key: "money", Amount: 1_000_000 * rating.Unit, By: "bench", At: time.Now()}
	for i := range benchAccounts {
		e := strconv.Itoa(1000 + i)
		terms := rating.Terms{BillingEnabled: true, PaymentType: rating.Prepaid, Status: rating.Unlocked}
		if err := d.SetTerms(t.Context(), e, terms, 1, "Extension"+e, "bench"); err != nil {
			t.Fatal(err)
		}
		r.Payees = append(r.Payees, rating.Payee{Extension: e, Username: "Extension" + e})
	}
	if _, err := d.Recharge(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return d
}

// invite is what the SIP side knows of a new call.
func (d *desk) invite() rating.Authorization {
	n := d.calls.Add(1)
	e := strconv.Itoa(1000 + int(n)%benchAccounts)
	rate := rating.NewRate()
	rate.ID, rate.Remark, rate.Prefix, rate.NumberLength, rate.Tariff = 1, "city", "9", 9, benchTariff
	id := rating.NewCallID(e, strconv.Itoa(int(n)), "tag", n)
	return rating.Authorization{Call: id, Extension: e, Node: "gw1", Tariff: benchTariff, Day: "2019-05-31", At: time.Now(), Ring: 3 * time.Minute,
		Draft: rating.CDR{ID: id, Extension: e, Username: "Extension" + e, Dialled: "988360046", Sent: "88360046", Trunk: "FXO-1", RateID: 1, Rate: &rate,
			StartedAt: time.Now(), Currency: "USD", Count: 1, Node: "gw1", CallIDA: "a84b4c76e66710@pc33.example.com", CallIDB: "b84b4c76e66710@10.0.0.1",
			Attempts: []rating.Attempt{{Trunk: "FXO-1", Code: 180}}}}
}

// dialog is about as long as two dialogs with their route sets are.
var dialog = []byte(strings.Repeat("dialog identifiers, route sets, targets, CSeqs; ", 15))

// call runs one call with an extension from its INVITE to its end.
func (d *desk) call(ctx context.Context) error {
	a := d.invite()
	if _, err := d.Authorize(ctx, a); err != nil {
		return err
	}
	g, err := d.Answer(ctx, rating.Answer{Call: a.Call, Node: "gw1", At: time.Now(), Dialog: dialog, Draft: a.Draft})
	if err != nil {
		return err
	}
	if _, err = d.Extend(ctx, rating.Extend{Call: a.Call, Extension: a.Extension, Node: "gw1", HaveUnits: g.Units}); err != nil {
		return err
	}
	cdr := a.Draft
	cdr.Disposition, cdr.SIPCode, cdr.EndedBy = rating.Answered, 200, rating.ByCaller
	s, err := d.Settle(ctx, rating.Settlement{Call: a.Call, Node: "gw1", Answered: a.At, Ended: a.At.Add(100 * time.Second), Talked: 100 * time.Second, CDR: cdr})
	if err == nil && s.Cost != 120_000 {
		err = fmt.Errorf("settled %+v", s)
	}
	return err
}

// cpu is what the server has used, user and system, in its main thread and all others.
func (d *desk) cpu(t testing.TB) time.Duration {
	t.Helper()
	info, err := d.client.Info(t.Context(), "cpu").Result()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, name := range []string{"used_cpu_sys:", "used_cpu_user:"} {
		_, rest, _ := strings.Cut(info, name)
		value, _, _ := strings.Cut(rest, "\r\n")
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += f
	}
	return time.Duration(sum * float64(time.Second))
}

func BenchmarkCallWithOneExtend(b *testing.B) {
	for _, fsync := range []string{"no", "everysec", "always"} {
		b.Run("fsync="+fsync, func(b *testing.B) {
			d := newDesk(b, fsync)
			before := d.cpu(b)
			b.SetParallelism(benchWorkers / 2)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := d.call(b.Context()); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64((d.cpu(b)-before).Microseconds())/float64(b.N), "redis-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// TestFigures prints what is promised: authorize at 400/s with fsync always, call cycles a second with everysec, and
// the processor time of Redis per call.
func TestFigures(t *testing.T) {
	if os.Getenv("TOLLGATE_BENCH") == "" {
		t.Skip("TOLLGATE_BENCH is not set")
	}
	d := newDesk(t, "always")
	for name, step := range map[string]func() error{
		"authorize":   func() error { _, err := d.Authorize(t.Context(), d.invite()); return err },
		"a plain SET": func() error { return d.client.Set(t.Context(), "plain", "x", 0).Err() }, // what this disk and client cost anybody
	} {
		took := openLoop(t, 400, 5*time.Second, step)
		slices.Sort(took)
		t.Logf("%s at 400/s, fsync always: p50 %v, p99 %v, max %v", name, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	}
	for _, fsync := range []string{"no", "everysec", "always"} {
		piped(t, newDesk(t, fsync), "fsync "+fsync)
	}
	for _, fsync := range []string{"everysec", "always"} {
		d := newDesk(t, fsync)
		for _, workers := range []int{1, 16, benchWorkers} {
			before, calls := d.cpu(t), closedLoop(t, d, workers, 4*time.Second)
			t.Logf("calls with one extend, fsync %s, %d at once: %d calls/s, Redis %v per call",
				fsync, workers, calls/4, (d.cpu(t)-before)/time.Duration(calls))
		}
	}
}

// recorder keeps the commands that a ledger would send, and sends none.
type recorder struct{ args [][]any }

func (r *recorder) DialHook(next redis.DialHook) redis.DialHook { return next }
func (r *recorder) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		r.args = append(r.args, cmd.Args())
		return errKilled
	}
}
func (r *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// piped sends the scripts of many calls in pipelines, one kind of script after the other, so that the processor time is
// that of the scripts and not of sockets.
func piped(t *testing.T, d *desk, name string) {
	const batches, batch = 20, 200
	if err := d.call(t.Context()); err != nil { // the server learns the scripts
		t.Fatal(err)
	}
	client := redis.NewClient(d.client.Options())
	defer client.Close()
	var r recorder
	client.AddHook(&r)
	deaf := &desk{Ledger: ledger.New(client, ledger.Options{Node: "gw1"})}
	deaf.calls.Store(1_000_000)
	steps := []string{"authorize", "answer", "extend", "settle"}
	var spent [4]time.Duration
	for range batches {
		r.args = nil
		for range batch {
			deaf.record(t.Context())
		}
		for step := range steps {
			before := d.cpu(t)
			cmds, err := d.client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				for i := step; i < len(r.args); i += len(steps) {
					p.Do(t.Context(), r.args[i]...)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if reply := cmds[0].(*redis.Cmd).Val().([]any); reply[0] != "OK" {
				t.Fatalf("%s: %v", steps[step], reply)
			}
			spent[step] += d.cpu(t) - before
		}
	}
	var line strings.Builder
	var sum time.Duration
	for step, name := range steps {
		each := spent[step] / (batches * batch)
		sum += each
		fmt.Fprintf(&line, " %s %v", name, each)
	}
	t.Logf("processor time of Redis in pipelines of %d, %s:%s; a call with one extend %v", batch, name, line.String(), sum)
}

// record issues the four scripts of a call whatever they answer.
func (d *desk) record(ctx context.Context) {
	a := d.invite()
	d.Authorize(ctx, a)
	d.Answer(ctx, rating.Answer{Call: a.Call, Node: "gw1", At: time.Now(), Dialog: dialog, Draft: a.Draft})
	d.Extend(ctx, rating.Extend{Call: a.Call, Extension: a.Extension, Node: "gw1"})
	cdr := a.Draft
	cdr.Disposition, cdr.SIPCode, cdr.EndedBy = rating.Answered, 200, rating.ByCaller
	d.Settle(ctx, rating.Settlement{Call: a.Call, Node: "gw1", Answered: a.At, Ended: a.At, Talked: 100 * time.Second, CDR: cdr})
}

// openLoop authorises so many calls a second, whether or not the ones before are through.
func openLoop(t *testing.T, perSecond int, length time.Duration, step func() error) []time.Duration {
	var all sync.WaitGroup
	took := make([]time.Duration, int(length.Seconds()*float64(perSecond)))
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for i := range took {
		<-tick.C
		all.Go(func() {
			began := time.Now()
			if err := step(); err != nil {
				t.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	return took
}

// closedLoop has workers run call after call, and counts them.
func closedLoop(t *testing.T, d *desk, workers int, length time.Duration) int64 {
	var all sync.WaitGroup
	var calls atomic.Int64
	end := time.Now().Add(length)
	for range workers {
		all.Go(func() {
			for time.Now().Before(end) {
				if err := d.call(t.Context()); err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	return calls.Load()
}
