package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	alivePoll = 50 * time.Millisecond // how often an adopted server, which is no child, is looked at
	maxLog    = 1 << 20               // bytes of the server's log before it is put aside
	logTail   = 2 << 10               // bytes at the end of the log in which an error looks for
	logLines  = 2                     // the last lines
)

// process is a running private server: our child, or the child of a Tollgate that is gone.
type process struct {
	pid     int
	adopted bool
	handle  *os.Process
	exited  chan struct{} // closed when the server is gone; err may be read from then on
	err     error
}

// spawn starts the server in its folder. It becomes the leader of a session of its own, so neither a crash of ours nor a
// Ctrl-C in our terminal reaches it, and it inherits the folder's lock, which therefore tells whether it lives. A transient one
// is ended by the kernel when we end.
func spawn(b binary, folder string, lock *os.File, transient bool) (*process, error) {
	log, owner, err := openLog(folder)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	config, err := written(serverConfig)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", b.path, err)
	}
	defer config.Close()
	cmd := exec.Command(b.path, "-")
	cmd.Dir = folder
	cmd.Env = serverEnv()
	cmd.Stdin = config
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: owner}
	if transient {
		endWithParent(cmd.SysProcAttr)
	}
	p, started := &process{exited: make(chan struct{})}, make(chan error)
	go func() { // ends with the server; awaitExit waits for it
		defer close(p.exited)
		if transient { // to the kernel the parent is the thread that forks: it must live as long as the server
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", b.path, err)
	}
	p.pid, p.handle = cmd.Process.Pid, cmd.Process
	return p, nil
}

// written is a pipe that holds a text already. A server that is started with it reads all of it, also when we are killed in
// that very moment: with half of its configuration it would listen on a port, and keep nothing.
func written(text string) (*os.File, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(in, text) // a pipe holds 64 KiB, so this does not wait for a reader
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// openLog opens the server's log, and names the user to run as where we are root and the folder is not root's: a tool that
// root starts must not leave files behind that the service cannot read.
func openLog(folder string) (*os.File, *syscall.Credential, error) {
	if err := trimLog(folder); err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(filepath.Join(folder, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	owner, err := foreignOwner(folder)
	if err == nil && owner != nil {
		err = log.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		log.Close()
		return nil, nil, err
	}
	return log, owner, nil
}

// trimLog puts a long log aside, over the one before. The server opens its log anew for each line.
func trimLog(folder string) error {
	path := filepath.Join(folder, logName)
	if fi, err := os.Stat(path); err != nil || fi.Size() <= maxLog {
		return nil // also where there is none yet
	}
	return os.Rename(path, path+".1")
}

// serverEnv is the server's environment: nothing that could hold a secret of ours.
func serverEnv() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	if tz, ok := os.LookupEnv("TZ"); ok {
		env = append(env, "TZ="+tz)
	}
	return env
}

// adopt takes over the server that holds the folder's lock. The caller runs watchLock.
func adopt(folder string) (*process, error) {
	pid, err := readPID(folder)
	if err != nil {
		return nil, err
	}
	handle, err := os.FindProcess(pid) // on Linux bound to this very process, so its id cannot be mistaken later
	if err != nil {
		return nil, err
	}
	if err := runsIn(pid, folder); err != nil {
		return nil, err
	}
	return &process{pid: pid, adopted: true, handle: handle, exited: make(chan struct{})}, nil
}

// watchLock closes exited when nobody holds the folder's lock any more. It ends then, or with quit.
func (p *process) watchLock(folder string, quit <-chan struct{}) {
	tick := time.NewTicker(alivePoll)
	defer tick.Stop()
	for {
		lock, err := lockFolder(folder)
		if err == nil {
			lock.Close()
			p.err = errors.New("the adopted server is gone")
			close(p.exited)
			return
		}
		select {
		case <-quit:
			return
		case <-tick.C:
		}
	}
}

// readPID reads the file that the server writes at its start.
func readPID(folder string) (int, error) {
	b, err := os.ReadFile(filepath.Join(folder, pidName))
	if err != nil {
		return 0, fmt.Errorf("a server holds the lock of %s, but which one is not known: %w", folder, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s holds no process id", filepath.Join(folder, pidName))
	}
	return pid, nil
}

// runsIn checks, where the system tells, that the process works in the folder.
func runsIn(pid int, folder string) error {
	cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return nil // no /proc, or not ours to look at: the server itself is asked for its folder once it answers
	}
	want, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if !os.SameFile(cwd, want) {
		return fmt.Errorf("process %d named in %s works elsewhere", pid, filepath.Join(folder, pidName))
	}
	return nil
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// awaitExit waits until the server is gone, up to limit.
func (p *process) awaitExit(limit time.Duration) bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// terminate asks the server by signal to write everything and end.
func (p *process) terminate() error {
	if err := p.handle.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("terminate redis-server %d: %w", p.pid, err)
	}
	return nil
}

// kill ends the server the hard way. With fsync always that loses nothing that was acknowledged.
func (p *process) kill(limit time.Duration) error {
	if err := p.handle.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill redis-server %d: %w", p.pid, err)
	}
	if !p.awaitExit(limit) {
		return fmt.Errorf("redis-server %d is still there %s after it was killed", p.pid, limit)
	}
	return nil
}

// lastWords quotes the last lines of the server's log.
func lastWords(folder string) string {
	f, err := os.Open(filepath.Join(folder, logName))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil && fi.Size() > logTail {
		_, _ = f.Seek(-logTail, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, logTail))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-logLines):], " | ")
}
