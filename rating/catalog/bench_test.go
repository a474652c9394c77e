package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating"
	"tollgate/rating/embedded/redistest"
)

const (
	benchRates      = 100_000
	benchExtensions = 10_000
)

// BenchmarkEditOfOne measures what one edit costs with 100 000 rates and 10 000 extensions in the store. The times are
// processor time, ours and the store's, because the machine may be busy with something else.
func BenchmarkEditOfOne(b *testing.B) {
	ctx, client := context.Background(), redistest.Start(b)
	writer, follower := New(client, newLedger(), Options{Log: quiet}), New(client, newLedger(), Options{Log: quiet})
	fill(b, writer)
	b.Logf("reading everything: %s", spent(b, client, func() { follower.Start(ctx) }))
	edits := map[string]func(i int) error{
		"nothing": func(int) error { return nil },
		"extension": func(i int) error {
			_, err := writer.EditExtensions(ctx, []string{"100000"}, "", func(e rating.Extension) (rating.Extension, error) {
				e.Username = fmt.Sprint(i)
				return e, nil
			})
			return err
		},
		"rate": func(i int) error {
			_, err := writer.EditRate(ctx, 77, func(r rating.Rate) (rating.Rate, error) {
				r.Remark = fmt.Sprint(i)
				return r, nil
			})
			return err
		},
	}
	for name, edit := range edits {
		b.Run(name, func(b *testing.B) {
			var follow time.Duration
			for i := 0; b.Loop(); i++ {
				if err := edit(b.N + i); err != nil {
					b.Fatal(err)
				}
				before := processTime()
				if err := follower.Refresh(ctx); err != nil {
					b.Fatal(err)
				}
				follow += processTime() - before
			}
			b.ReportMetric(float64(follow.Microseconds())/float64(b.N), "follow-cpu-µs/op")
		})
	}
}

func fill(b *testing.B, c *Catalog) {
	b.Helper()
	rows := make([]rating.RateRow, benchRates)
	for i := range rows {
		rows[i] = rating.RateRow{Edit: func(r rating.Rate) (rating.Rate, error) { r.Prefix = fmt.Sprint(1_000_000 + 7*i); return r, nil }}
	}
	extensions := make([]rating.ExtensionRow, benchExtensions)
	for i := range extensions {
		extensions[i] = rating.ExtensionRow{Number: fmt.Sprint(100_000 + i), Edit: func(e rating.Extension) (rating.Extension, error) { return e, nil }}
	}
	b.Logf("importing %d rates: %s", benchRates, spent(b, c.client, func() {
		if _, err := c.ImportRates(b.Context(), rows, false); err != nil {
			b.Fatal(err)
		}
	}))
	b.Logf("importing %d extensions: %s", benchExtensions, spent(b, c.client, func() {
		if _, err := c.ImportExtensions(b.Context(), extensions, "", false); err != nil {
			b.Fatal(err)
		}
	}))
}

// spent says what f took of our processor time and of the store's, and how long its longest script kept the store busy.
func spent(b *testing.B, client redis.UniversalClient, f func()) string {
	b.Helper()
	client.Do(b.Context(), "CONFIG", "RESETSTAT")
	ours, theirs, began := processTime(), storeTime(b, client), time.Now()
	f()
	stats := client.Info(b.Context(), "commandstats").Val()
	_, script, _ := strings.Cut(stats, "cmdstat_evalsha:")
	script, _, _ = strings.Cut(script, "\r\n")
	return fmt.Sprintf("%s, of it ours %s, the store's %s (%s)", time.Since(began).Round(time.Millisecond), processTime()-ours, storeTime(b, client)-theirs, script)
}

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func storeTime(b *testing.B, client redis.UniversalClient) time.Duration {
	b.Helper()
	var total float64
	for line := range strings.SplitSeq(client.Info(b.Context(), "cpu").Val(), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && (name == "used_cpu_sys" || name == "used_cpu_user") {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			total += seconds
		}
	}
	return time.Duration(total * float64(time.Second)).Round(time.Millisecond)
}
