package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// resolveDataDir returns the folder that data_dir names, made when missing, never relative to the working directory.
// Empty: /var/lib/tollgate when writable, else $XDG_DATA_HOME/tollgate.
func resolveDataDir(configured string) (string, error) {
	return resolveFolder("data_dir", configured, "/var/lib/tollgate", "XDG_DATA_HOME", filepath.Join(".local", "share"))
}

// resolveStateDir returns the folder that license.state_dir names. Empty: /var/lib/tollgate-license when writable, else
// $XDG_STATE_HOME/tollgate.
func resolveStateDir(configured string) (string, error) {
	return resolveFolder("license.state_dir", configured, "/var/lib/tollgate-license", "XDG_STATE_HOME", filepath.Join(".local", "state"))
}

// resolveFolder returns the folder configured under a key; else the system's where that is writable, else the user's own.
func resolveFolder(key, configured, system, variable, underHome string) (string, error) {
	if configured != "" {
		dir, err := filepath.Abs(configured)
		if err != nil || dir != filepath.Clean(configured) {
			return "", fmt.Errorf("%s %s: must be an absolute path", key, configured)
		}
		return dir, makePrivate(key, dir)
	}
	if makePrivate(key, system) == nil && writable(system) {
		return system, nil
	}
	home := os.Getenv(variable)
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%s: %s is not writable and there is no home directory; set %s to an absolute path", key, system, key)
		}
		home = filepath.Join(user, underHome)
	}
	dir := filepath.Join(home, "tollgate")
	return dir, makePrivate(key, dir)
}

func makePrivate(key, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w; make it writable for this user, or set %s", key, err, key)
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
