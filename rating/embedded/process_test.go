package embedded

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestLogIsPutAsideWhenLong(t *testing.T) {
	dir := t.TempDir()
	write := func(b []byte) {
		if err := os.WriteFile(filepath.Join(dir, logName), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	size := func(name string) int {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return -1
		}
		return len(b)
	}
	for _, c := range []struct {
		name         string
		before       int // bytes in the log; -1: none
		after, aside int
	}{
		{"no log yet", -1, -1, -1},
		{"a short one stays", maxLog, maxLog, -1},
		{"a long one is put aside", maxLog + 1, -1, maxLog + 1},
		{"over the one before", maxLog + 2, -1, maxLog + 2},
	} {
		if c.before >= 0 {
			write(bytes.Repeat([]byte("x"), c.before))
		}
		if err := trimLog(dir); err != nil {
			t.Fatal(err)
		}
		if size(logName) != c.after || size(logName+".1") != c.aside {
			t.Errorf("%s: %d and %d bytes, want %d and %d", c.name, size(logName), size(logName+".1"), c.after, c.aside)
		}
	}
}

func TestLastWordsOfALog(t *testing.T) {
	dir := t.TempDir()
	if got := lastWords(dir); got == "" {
		t.Error("a missing log is not named")
	}
	text := append(bytes.Repeat([]byte("early\n"), logTail), "one\ntwo\nthree\n"...)
	if err := os.WriteFile(filepath.Join(dir, logName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lastWords(dir); got != "two | three" {
		t.Errorf("last words %q", got)
	}
}

func TestProcessIDsOfLeftovers(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]int{"": 0, "x": 0, "-5": 0, "1": 0, "0\n": 0, "4711\n": 4711} {
		if err := os.WriteFile(filepath.Join(dir, pidName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readPID(dir); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is read as %d, %v", text, got, err)
		}
	}
	if err := runsIn(os.Getpid(), dir); err == nil {
		t.Error("a process that works elsewhere passes for ours")
	}
}

// We may be killed the moment after the server was started: its whole configuration must be on its standard input by then.
func TestTheConfigurationWaitsInThePipe(t *testing.T) {
	f, err := written(serverConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != serverConfig {
		t.Errorf("%d bytes, want %d (%v)", len(text), len(serverConfig), err)
	}
}
