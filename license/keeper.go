package license

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of a Keeper.
type Options struct {
	Places    []Place          // store, data_dir, state_dir
	Device    Device           // this one
	Key       PublicKey        // that licences are checked with
	Cluster   Cluster          // the nodes that share the store; nil: this one alone
	Now       func() time.Time // the computer's clock; nil: time.Now
	Log       *slog.Logger     // nil: slog.Default()
	OnAttempt func(Attempt)    // told of every attempt to lengthen the trial; may be nil
}

// Cluster knows the nodes that share one store: a licence for one of them is good for all while that one lives.
type Cluster interface {
	// Meet tells the others that this node lives, on this device, and returns the devices of all that live.
	Meet(ctx context.Context, device []byte) (live [][]byte, err error)
}

// An Attempt to lengthen the trial, or an accident that looks like one.
type Attempt struct {
	Kind  string // wiped, altered, clock
	Place string // "" for the clock
}

const (
	look      = time.Second      // how often the places are looked at
	lookLimit = 5 * time.Second  // of one look
	savePace  = 30 * time.Second // how often the highest time is written down
)

// ErrTrialOver: billing cannot be activated, because the trial is over and there is no licence.
var ErrTrialOver = errors.New("the 30 days of trial are over: download the billing source file, have a licence issued for it, and upload that")

// Keeper keeps trial and licence: it remembers them in every place, restores one from the others, and says what holds.
// All methods may be called concurrently.
type Keeper struct {
	options Options
	log     *slog.Logger

	mu      sync.Mutex // of everything below
	clock   clock
	behind  bool // the computer's clock is, and that has been counted
	record  record
	live    []Device
	saved   map[string][]byte // by place: what it is known to hold
	savedAt time.Time         // highest time that was written down
	failing map[string]bool   // what could not be done last time: "read " or "write " and the place
	gone    map[string]bool   // places that were found empty, and have been counted
	checked checked

	looking sync.Mutex // one look at a time
}

// checked is what Verify has said of a text.
type checked struct {
	text    []byte
	license License
	valid   bool
}

// Open reads the places for the first time. A place that cannot be reached now is asked again by Run.
func Open(ctx context.Context, options Options) *Keeper {
	k := &Keeper{options: options, log: options.Log, saved: map[string][]byte{}, failing: map[string]bool{}, gone: map[string]bool{}}
	if k.log == nil {
		k.log = slog.Default()
	}
	if k.options.Now == nil {
		k.options.Now = time.Now
	}
	k.Look(ctx)
	return k
}

// Run keeps looking at the places until ctx ends, and writes down the time then.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), look)
			defer cancel()
			k.save(last, true)
			return nil
		case <-tick.C:
			k.Look(ctx)
		}
	}
}

// State returns what holds now.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := State{Started: k.record.Started, Now: k.now(), Development: k.options.Key.Development(), Attempts: k.record.Attempts}
	if !bytes.Equal(k.checked.text, k.record.License) {
		l, err := Verify(k.options.Key, k.record.License)
		k.checked = checked{k.record.License, l, err == nil}
	}
	if k.checked.valid {
		s.License, s.Licensed = k.checked.license, k.lists(k.checked.license)
	}
	return s
}

// lists reports whether a licence is for this device or for a live one beside it; k.mu is held.
func (k *Keeper) lists(l License) bool {
	return l.Lists(k.options.Device) || slices.ContainsFunc(k.live, l.Lists)
}

// Source returns the billing source file of this device; ErrNoIdentifiers where nothing tells it from another.
func (k *Keeper) Source() ([]byte, error) {
	if len(k.options.Device.Identifiers) == 0 {
		return nil, ErrNoIdentifiers
	}
	return Request{Device: k.options.Device, Made: k.options.Now()}.Text(), nil
}

// Recall takes over a start of the trial that somebody else remembers: all three places may be wiped, and the program
// still know when billing was first activated. The oldest start wins here too.
func (k *Keeper) Recall(ctx context.Context, started time.Time) {
	started = started.UTC().Truncate(time.Second)
	k.mu.Lock()
	known := k.record.Started
	if started.IsZero() || !known.IsZero() && !started.Before(known) {
		k.mu.Unlock()
		return
	}
	k.record.Started = started
	k.clock.raise(started)
	k.mu.Unlock()
	if err := k.save(ctx, true); err != nil {
		k.log.Warn("the start of the trial is remembered nowhere", "err", err)
	}
}

// Activate is called when billing is switched on. The first time begins the trial; with the trial over and no licence it
// is ErrTrialOver. Another error says that no place could remember the start: nothing has begun then.
func (k *Keeper) Activate(ctx context.Context) (State, error) {
	k.Look(ctx)
	s := k.State()
	if s.Expired() {
		return s, ErrTrialOver
	}
	if !s.Started.IsZero() {
		return s, nil
	}
	k.mu.Lock()
	k.record.Started = k.now().Truncate(time.Second)
	k.mu.Unlock()
	if err := k.save(ctx, true); err != nil {
		k.mu.Lock()
		k.record.Started = time.Time{}
		k.mu.Unlock()
		return s, err
	}
	return k.State(), nil
}

// Install takes a licence. A refused one changes nothing; the error is one of those in verify.go, or says that no place
// could remember it.
func (k *Keeper) Install(ctx context.Context, text []byte) (State, error) {
	k.Look(ctx)
	l, err := Verify(k.options.Key, text)
	if err != nil {
		return k.State(), err
	}
	k.mu.Lock()
	before := k.record.License
	if !k.lists(l) {
		k.mu.Unlock()
		return k.State(), ErrOtherDevice
	}
	k.record.License = bytes.Clone(text)
	k.mu.Unlock()
	if err := k.save(ctx, true); err != nil {
		k.mu.Lock()
		k.record.License = before
		k.mu.Unlock()
		return k.State(), err
	}
	k.log.Info("a licence is installed", "number", l.Number, "holder", l.Holder, "devices", len(l.Devices))
	return k.State(), nil
}

// Look reads every place once, takes over what it knows better, and restores the places that know less.
func (k *Keeper) Look(ctx context.Context) {
	k.looking.Lock()
	defer k.looking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	k.meet(ctx)
	var found []record
	var empty []string
	for _, p := range k.options.Places {
		text, err := p.Load(ctx)
		if k.failed("read "+p.Name(), err); err != nil {
			continue
		}
		k.mu.Lock()
		known := k.saved[p.Name()]
		k.saved[p.Name()] = text
		k.mu.Unlock()
		if text == nil {
			empty = append(empty, p.Name())
			continue
		}
		if known != nil && bytes.Equal(text, known) {
			continue
		}
		r, err := parseRecord(text)
		if err != nil {
			k.attempt(Attempt{"altered", p.Name()}, func(a *Attempts) { a.Altered++ })
			continue
		}
		found = append(found, r)
	}
	k.join(found)
	for _, name := range empty {
		k.mu.Lock()
		wiped := slices.Contains(k.record.Places, name) && !k.gone[name]
		k.gone[name] = true
		k.mu.Unlock()
		if wiped {
			k.attempt(Attempt{"wiped", name}, func(a *Attempts) { a.Wiped++ })
		}
	}
	k.watchClock()
	if err := k.save(ctx, false); err != nil && ctx.Err() == nil {
		k.log.Error("trial and licence are remembered nowhere", "err", err)
	}
}

// join takes over what the places remember.
func (k *Keeper) join(found []record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range found {
		k.record = merge(k.record, r, k.better)
	}
	k.clock.raise(k.record.Highest)
}

// better chooses between two licences: the valid one, the one that lists a live device, the newer one.
func (k *Keeper) better(a, b []byte) []byte {
	rank := func(text []byte) (int, time.Time) {
		l, err := Verify(k.options.Key, text)
		switch {
		case err != nil:
			return 0, time.Time{}
		case !k.lists(l):
			return 1, l.Issued
		}
		return 2, l.Issued
	}
	rankA, issuedA := rank(a)
	rankB, issuedB := rank(b)
	if rankB > rankA || rankB == rankA && (issuedB.After(issuedA) || issuedB.Equal(issuedA) && bytes.Compare(b, a) > 0) {
		return b
	}
	return a
}

// now reads the clock; k.mu is held.
func (k *Keeper) now() time.Time {
	at, _ := k.clock.observe(k.options.Now())
	return at
}

// watchClock counts a clock that was set back, once until it is right again.
func (k *Keeper) watchClock() {
	k.mu.Lock()
	at, behind := k.clock.observe(k.options.Now())
	k.record.Highest = at.Truncate(time.Second)
	before := k.behind
	k.behind = behind
	running := !k.record.Started.IsZero()
	k.mu.Unlock()
	if behind && !before && running {
		k.attempt(Attempt{"clock", ""}, func(a *Attempts) { a.Clock++ })
	}
}

func (k *Keeper) attempt(a Attempt, count func(*Attempts)) {
	k.mu.Lock()
	count(&k.record.Attempts)
	total := k.record.Attempts
	k.mu.Unlock()
	messages := map[string]string{"wiped": "a record of trial and licence is gone, and was restored", "altered": "a record of trial and licence was altered, and was restored",
		"clock": "the clock was set back: the trial goes on from the highest time seen"}
	k.log.Warn(messages[a.Kind], "place", a.Place, "attempts", total.Total())
	if k.options.OnAttempt != nil {
		k.options.OnAttempt(a)
	}
}

// meet tells the other nodes of this one, and learns which of them live.
func (k *Keeper) meet(ctx context.Context) {
	if k.options.Cluster == nil {
		return
	}
	texts, err := k.options.Cluster.Meet(ctx, Request{Device: k.options.Device, Made: k.options.Now()}.Text())
	if err != nil {
		return // a lost store is told by its own line; who was alive stays so until it is back
	}
	var live []Device
	for _, text := range texts {
		if r, err := ParseRequest(text); err == nil {
			live = append(live, r.Device)
		}
	}
	k.mu.Lock()
	k.live = live
	k.mu.Unlock()
}

// save writes the record to every place that holds another one; the time alone is written now and then, or when all is to
// be written. There is nothing to remember before the first activation and without a licence. The error is that of the
// last place when no place could be written.
func (k *Keeper) save(ctx context.Context, all bool) error {
	k.mu.Lock()
	if k.record.Started.IsZero() && len(k.record.License) == 0 {
		k.mu.Unlock()
		return nil
	}
	k.record.Highest = k.now().Truncate(time.Second)
	due := all || k.record.Highest.Sub(k.savedAt) >= savePace
	for _, p := range k.options.Places {
		k.hasHeld(p)
	}
	var stale []Place
	for _, p := range k.options.Places {
		r, err := parseRecord(k.saved[p.Name()])
		if due || err != nil || k.knowsMore(r) {
			stale = append(stale, p)
		}
	}
	text := k.record.text()
	if len(stale) > 0 {
		k.savedAt = k.record.Highest
	}
	k.mu.Unlock()
	written, failed := 0, error(nil)
	for _, p := range stale {
		err := p.Save(ctx, text)
		if k.failed("write "+p.Name(), err); err != nil {
			failed = err
			continue
		}
		written++
		k.mu.Lock()
		k.saved[p.Name()], k.gone[p.Name()] = text, false
		k.mu.Unlock()
	}
	if written > 0 || len(stale) == 0 {
		return nil
	}
	return failed
}

// knowsMore reports whether the keeper knows what a place does not, but for the time.
func (k *Keeper) knowsMore(place record) bool {
	mine := k.record
	return !mine.Started.Equal(place.Started) || !bytes.Equal(mine.License, place.License) || mine.Attempts != place.Attempts || len(mine.Places) != len(place.Places)
}

// hasHeld notes that a place, if it can be read at all, has had a record from now on; k.mu is held.
func (k *Keeper) hasHeld(p Place) {
	if !k.failing["read "+p.Name()] && !slices.Contains(k.record.Places, p.Name()) {
		k.record.Places = append(k.record.Places, p.Name())
		slices.Sort(k.record.Places)
	}
}

// failed tells of what cannot be done when it begins.
func (k *Keeper) failed(what string, err error) {
	k.mu.Lock()
	before := k.failing[what]
	k.failing[what] = err != nil
	k.mu.Unlock()
	if err != nil && !before {
		k.log.Warn("a place of the licence record cannot be used", "what", what, "err", err)
	}
}
