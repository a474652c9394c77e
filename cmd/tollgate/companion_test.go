package main

import (
	"os/exec"
	"syscall"
	"testing"
)

// companion runs another program beside ours until the test ends, and shows what it wrote where the test failed.
func companion(t *testing.T, name string, command *exec.Cmd) {
	t.Helper()
	log := &buffer{}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, log.tail(4000))
		}
	})
}
