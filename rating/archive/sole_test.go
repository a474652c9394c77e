package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soleFile is the archive that a child of this test program holds open until it is killed.
const soleFile = "ARCHIVE_TEST_SOLE"

func beHolder() {
	if _, err := Open(context.Background(), Options{DSN: os.Getenv(soleFile), Log: slog.New(slog.DiscardHandler)}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	select {}
}

func TestASecondWriterIsRefusedAndReadersAreNot(t *testing.T) {
	path := file(t)
	link := filepath.Join(t.TempDir(), "link.db")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), soleFile+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(holder.Start(), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	defer holder.Process.Kill()
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "open\n" {
		t.Fatalf("the holder says %q, %v", said, err)
	}
	for _, name := range []string{path, "sqlite:" + path, link} {
		hurried, cancel := context.WithTimeout(t.Context(), 3*solePoll)
		a, err := Open(hurried, Options{DSN: name})
		cancel()
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d:", holder.Process.Pid)) || !strings.Contains(err.Error(), "PostgreSQL") {
			t.Errorf("a second writer of %s: %v", name, err)
		}
		if err == nil {
			a.Close()
		}
	}
	open(t, Options{DSN: path, ReadOnly: true})

	time.AfterFunc(2*solePoll, func() { holder.Process.Kill(); holder.Wait() })
	a, err := Open(t.Context(), Options{DSN: path}) // the successor waits, and finds the lock of one that was killed
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + lockEnds); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock is left behind: %v", err)
	}
}

// However many come and go, there is never more than one, although the lock's file goes with each.
func TestOneWriterAtATime(t *testing.T) {
	path := file(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inside, failed := make(chan struct{}, 1), make(chan error, 8)
	for range cap(failed) {
		go func() {
			for range 40 {
				s, err := takeSole(context.Background(), path, slog.New(slog.DiscardHandler))
				if err != nil {
					failed <- err
					return
				}
				select {
				case inside <- struct{}{}:
				default:
					failed <- errors.New("two are inside")
					return
				}
				<-inside
				if err := s.release(); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}
