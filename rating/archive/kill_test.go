package archive

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// The victim is this test program started again: a drain that kills itself, as a power cut would, at its n-th step.
const (
	victimFile  = "ARCHIVE_TEST_VICTIM"
	victimSteps = "ARCHIVE_TEST_STEPS"
	victimSize  = "ARCHIVE_TEST_RECORDS"
)

func beVictim() {
	steps, _ := strconv.Atoi(os.Getenv(victimSteps))
	records, _ := strconv.Atoi(os.Getenv(victimSize))
	box := newOutbox(4)
	for w := newWorld(11, 12, 4); len(w.filed) < records; {
		box.add(w.step())
	}
	a, err := Open(context.Background(), Options{DSN: os.Getenv(victimFile), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	d := &Drain{Outbox: box, Archive: a, stop: func(string) error {
		if steps--; steps < 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}}
	d.limit = 1 + steps%17
	if err := d.Flush(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Each victim finds an outbox of which nothing was ever trimmed, and dies a step further on.
func TestKilledDrainFilesEachRecordOnce(t *testing.T) { onBoth(t, testKilledDrainFilesEachRecordOnce) }

func testKilledDrainFilesEachRecordOnce(t *testing.T) {
	const records = 120
	path := dsn(t)
	killed := 0
	for steps := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimFile+"="+path, victimSteps+"="+strconv.Itoa(steps), victimSize+"="+strconv.Itoa(records))
		out, err := cmd.CombinedOutput()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			killed++
		} else if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if killed < 5 {
		t.Errorf("only %d drains were killed: the test proves too little", killed)
	}
	w, box, a := newWorld(11, 12, 4), newOutbox(4), open(t, Options{DSN: path})
	for range records {
		box.add(w.step())
	}
	if err := (&Drain{Outbox: box, Archive: a}).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	everythingOnce(t, a, w, time.UTC)
	if box.left() != 0 {
		t.Error("records that were archived before are still in the outbox")
	}
}
