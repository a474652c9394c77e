//go:build !linux

package postgrestest

import "syscall"

// dieWithParent has no kernel support outside Linux: there a killed test binary leaves its servers running.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
