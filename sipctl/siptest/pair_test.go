package siptest

import (
	"context"
	"testing"
	"time"
)

// T1 of the tests: fastT1 for those that wait for timers to run out (64·T1 is then 1.28 s), defaultT1 for those in which
// nothing should have to be repeated, however busy the machine is.
const fastT1 = 20 * time.Millisecond

// pair is a phone that calls a carrier directly, with nothing between them.
type pair struct {
	phone   *Phone
	carrier *Carrier
	ladder  *Ladder
}

func newPair(t *testing.T, transport string, t1 time.Duration, change func(*PhoneConfig, *CarrierConfig)) pair {
	t.Helper()
	ladder := &Ladder{}
	common := Config{Transport: transport, T1: t1, Patience: 10 * time.Second, Ladder: ladder}
	phone, carrier := PhoneConfig{Config: common}, CarrierConfig{Config: common}
	if change != nil {
		change(&phone, &carrier)
	}
	k, err := NewCarrier(carrier)
	if err != nil {
		t.Fatal(err)
	}
	phone.Server = k.Addr()
	p, err := NewPhone(phone)
	if err != nil {
		k.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		k.Close()
		if t.Failed() {
			t.Logf("as both saw it:\n%s", ladder)
		}
	})
	return pair{p, k, ladder}
}

// onBoth runs a test once over UDP and once over TCP.
func onBoth(t *testing.T, t1 time.Duration, test func(*testing.T, pair)) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			test(t, newPair(t, transport, t1, nil))
		})
	}
}

// row waits until the carrier's record has a single row that passes, and returns it.
func (p pair) row(t *testing.T, passes func(Row) bool) Row {
	t.Helper()
	var rows []Row
	err := p.carrier.wait(t.Context(), &p.carrier.bell, func() bool {
		rows, _ = p.carrier.Record()
		return len(rows) == 1 && passes(rows[0])
	}, "one row as expected", p.carrier.state)
	if err != nil {
		t.Fatalf("%v: %+v", err, rows)
	}
	return rows[0]
}

func ended(r Row) bool { return !r.EndedAt.IsZero() }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// eventually waits for a count to reach what it must be.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}
