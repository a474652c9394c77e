package license

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestALicenceIsForTheDevicesItLists(t *testing.T) {
	one, two, other := oneDevice(t, "a1", "b1", "c1"), oneDevice(t, "a2", "b2", "c2"), oneDevice(t, "a3", "b3", "c3")
	l, err := Verify(developmentKey(t).Public(), issued(t, one, two))
	if err != nil {
		t.Fatal(err)
	}
	if !l.Lists(one) || !l.Lists(two) || l.Lists(other) {
		t.Errorf("lists: %v %v, and another one: %v", l.Lists(one), l.Lists(two), l.Lists(other))
	}
	if l.Holder != "Example Telecom" || l.Number == "" || l.Issued.IsZero() {
		t.Errorf("read as %+v", l)
	}
}

func TestEveryByteOfALicenceCounts(t *testing.T) {
	key, text := developmentKey(t).Public(), issued(t, oneDevice(t, "a1", "b1"))
	for i := range text {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			altered := bytes.Clone(text)
			altered[i] ^= bit
			if _, err := Verify(key, altered); err == nil {
				t.Fatalf("byte %d (%q) was altered by %#x, and the licence is good", i, text[i], bit)
			}
		}
		if _, err := Verify(key, text[:i]); err == nil {
			t.Fatalf("cut off after %d bytes, the licence is good", i)
		}
	}
	if _, err := Verify(key, append(bytes.Clone(text), '\n')); err == nil {
		t.Error("a line was added, and the licence is good")
	}
}

func TestARefusedLicenceSaysWhy(t *testing.T) {
	key := developmentKey(t)
	strange, err := NewSigningKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	device := oneDevice(t, "a1")
	byOther, err := Issue(strange, []Request{{Device: device}}, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	good := string(issued(t, device))
	for _, c := range []struct {
		name string
		text string
		want error
	}{
		{"a picture", "\x89PNG\r\n\x1a\n", ErrNotLicense},
		{"nothing", "", ErrNotLicense},
		{"a file that never ends", licenseTitle + "\n" + strings.Repeat("a: b\n", 100_000), ErrNotLicense},
		{"the source file", string(Request{Device: device}.Text()), ErrRequestFile},
		{"another product", strings.Replace(good, "product: tollgate", "product: turnpike", 1), ErrWrongProduct},
		{"another key", string(byOther), ErrOtherKey},
		{"another holder", strings.Replace(good, "Example Telecom", "Example Telekom", 1), ErrAltered},
		{"another device written in", strings.Replace(good, issuedDigest(device), issuedDigest(oneDevice(t, "a2")), 1), ErrAltered},
		{"line ends of another system", strings.ReplaceAll(good, "\n", "\r\n"), ErrNotLicense},
	} {
		if _, err := Verify(key.Public(), []byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func issuedDigest(d Device) string { return d.Identifiers[0].Digests[0] }

func TestTheSourceFileSurvivesOnlyWhole(t *testing.T) {
	q := Request{Device: oneDevice(t, "a1", "b1", "c1"), Made: time.Date(2026, 5, 6, 16, 16, 4, 0, time.UTC)}
	q.Device.Container = "docker"
	text := q.Text()
	back, err := ParseRequest(text)
	if err != nil || !bytes.Equal(back.Text(), text) || back.Device.Container != "docker" {
		t.Fatalf("read back as %+v, %v", back, err)
	}
	for i := range text {
		altered := bytes.Clone(text)
		altered[i] ^= 0x01
		if _, err := ParseRequest(altered); !errors.Is(err, ErrNotRequest) {
			t.Fatalf("byte %d was altered: %v", i, err)
		}
	}
}

func TestTheBuiltInKeyIsCalledByItsName(t *testing.T) {
	key, err := VendorKey()
	if err != nil {
		t.Fatal(err)
	}
	own, err := NewSigningKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !key.Development() || own.Public().Development() {
		t.Errorf("development: the repository's %v, a vendor's own %v", key.Development(), own.Public().Development())
	}
	if key.ID() != developmentKey(t).Public().ID() {
		t.Error("testdata/development.key does not belong to vendor.pub")
	}
	for _, text := range [][]byte{own.Text(), own.Public().Text()} {
		_, secret := ParseSigningKey(text)
		_, public := ParsePublicKey(text)
		if (secret == nil) == (public == nil) {
			t.Errorf("a key file is read as %v and as %v", secret, public)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := developmentKey(f)
	f.Add(issued(f, oneDevice(f, "a1", "b1")))
	f.Add(Request{Device: oneDevice(f, "a1")}.Text())
	f.Add([]byte(licenseTitle + "\nproduct: tollgate\nsignature: \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := Verify(key.Public(), text); err == nil && (len(l.Devices) == 0 || len(l.Devices) > MaxDevices) {
			t.Errorf("a licence for %d devices", len(l.Devices))
		}
		if q, err := ParseRequest(text); err == nil && !bytes.Equal(q.Device.text(), readBack(t, text).text()) {
			t.Error("a source file is not read as it is written")
		}
		if r, err := parseRecord(text); err == nil {
			if _, err := parseRecord(r.text()); err != nil {
				t.Errorf("a record cannot be read back: %v", err)
			}
		}
		_, _ = ParsePublicKey(text)
		_, _ = ParseSigningKey(text)
	})
}

func readBack(t *testing.T, text []byte) Device {
	q, err := ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseRequest(q.Text())
	if err != nil {
		t.Fatalf("what was read cannot be read again: %v", err)
	}
	return again.Device
}

func (d Device) text() []byte {
	doc := document{lines: d.lines()}
	return doc.text()
}
