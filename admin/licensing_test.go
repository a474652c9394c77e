package admin_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/license"
)

// licensing is the real keeper of trial and licence, on a clock that a test moves, with a vendor who issues licences.
type licensing struct {
	keeper *license.Keeper
	key    license.SigningKey
	device license.Device
	ahead  atomic.Int64
}

// describe is a device whose identifiers are made of a letter.
func describe(letter string) license.Device {
	id := func(kind string) license.Identifier {
		return license.Identifier{Kind: kind, Digests: []string{strings.Repeat(letter, 32)}}
	}
	return license.Device{Identifiers: []license.Identifier{id("hardware-address"), id("machine-id")}}
}

func newLicensing(t *testing.T, log *slog.Logger) *licensing {
	t.Helper()
	key, err := license.NewSigningKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &licensing{key: key, device: describe("A")}
	l.keeper = license.Open(t.Context(), license.Options{Places: []license.Place{license.NewFolder("state", t.TempDir())}, Device: l.device, Key: key.Public(),
		Now: func() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }, Log: log})
	return l
}

// pass lets time go by.
func (l *licensing) pass(d time.Duration) { l.ahead.Add(int64(d)) }

// issue makes a licence for a device, as its vendor does.
func (l *licensing) issue(t *testing.T, d license.Device) string {
	t.Helper()
	text, err := license.Issue(l.key, []license.Request{{Device: d, Made: time.Now()}}, "Example Telecom", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
