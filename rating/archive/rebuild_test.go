package archive

import (
	"context"
	"sync"
	"testing"
	"time"
)

func TestSetLocationCountsDaysAnew(t *testing.T) { onBoth(t, testSetLocationCountsDaysAnew) }

func testSetLocationCountsDaysAnew(t *testing.T) {
	a, w := filled(t, 41, 200, Options{})
	for _, name := range []string{"Asia/Shanghai", "America/Sao_Paulo", "America/Sao_Paulo", "UTC"} {
		if err := a.SetLocation(t.Context(), zone(t, name)); err != nil {
			t.Fatal(err)
		}
		everythingOnce(t, a, w, zone(t, name))
	}
	for _, table := range []string{"roll_day", "roll_ext"} {
		if old := rows(t, a, table+" WHERE generation <> (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation')"); old != 0 {
			t.Errorf("%d rows of old sums are left in %s", old, table)
		}
	}
}

func TestZoneIsKeptOverARestart(t *testing.T) { onBoth(t, testZoneIsKeptOverARestart) }

func testZoneIsKeptOverARestart(t *testing.T) {
	path := dsn(t)
	a, w := filled(t, 42, 200, Options{DSN: path, Location: zone(t, "Asia/Kathmandu")})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{DSN: path, Location: zone(t, "UTC")})
	everythingOnce(t, again, w, zone(t, "Asia/Kathmandu"))
	if a.ID() != again.ID() || a.ID() == "" {
		t.Errorf("the archive is called %q, and then %q", a.ID(), again.ID())
	}
}

// A rebuild is stopped at each of its steps; the next one goes on there, and until it is done the old sums are in use.
func TestRebuildGoesOnWhereItStopped(t *testing.T) { onBoth(t, testRebuildGoesOnWhereItStopped) }

func testRebuildGoesOnWhereItStopped(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, stopAfter := range []int{1, 3} {
		a, w := filled(t, 43, 150, Options{})
		a.rebuildStep = 30
		for step := range stopAfter {
			if err := a.update(t.Context(), func(s *session) error { _, err := a.recount(s, "Europe/Berlin"); return err }); err != nil {
				t.Fatal(step, err)
			}
		}
		everythingOnce(t, a, w, time.UTC)
		if stopAfter == 3 { // changed their mind in the middle
			if err := a.SetLocation(t.Context(), zone(t, "Asia/Shanghai")); err != nil {
				t.Fatal(err)
			}
			everythingOnce(t, a, w, zone(t, "Asia/Shanghai"))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if a.SetLocation(ctx, berlin) == nil {
			t.Error("a rebuild ends well although its context has ended")
		}
		if err := a.SetLocation(t.Context(), berlin); err != nil {
			t.Fatal(err)
		}
		everythingOnce(t, a, w, berlin)
	}
}

func TestCallsComeInDuringARebuild(t *testing.T) { onBoth(t, testCallsComeInDuringARebuild) }

func testCallsComeInDuringARebuild(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	a, w := filled(t, 44, 100, Options{})
	a.rebuildStep = 20
	box := newOutbox(4)
	var work sync.WaitGroup
	work.Go(func() {
		d := &Drain{Outbox: box, Archive: a}
		for range 20 {
			for range 5 {
				box.add(w.step())
			}
			if err := d.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	if err := a.SetLocation(t.Context(), shanghai); err != nil {
		t.Fatal(err)
	}
	work.Wait()
	everythingOnce(t, a, w, shanghai)
}
