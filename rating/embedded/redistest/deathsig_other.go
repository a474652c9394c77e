//go:build !linux

package redistest

import "syscall"

// dieWithParent has no kernel support outside Linux: there a killed test binary leaves its servers running.
func dieWithParent() *syscall.SysProcAttr { return nil }
