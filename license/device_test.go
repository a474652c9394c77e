package license

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestADeviceIsTheSameWhileMostOfItIs(t *testing.T) {
	for _, c := range []struct {
		name      string
		described []string
		here      []string
		hidden    []string
		same      bool
	}{
		{"nothing has changed", []string{"a1", "b1", "c1"}, []string{"a1", "b1", "c1"}, nil, true},
		{"one part is new", []string{"a1", "b1", "c1"}, []string{"a2", "b1", "c1"}, nil, true},
		{"one part is gone", []string{"a1", "b1", "c1"}, []string{"b1", "c1"}, nil, true},
		{"two of three are new", []string{"a1", "b1", "c1"}, []string{"a2", "b2", "c1"}, nil, false},
		{"half is not most", []string{"a1", "b1", "c1", "d1"}, []string{"a1", "b1", "c2", "d2"}, nil, false},
		{"three of five", []string{"a1", "b1", "c1", "d1", "e1"}, []string{"a1", "b1", "c1", "d2", "e2"}, nil, true},
		{"two of two are needed", []string{"a1", "b1"}, []string{"a1", "b2"}, nil, false},
		{"the only one", []string{"a1"}, []string{"a1"}, nil, true},
		{"the only one is another", []string{"a1"}, []string{"a2"}, nil, false},
		{"more than was described", []string{"a1", "b1"}, []string{"a1", "b1", "c9", "d9"}, nil, true},
		{"what may not be read is left out", []string{"a1", "b1", "c1"}, []string{"a1", "c1"}, []string{"b"}, true},
		{"but the rest must match", []string{"a1", "b1", "c1"}, []string{"a1", "c2"}, []string{"b"}, false},
		{"nothing may be read", []string{"a1"}, []string{"b1"}, []string{"a"}, false},
	} {
		d := oneDevice(t, c.here...)
		d.Hidden = c.hidden
		if got := d.Matches(oneDevice(t, c.described...)); got != c.same {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAnAddressMayBeOneOfSeveral(t *testing.T) {
	before, _ := identifier("hardware-address", []string{"52:54:00:00:00:01", "52:54:00:00:00:02"})
	after, _ := identifier("hardware-address", []string{"52:54:00:00:00:02", "52:54:00:00:00:99"})
	if !(Device{Identifiers: []Identifier{after}}).Matches(Device{Identifiers: []Identifier{before}}) {
		t.Error("a second card was exchanged, and the device is another")
	}
}

// denied is a file system in which some files are for root only.
type denied struct {
	fstest.MapFS
	names []string
}

func (d denied) Open(name string) (fs.File, error) {
	if slices.Contains(d.names, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.Open(name)
}

func TestWhereIdentifiersAreRead(t *testing.T) {
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	root := denied{fstest.MapFS{
		"etc/machine-id":                   text("3d1219c7c4c5404aaa1f6d2a48adfda4\n"),
		"sys/class/dmi/id/board_serial":    text("To be filled by O.E.M.\n"),
		"sys/class/dmi/id/product_serial":  text("  \n"),
		"sys/class/dmi/id/product_uuid":    text("4C4C4544-0042-3510-8052-B9C04F4A3333\n"),
		"sys/class/net/eth0/address":       text("52:54:00:12:34:56\n"),
		"sys/class/net/eth0/device/vendor": text("0x1af4\n"),
		"sys/class/net/veth1/address":      text("02:42:ac:11:00:02\n"),
		"sys/class/net/lo/address":         text("00:00:00:00:00:00\n"),
		"sys/class/net/lo/device/vendor":   text("a loopback never has one\n"),
	}, []string{"sys/class/dmi/id/product_uuid"}}
	d, err := identify(root, func() string { return "0000fd0000000001" })
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"hardware-address", "machine-id", "root-file-system"}; !slices.Equal(d.Kinds(), want) {
		t.Errorf("it rests on %q, want %q", d.Kinds(), want)
	}
	if !slices.Equal(d.Hidden, []string{"product-uuid"}) {
		t.Errorf("hidden: %q", d.Hidden)
	}
	if n := len(d.Identifiers[0].Digests); n != 1 {
		t.Errorf("%d hardware addresses, want the card's alone", n)
	}
	if _, err := identify(fstest.MapFS{}, func() string { return "" }); !errors.Is(err, ErrNoIdentifiers) {
		t.Errorf("a device without any identifier: %v", err)
	}
}

func TestAContainerSaysThatItIsOne(t *testing.T) {
	for file, want := range map[string]string{".dockerenv": "docker", "run/.containerenv": "podman", "etc/hostname": ""} {
		d, _ := identify(fstest.MapFS{file: {}}, func() string { return "0000fd0000000001" })
		if d.Container != want {
			t.Errorf("%s: %q, want %q", file, d.Container, want)
		}
	}
}
