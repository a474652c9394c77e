//go:build !linux

package embedded

import "syscall"

// endWithParent: other kernels have no such thing, and a server outlives a killed parent there.
func endWithParent(*syscall.SysProcAttr) {}
