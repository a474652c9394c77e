//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Where a demo works, and what is done about one that was killed.

const demoFolders, demoLog = "tollgate-demo-*", "demo.log"

// demoFolder makes a folder for one demo, and its log there, which is locked for as long as the demo lives.
func demoFolder() (dir string, log *os.File, err error) {
	if dir, err = os.MkdirTemp("", demoFolders); err != nil {
		return "", nil, err
	}
	log, err = os.Create(filepath.Join(dir, demoLog))
	if err == nil {
		err = lockAtOnce(log)
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, log, nil
}

// removeDeadDemos removes the folders of this user's demos that were killed: nobody holds their lock any more. The kernel has
// ended their redis-server with them.
func removeDeadDemos() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), demoFolders))
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !mine(info) {
			continue
		}
		log, err := os.Open(filepath.Join(dir, demoLog))
		if err != nil {
			continue // it is just being made
		}
		if lockAtOnce(log) == nil {
			_ = os.RemoveAll(dir) // the next one tries again
		}
		log.Close()
	}
}

func lockAtOnce(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func mine(info os.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Geteuid()
}
