package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// ErrEphemeral means that there is nothing a tool could attach to: an ephemeral store lives inside serve.
var ErrEphemeral = errors.New("store.ephemeral is true: balances live in the memory of serve, where no other process sees them")

// Options say which store to open. The zero value of a limit is its default.
type Options struct {
	Redis     string // store.redis; empty: the private server in DataDir
	Ephemeral bool   // store.ephemeral
	Transient bool   // the private server ends with us however we end, so nobody adopts it: for a world in a temporary folder
	DataDir   string // absolute; needed for the private server, and locked by Open whatever the store
	Create    bool   // Attach only: make the private store where there is none yet

	Log      *slog.Logger
	OnChange func(State) // called when the store is lost or comes back, from one goroutine; must not block

	StartLimit time.Duration // how long Open waits for the store to be up; 15 s
	LockLimit  time.Duration // how long Open waits for a tool that works on DataDir; 30 s
}

// Open opens the store for the process that serves calls.
//
// An error means that the settings, or the machine, must be changed first: ErrNoServer, ErrLocked, ErrTooOld, ErrEviction,
// ErrReplica, ErrMode, ErrRefused, a bad address. A store that merely does not answer yet is no error: it is returned with
// Up() false, comes up by itself, and is checked then (emergency calls pass without it).
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := newStore(&o)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	if s.Kind != Ephemeral {
		run, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends with Close, not with the start
		s.stop = stop
		s.monitor.Go(func() { s.watch(run) })
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if o.DataDir != "" || s.Kind == Private {
		if s.lock, err = lockDataDir(ctx, o.DataDir, o.LockLimit); err != nil {
			return err
		}
	}
	switch s.Kind {
	case Ephemeral:
		return s.openMemory()
	case Private:
		return s.openPrivate(ctx, o)
	}
	return s.connect(ctx, o.Redis)
}

// Attach opens the store for a tool (audit, backup) that runs beside serve or without it. The private server that serve
// runs is used as it is; where serve is down it is started, and Close stops it again. Unlike Open it fails when the store
// does not answer, and it does not watch it.
func Attach(ctx context.Context, o Options) (*Store, error) {
	s, err := newStore(&o)
	if err != nil {
		return nil, err
	}
	s.attached = true
	switch s.Kind {
	case Ephemeral:
		return nil, ErrEphemeral
	case Private:
		err = s.attachPrivate(ctx, o)
	default:
		err = s.connect(ctx, o.Redis)
	}
	if err == nil && !s.Up() {
		err = fmt.Errorf("the store at %s does not answer: %w", s.Address, s.State().Err)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// newStore decides which kind it is, and fills in the defaults.
func newStore(o *Options) (*Store, error) {
	o.StartLimit, o.LockLimit = cmp.Or(o.StartLimit, startLimit), cmp.Or(o.LockLimit, lockLimit)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{Kind: External, log: o.Log, onChange: o.OnChange, poke: make(chan struct{}, 1), report: Report{Durability: Unknown}}
	switch {
	case o.Ephemeral && o.Redis != "":
		return nil, errors.New("store.redis and store.ephemeral exclude each other: set one of them")
	case o.Ephemeral:
		s.Kind, s.Ephemeral, s.Address = Ephemeral, true, "memory"
	case o.Redis == "":
		s.Kind, s.Address = Private, "unix://"+filepath.Join(o.DataDir, folderName, socketName)
	}
	return s, nil
}

func (s *Store) openMemory() error {
	m, err := NewMemory()
	if err != nil {
		return err
	}
	s.memory, s.Client = m, m.Client()
	s.report = Report{Durability: None, Server: "in-process engine", Eviction: "noeviction",
		Loss: "everything is lost when Tollgate ends: install redis-server or set store.redis"}
	s.turn(nil)
	s.log.Warn("the store is ephemeral: balances do not survive a restart", "meaning", s.report.Loss)
	return nil
}

// connect opens an external Redis and asks it once.
func (s *Store) connect(ctx context.Context, redis string) error {
	a, err := parseAddress(redis)
	if err != nil {
		return err
	}
	s.Address = a.String()
	if err := s.use(a); err != nil {
		return err
	}
	err = s.examine(ctx)
	if unfit(err) {
		return fmt.Errorf("the store at %s: %w", s.Address, named(err))
	}
	s.turn(err)
	return ctx.Err()
}

// use makes the clients for an address.
func (s *Store) use(a address) (err error) {
	s.mode = a.mode
	if s.Client, err = newClient(a); err != nil {
		return err
	}
	s.probes, err = newProbe(a)
	return err
}

// openPrivate starts or adopts the private server and waits for it, but not for ever.
func (s *Store) openPrivate(ctx context.Context, o Options) error {
	p, err := supervise(ctx, o.DataDir, o.Transient, s.log, s.pokeMonitor)
	if err != nil {
		return err
	}
	s.private = p
	if err := s.use(privateAddress(p.folder)); err != nil {
		return err
	}
	wait := time.NewTimer(o.StartLimit)
	defer wait.Stop()
	select {
	case err = <-p.first:
	case <-wait.C:
		err = fmt.Errorf("not ready after %s", o.StartLimit)
	case <-ctx.Done():
		return ctx.Err()
	}
	if errors.Is(err, errForeign) {
		return err
	}
	if err != nil {
		s.turn(err)
		return nil
	}
	s.look(ctx)
	return ctx.Err()
}

// attachPrivate uses the server of the process that holds the data directory, or becomes that process.
func (s *Store) attachPrivate(ctx context.Context, o Options) (err error) {
	folder := filepath.Join(o.DataDir, folderName)
	if _, err := os.Stat(folder); err != nil && !o.Create {
		return fmt.Errorf("no private store in %s (serve makes it at its first start): %w", o.DataDir, err)
	}
	s.lock, err = lockDataDir(ctx, o.DataDir, 0)
	if err == nil {
		return s.openPrivate(ctx, o)
	}
	if !errors.Is(err, ErrLocked) {
		return err
	}
	if err := s.use(privateAddress(folder)); err != nil {
		return err
	}
	if err = s.awaitServe(ctx, folder, o.StartLimit); err != nil {
		return err
	}
	s.look(ctx)
	return ctx.Err()
}

// awaitServe waits for the private server of another process, which may be starting just now.
func (s *Store) awaitServe(ctx context.Context, folder string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := controlClient(folder)
	defer c.Close()
	for {
		err := ping(ctx, c)
		if err == nil {
			return verifyOurs(ctx, c, folder, 0)
		}
		if !sleep(ctx, lockPoll) {
			return fmt.Errorf("another tollgate holds %s, and its private store does not answer: %w", filepath.Dir(folder), err)
		}
	}
}

func (s *Store) pokeMonitor() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}
