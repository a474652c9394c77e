package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	dataDirMode = 0o750
	folderMode  = 0o700 // the server's own folder: nobody but its user may enter
)

// lockDataDir makes the data directory if need be and takes its lock, waiting up to limit for a tool to leave it.
func lockDataDir(ctx context.Context, dataDir string, limit time.Duration) (*os.File, error) {
	if !filepath.IsAbs(dataDir) {
		return nil, fmt.Errorf("data_dir %q is not an absolute path", dataDir)
	}
	if err := os.MkdirAll(dataDir, dataDirMode); err != nil {
		return nil, err
	}
	return awaitLock(ctx, dataDir, limit)
}

// makeFolder makes the server's folder. Made by root it belongs to the owner of the data directory, who will serve.
func makeFolder(dataDir string) (string, error) {
	folder := filepath.Join(dataDir, folderName)
	err := os.Mkdir(folder, folderMode)
	if errors.Is(err, os.ErrExist) {
		return folder, os.Chmod(folder, folderMode)
	}
	if err != nil {
		return "", err
	}
	owner, err := foreignOwner(dataDir)
	if err != nil || owner == nil {
		return folder, err
	}
	return folder, os.Chown(folder, int(owner.Uid), int(owner.Gid))
}

// foreignOwner returns the owner of a folder if that is another user and we, as root, may become it.
func foreignOwner(folder string) (*syscall.Credential, error) {
	fi, err := os.Stat(folder)
	if err != nil {
		return nil, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || st.Uid == 0 {
		return nil, nil
	}
	return &syscall.Credential{Uid: st.Uid, Gid: st.Gid}, nil
}
