package postgrestest

import "syscall"

// dieWithParent makes the kernel kill the server when the thread that started it ends, so a killed or timed-out test
// binary leaves no server behind.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
