package license

import (
	"os"
	"testing"
	"time"
)

// oneDevice is a device with an identifier of every letter: the kind is the letter, the value what follows it.
func oneDevice(t testing.TB, words ...string) Device {
	t.Helper()
	var d Device
	for _, w := range words {
		id, err := identifier(w[:1], []string{w[1:]})
		if err != nil {
			t.Fatal(err)
		}
		d.Identifiers = append(d.Identifiers, id)
	}
	return d
}

func developmentKey(t testing.TB) SigningKey {
	t.Helper()
	text, err := os.ReadFile("testdata/development.key")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseSigningKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issued(t testing.TB, devices ...Device) []byte {
	t.Helper()
	var requests []Request
	for _, d := range devices {
		requests = append(requests, Request{Device: d, Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	}
	text, err := Issue(developmentKey(t), requests, "Example Telecom", time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
