package embedded

import "syscall"

// endWithParent has the kernel end the child, cleanly, when the thread that started it ends.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }
