package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Limits of the private server's life.
const (
	answerLimit   = 10 * time.Second // from start to the first answer of any kind
	loadLimit     = 10 * time.Minute // for reading the append-only file
	stopLimit     = 5 * time.Second  // for a clean end
	killLimit     = 2 * time.Second  // for the end after SIGKILL
	firstRestart  = 50 * time.Millisecond
	longestRest   = 5 * time.Second  // between two attempts to start
	steadyAfter   = 30 * time.Second // a server that lived this long begins anew with firstRestart
	startLimit    = 15 * time.Second // Open waits this long for the store before it goes on without
	lockLimit     = 30 * time.Second // Open waits this long for a tool to leave the data directory
	progressEvery = 5 * time.Second
	tellEvery     = time.Minute      // a server that does not start is logged this often
	trimEvery     = 10 * time.Minute // how often the server's log is looked at
	readyPoll     = 10 * time.Millisecond
)

// errForeign means that somebody else's Redis answers on our socket. It is left alone.
var errForeign = errors.New("a Redis that is not ours answers on the private socket")

// private supervises the private server of one data directory: it starts or adopts it, starts it again when it ends, and
// stops it. One goroutine (run) does all that.
type private struct {
	folder  string
	binary  binary
	log     *slog.Logger
	changed func() // called after each start and end

	transient bool // Options.Transient

	cancel   context.CancelFunc
	done     chan struct{}  // closed at the end of run
	first    chan error     // outcome of the first start
	watchers sync.WaitGroup // of adopted servers; they end when quit is closed, after the stop
	quit     chan struct{}

	mu      sync.Mutex
	proc    *process
	started int // how often a server has come up
	downErr error
}

// supervise begins to supervise the server of a data directory, whose lock the caller holds until after stop or release.
// The outcome of the first start comes through first.
func supervise(ctx context.Context, dataDir string, transient bool, log *slog.Logger, changed func()) (*private, error) {
	b, err := findBinary(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := makeFolder(dataDir)
	if err != nil {
		return nil, err
	}
	p := &private{
		folder: folder, binary: b, transient: transient, log: log, changed: changed,
		done: make(chan struct{}), quit: make(chan struct{}), first: make(chan error, 1),
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx)) // ends with stop or release, not with the start
	p.cancel = cancel
	go p.run(run)
	return p, nil
}

// run keeps a server up until ctx ends. It leaves the last one running: stop and release decide about it.
func (p *private) run(ctx context.Context) {
	defer close(p.done)
	rest, told := firstRestart, time.Time{}
	for {
		began := time.Now()
		proc, err := p.raise(ctx)
		if ctx.Err() != nil {
			return
		}
		p.note(err)
		if err == nil {
			p.log.Info("the private store is up", "server", p.binary.version.String(), "pid", proc.pid, "adopted", proc.adopted)
			if !p.attend(ctx, proc) {
				return
			}
			err = fmt.Errorf("redis-server %d ended: %w", proc.pid, orClean(proc.err))
			p.note(err)
			told = time.Time{}
		}
		if time.Since(told) > tellEvery {
			told = time.Now()
			p.log.Error("the private store is down; it is started again", "err", err)
		}
		if time.Since(began) > steadyAfter {
			rest = firstRestart
		}
		if !sleep(ctx, rest) {
			return
		}
		rest = min(2*rest, longestRest)
	}
}

// attend waits for the end of a server that is up, and reports false when ctx ends first.
func (p *private) attend(ctx context.Context, proc *process) bool {
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-proc.exited:
			return true
		case <-trim.C:
			if err := trimLog(p.folder); err != nil {
				p.log.Warn("the log of the private store grows", "err", err)
			}
		}
	}
}

// raise adopts the server that lives in the folder, or starts one, and returns once it serves.
func (p *private) raise(ctx context.Context) (*process, error) {
	proc, err := p.find(ctx)
	p.mu.Lock()
	p.proc = proc
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if proc.adopted {
		p.watchers.Go(func() { proc.watchLock(p.folder, p.quit) })
	}
	err = p.await(ctx, proc)
	if err == nil {
		return proc, verify(ctx, p.folder, proc.pid, p.log)
	}
	if ctx.Err() != nil {
		return proc, err
	}
	if errKill := proc.kill(killLimit); errKill != nil || !proc.adopted {
		return nil, errors.Join(err, errKill)
	}
	p.log.Warn("a redis-server that was left behind does not answer and was killed", "pid", proc.pid, "err", err)
	return p.raise(ctx) // once: nothing is left to adopt
}

// find starts a server, or adopts the one that holds the folder's lock.
func (p *private) find(ctx context.Context) (*process, error) {
	lock, err := lockFolder(p.folder)
	if errors.Is(err, ErrLocked) {
		return adopt(p.folder)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close() // a server that was started has inherited it
	c := controlClient(p.folder)
	defer c.Close()
	if answered(ping(ctx, c)) { // two servers on one append-only file would destroy it
		return nil, fmt.Errorf("%w in %s: stop it", errForeign, p.folder)
	}
	return spawn(p.binary, p.folder, lock, p.transient)
}

// note keeps the outcome of a start or an end for state, and tells the caller.
func (p *private) note(err error) {
	p.mu.Lock()
	p.downErr = err
	if err == nil {
		p.started++
	}
	p.mu.Unlock()
	select {
	case p.first <- err:
	default:
	}
	p.changed()
}

// fill writes what is known of the server's process into a state.
func (p *private) fill(s *State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.downErr == nil && p.proc != nil {
		s.PID, s.Adopted = p.proc.pid, p.proc.adopted
	}
	s.Restarts = max(0, p.started-1)
	if s.Err != nil && p.downErr != nil {
		s.Err = p.downErr // says why, where the client only says that nobody answers
	}
}

// stop ends the server cleanly, in the last resort by SIGKILL.
func (p *private) stop(ctx context.Context) error {
	p.cancel()
	<-p.done
	defer p.unwatch()
	proc := p.current()
	if proc == nil || proc.gone() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err := shutdown(ctx, p.folder)
	if err != nil { // perhaps it does not listen yet
		err = errors.Join(err, proc.terminate())
	}
	select {
	case <-proc.exited:
		p.log.Info("the private store is stopped", "pid", proc.pid)
		return nil
	case <-ctx.Done():
	}
	p.log.Warn("the private store does not stop by itself and is killed; nothing acknowledged is lost", "pid", proc.pid, "err", err)
	return proc.kill(killLimit)
}

// release ends the supervision and leaves the server running.
func (p *private) release() {
	p.cancel()
	<-p.done
	p.unwatch()
}

func (p *private) unwatch() {
	close(p.quit)
	p.watchers.Wait()
}

func (p *private) current() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc
}

// orClean names an end without an error.
func orClean(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// sleep waits for d, or reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
