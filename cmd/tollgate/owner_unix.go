//go:build unix

package main

import (
	"os"
	"syscall"
)

// giveToOwner gives a file that root has made to the owner of a folder: the user that serve runs as.
func giveToOwner(path, folder string) error {
	info, err := os.Stat(folder)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return os.Chown(path, int(s.Uid), int(s.Gid))
	}
	return nil
}
