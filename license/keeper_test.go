package license

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is an installation with three places: two folders and a store that survives, or does not.
type world struct {
	t        *testing.T
	dir      string
	store    *memory
	device   Device
	skew     time.Duration // how wrong the computer's clock is
	attempts []Attempt
	cluster  Cluster
}

// memory is a store.
type memory struct {
	mu   sync.Mutex
	text []byte
	err  error
}

func (m *memory) Name() string { return "store" }
func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text, m.err
}
func (m *memory) Save(_ context.Context, text []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.text = text
	}
	return m.err
}
func (m *memory) wipe() { m.mu.Lock(); m.text = nil; m.mu.Unlock() }

func newWorld(t *testing.T) *world {
	return &world{t: t, dir: t.TempDir(), store: &memory{}, device: oneDevice(t, "a1", "b1", "c1")}
}

// open starts the program once more.
func (w *world) open() *Keeper {
	return Open(w.t.Context(), Options{Places: []Place{w.store, NewFolder("data gw1", filepath.Join(w.dir, "data")), NewFolder("state gw1", filepath.Join(w.dir, "state"))},
		Device: w.device, Key: developmentKey(w.t).Public(), Cluster: w.cluster, Now: func() time.Time { return time.Now().Add(w.skew).Round(0) },
		OnAttempt: func(a Attempt) { w.attempts = append(w.attempts, a) }})
}

func (w *world) wipe(place string) {
	if place == "store" {
		w.store.wipe()
	} else if err := os.RemoveAll(filepath.Join(w.dir, place)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) activate(k *Keeper) State {
	w.t.Helper()
	s, err := k.Activate(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestTheTrialIsThirtyDaysToTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		if s := k.State(); !s.Started.IsZero() || !s.ExpiresAt().IsZero() || s.Expired() || s.Expiring() {
			t.Fatalf("before the first activation: %+v", s)
		}
		s := w.activate(k)
		if got := s.ExpiresAt().Sub(s.Started); got != 30*24*time.Hour {
			t.Errorf("the trial lasts %v", got)
		}
		time.Sleep(23*24*time.Hour - time.Second)
		if k.State().Expiring() {
			t.Error("warned more than seven days before")
		}
		time.Sleep(time.Second)
		if !k.State().Expiring() {
			t.Error("not warned seven days before")
		}
		time.Sleep(7*24*time.Hour - time.Second)
		if k.State().Expired() {
			t.Error("expired a second early")
		}
		time.Sleep(time.Second)
		if !k.State().Expired() {
			t.Error("not expired after thirty days")
		}
		if _, err := k.Activate(t.Context()); !errors.Is(err, ErrTrialOver) {
			t.Errorf("activated again: %v", err)
		}
		if again := k.State(); !again.Started.Equal(s.Started) {
			t.Errorf("the start has moved from %v to %v", s.Started, again.Started)
		}
	})
}

func TestWipingPlacesDoesNotBuyADay(t *testing.T) {
	places := []string{"store", "data", "state"}
	for mask := 1; mask < 1<<len(places)-1; mask++ { // each alone, and any two
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			k := w.open()
			started := w.activate(k).Started
			time.Sleep(10 * 24 * time.Hour)
			wiped := int64(0)
			for i, place := range places {
				if mask&(1<<i) != 0 {
					w.wipe(place)
					wiped++
				}
			}
			s := w.open().State()
			if !s.Started.Equal(started) || s.Attempts.Wiped != wiped || int64(len(w.attempts)) != wiped {
				t.Errorf("wiped %03b: started %v (was %v), attempts %+v, told of %v", mask, s.Started, started, s.Attempts, w.attempts)
			}
			for i, place := range places { // and each of them is restored: any other two may go now
				if mask&(1<<i) == 0 {
					w.wipe(place)
				}
			}
			if s := w.open().State(); !s.Started.Equal(started) {
				t.Errorf("wiped %03b and then the others: the trial began anew", mask)
			}
		})
	}
}

func TestPlacesThatAreWipedWhileItRunsAreRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		w.activate(k)
		k.Look(t.Context())
		for _, place := range []string{"store", "data", "state"} { // all three at once
			w.wipe(place)
		}
		k.Look(t.Context())
		k.Look(t.Context())
		if len(w.attempts) != 3 || w.open().State().Started.IsZero() {
			t.Errorf("told of %v", w.attempts)
		}
	})
}

func TestTheClockSetBackDoesNotBuyADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		w.activate(k)
		for day := range 31 { // every evening the clock is set back by a day, and the program is started again
			time.Sleep(24 * time.Hour)
			k.Look(t.Context())
			w.skew -= 24 * time.Hour
			if day%2 == 0 {
				k = w.open()
			} else {
				k.Look(t.Context())
			}
		}
		s := k.State()
		if !s.Expired() {
			t.Errorf("after 31 days the trial still has %v", s.Started.Add(TrialLength).Sub(s.Now))
		}
		if s.Attempts.Clock == 0 || len(w.attempts) == 0 {
			t.Errorf("nobody was told: %+v", s.Attempts)
		}
	})
}

func TestACorrectedClockIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		w.activate(k)
		time.Sleep(time.Hour)
		k.Look(t.Context())
		w.skew = -time.Minute
		k.Look(t.Context())
		if len(w.attempts) > 0 {
			t.Errorf("told of %v", w.attempts)
		}
	})
}

func TestAnAlteredRecordIsRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		started := w.activate(k).Started
		k.Look(t.Context())
		file := filepath.Join(w.dir, "data", recordFile)
		for _, text := range []string{"started: 2030-01-01T00:00:00Z\n", ""} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w.attempts = nil
			s := w.open().State()
			if !s.Started.Equal(started) || len(w.attempts) != 1 || w.attempts[0] != (Attempt{"altered", "data gw1"}) {
				t.Errorf("%q: started %v, told of %v", text, s.Started, w.attempts)
			}
			if now, _ := os.ReadFile(file); string(now) == text {
				t.Errorf("%q is still there", text)
			}
		}
	})
}

func TestALicenceNeverExpiresAndSurvivesAnyTwoWipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.open()
		w.activate(k)
		time.Sleep(40 * 24 * time.Hour)
		if !k.State().Expired() {
			t.Fatal("the trial is not over")
		}
		if _, err := k.Install(t.Context(), issued(t, oneDevice(t, "a9", "b9", "c9"))); !errors.Is(err, ErrOtherDevice) || !k.State().Expired() {
			t.Fatalf("a licence for another device: %v", err)
		}
		s, err := k.Install(t.Context(), issued(t, w.device))
		if err != nil || !s.Licensed || s.Expired() || !s.ExpiresAt().IsZero() {
			t.Fatalf("installed: %v, %+v", err, s)
		}
		for _, pair := range [][]string{{"store", "data"}, {"data", "state"}, {"store", "state"}} {
			w.wipe(pair[0])
			w.wipe(pair[1])
			if s := w.open().State(); !s.Licensed {
				t.Errorf("wiped %v: the licence is gone", pair)
			}
		}
		w.device = oneDevice(t, "a1", "b1", "c9") // a part is exchanged
		if s := w.open().State(); !s.Licensed {
			t.Error("one new part, and the licence is not valid any more")
		}
		w.device = oneDevice(t, "a8", "b8", "c1") // a copy of the data on another device
		if s := w.open().State(); s.Licensed || !s.Expired() {
			t.Error("a copy of the data on another device is licensed")
		}
	})
}

// cluster is the other nodes.
type cluster struct{ live []Device }

func (c *cluster) Meet(context.Context, []byte) (texts [][]byte, err error) {
	for _, d := range c.live {
		texts = append(texts, Request{Device: d, Made: time.Now()}.Text())
	}
	return texts, nil
}

func TestOneListedLiveNodeLicensesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sister := &cluster{live: []Device{oneDevice(t, "a2", "b2", "c2")}}
		w.cluster = sister
		k := w.open()
		w.activate(k)
		if s, err := k.Install(t.Context(), issued(t, sister.live[0])); err != nil || !s.Licensed {
			t.Fatalf("a licence for the live sister: %v", err)
		}
		sister.live = nil
		k.Look(t.Context())
		if k.State().Licensed {
			t.Error("the listed node is gone, and the installation is still licensed")
		}
	})
}

func TestATrialThatNobodyCouldRememberHasNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.err = errors.New("away")
		if err := os.WriteFile(filepath.Join(w.dir, "data"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, "state"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		k := w.open()
		if _, err := k.Activate(t.Context()); err == nil {
			t.Error("activated, and remembered nowhere")
		}
		if !k.State().Started.IsZero() {
			t.Error("begun all the same")
		}
	})
}
