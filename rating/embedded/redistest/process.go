package redistest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// exitLimit is how long a killed server may take to be gone.
const exitLimit = 10 * time.Second

// process is one running redis-server.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is reaped; err may be read from then on
	err    error
}

// launch starts bin with its output appended to logPath. The starting thread is kept until the process ends, because the
// kernel delivers the death signal when that thread, not the whole parent, goes away.
func launch(bin, logPath string, args ...string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(bin, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = dieWithParent()

	started := make(chan error, 1)
	go func() {
		defer close(p.exited)
		defer log.Close()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	return p, <-started
}

// running tells whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the process the hard way and waits until it is gone; a stopped (SIGSTOP) one dies too.
func (p *process) kill() error {
	if !p.running() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil && p.running() {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(exitLimit):
		return fmt.Errorf("redis-server %d did not die within %s", p.cmd.Process.Pid, exitLimit)
	}
}
