package license

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// maxValue is how much of a file is read for an identifier.
const maxValue = 4096

// ErrNoIdentifiers: nothing on this device tells it from another.
var ErrNoIdentifiers = errors.New("this device cannot be described: it has no machine id, no serial number and no network card that can be read; " +
	"give it an /etc/machine-id (systemd-machine-id-setup makes one; in a container, mount the host's)")

// Identify describes the device that this process runs on. It takes some tens of milliseconds. The error is
// ErrNoIdentifiers where nothing can be told.
func Identify() (Device, error) { return identify(os.DirFS("/"), rootFileSystem) }

// source is where the values of one kind are read.
type source struct {
	kind  string
	files []string // patterns
	read  func(root fs.FS, name string) (string, error)
}

// sources are the identifiers in order of their kinds. None is strong: a machine id is copied with a disk, a network card
// is exchanged, a file system is made anew. Together they tell a device from its copy.
var sources = []source{
	{"board-serial", []string{"sys/class/dmi/id/board_serial", "sys/firmware/devicetree/base/serial-number"}, readValue},
	{"disk-serial", []string{"sys/block/*/device/serial", "sys/block/*/serial", "sys/class/nvme/*/serial"}, readValue},
	{"hardware-address", []string{"sys/class/net/*/address"}, readHardwareAddress},
	{"machine-id", []string{"etc/machine-id", "var/lib/dbus/machine-id"}, readValue},
	{"product-serial", []string{"sys/class/dmi/id/product_serial"}, readValue},
	{"product-uuid", []string{"sys/class/dmi/id/product_uuid"}, readValue},
}

func identify(root fs.FS, rootFS func() string) (Device, error) {
	d := Device{Container: container(root)}
	for _, s := range sources {
		values, hidden := s.values(root)
		if len(values) == 0 {
			if hidden {
				d.Hidden = append(d.Hidden, s.kind)
			}
			continue
		}
		id, err := identifier(s.kind, values)
		if err != nil {
			return d, err
		}
		d.Identifiers = append(d.Identifiers, id)
	}
	if value := rootFS(); value != "" {
		id, err := identifier("root-file-system", []string{value})
		if err != nil {
			return d, err
		}
		d.Identifiers = append(d.Identifiers, id)
	}
	if len(d.Identifiers) == 0 {
		return d, ErrNoIdentifiers
	}
	return d, nil
}

// values returns what the files say, and whether some may not be read by this process.
func (s source) values(root fs.FS) (values []string, hidden bool) {
	for _, pattern := range s.files {
		names, err := fs.Glob(root, pattern)
		if err != nil {
			continue // a pattern of ours is never bad; a folder that cannot be read has nothing for us
		}
		for _, name := range names {
			value, err := s.read(root, name)
			if errors.Is(err, fs.ErrPermission) {
				hidden = true
			}
			if err == nil && !meaningless(value) && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
	}
	return values, hidden
}

// readValue reads a short text, in small letters: firmware has changed their case before.
func readValue(root fs.FS, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxValue))
	if err != nil {
		return "", err
	}
	return strings.ToLower(strings.Trim(string(text), " \t\r\n\x00")), nil
}

// readHardwareAddress reads the address of a network card; those of bridges, tunnels and virtual pairs are made up anew.
func readHardwareAddress(root fs.FS, name string) (string, error) {
	if _, err := fs.Stat(root, path.Join(path.Dir(name), "device")); err != nil {
		return "", nil
	}
	value, err := readValue(root, name)
	if err != nil {
		return "", err
	}
	address, err := net.ParseMAC(value)
	if err != nil || len(address) != 6 {
		return "", nil
	}
	return address.String(), nil
}

// placeholders stand where a maker wrote nothing.
var placeholders = []string{"none", "n/a", "not specified", "not applicable", "default string", "to be filled by o.e.m.", "system serial number",
	"base board serial number", "chassis serial number", "invalid", "unknown", "uninitialized", "123456789", "0123456789",
	"03000200-0400-0500-0006-000700080009", "ff:ff:ff:ff:ff:ff"}

// meaningless reports whether a value tells nothing of the device.
func meaningless(value string) bool {
	return len(value) < 4 || slices.Contains(placeholders, value) || strings.Trim(value, "0-:.f ") == "" || strings.HasPrefix(value, "to be filled")
}

// container names the engine that runs this process in a container, as it can be told from inside.
func container(root fs.FS) string {
	for _, mark := range [][2]string{{".dockerenv", "docker"}, {"run/.containerenv", "podman"}} {
		if _, err := fs.Stat(root, mark[0]); err == nil {
			return mark[1]
		}
	}
	if name, err := readValue(root, "run/systemd/container"); err == nil && name != "" && len(name) <= 32 {
		return name
	}
	return ""
}

// Kinds of file systems whose id is kept in the file system itself (statfs(2)); elsewhere it is the number of a device.
const (
	ext4Magic  = 0xef53
	btrfsMagic = 0x9123683e
	f2fsMagic  = 0xf2f52010
	zfsMagic   = 0x2fc12fc1
)

// rootFileSystem is the id of the file system at /; "" where it has none of its own, as in most containers.
func rootFileSystem() string {
	var s syscall.Statfs_t
	if err := syscall.Statfs("/", &s); err != nil {
		return ""
	}
	if !slices.Contains([]int64{ext4Magic, btrfsMagic, f2fsMagic, zfsMagic}, int64(s.Type)&0xffffffff) || s.Fsid.X__val == [2]int32{} {
		return ""
	}
	return fmt.Sprintf("%08x%08x", uint32(s.Fsid.X__val[0]), uint32(s.Fsid.X__val[1]))
}
