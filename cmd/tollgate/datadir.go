package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// resolveDataDir returns the folder that data_dir names, made when missing, never relative to the working directory.
// Empty: /var/lib/tollgate when writable, else $XDG_DATA_HOME/tollgate.
func resolveDataDir(configured string) (string, error) {
	if configured != "" {
		dir, err := filepath.Abs(configured)
		if err != nil || dir != filepath.Clean(configured) {
			return "", fmt.Errorf("data_dir %s: must be an absolute path", configured)
		}
		return dir, makePrivate(dir)
	}
	const system = "/var/lib/tollgate"
	if makePrivate(system) == nil && writable(system) {
		return system, nil
	}
	home := os.Getenv("XDG_DATA_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("data_dir: %s is not writable and there is no home directory; set data_dir to an absolute path", system)
		}
		home = filepath.Join(user, ".local", "share")
	}
	dir := filepath.Join(home, "tollgate")
	return dir, makePrivate(dir)
}

func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w; make it writable for this user, or set data_dir", err)
	}
	return nil
}

func writable(dir string) bool {
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return false
	}
	probe.Close()
	return os.Remove(probe.Name()) == nil
}
