package embedded

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestPipeCarriesBytesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		sent := bytes.Repeat([]byte("0123456789"), pipeLimit/4) // more than it holds at a time
		go func() {
			if n, err := a.Write(sent); n != len(sent) || err != nil {
				t.Errorf("wrote %d, %v", n, err)
			}
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d of %d bytes, %v", len(got), len(sent), err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("write to a closed end: %v", err)
		}
	})
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		defer a.Close()
		for _, c := range []struct {
			name  string
			limit func(time.Time) error
			use   func() error
		}{
			{"read", a.SetReadDeadline, func() error { _, err := a.Read(make([]byte, 1)); return err }},
			{"write", a.SetWriteDeadline, func() error { _, err := a.Write(make([]byte, pipeLimit+1)); return err }},
			{"both, reading", a.SetDeadline, func() error { _, err := a.Read(make([]byte, 1)); return err }},
		} {
			began := time.Now()
			c.limit(began.Add(time.Hour))
			c.limit(began.Add(3 * time.Second)) // the later one counts
			err := c.use()
			var timeout net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != 3*time.Second {
				t.Errorf("%s: %v after %s", c.name, err, time.Since(began))
			}
			c.limit(time.Time{}) // and is gone again
		}
		if _, err := io.CopyN(io.Discard, b, pipeLimit); err != nil {
			t.Error(err)
		}
		go func() { time.Sleep(time.Hour); b.Write([]byte("x")) }()
		if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("without a deadline: %d, %v", n, err)
		}
	})
}
