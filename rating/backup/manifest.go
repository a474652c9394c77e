package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Format is the version of the folder that this program writes. It reads this one and older ones.
const Format = 1

const (
	manifestName = "manifest.json"
	maxManifest  = 1 << 20
)

// Manifest says what a backup holds. It is written last: a folder without one is no backup.
type Manifest struct {
	Format    int       `json:"format"`
	Tollgate  string    `json:"tollgate"` // version of the program that made it
	CreatedAt time.Time `json:"created_at"`
	Node      string    `json:"node"`
	ArchiveID string    `json:"archive_id"`
	Files     []File    `json:"files"`
}

// File of a backup.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// ErrNotABackup wraps every reason why a folder is not restored from.
var ErrNotABackup = errors.New("not a complete backup")

// Open reads the manifest of a backup and compares every file with it.
func Open(dir string) (Manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return m, fmt.Errorf("%s is %w: %w", dir, ErrNotABackup, err)
	}
	for _, f := range m.Files {
		if err := f.check(dir); err != nil {
			return m, fmt.Errorf("%s is %w: %w", dir, ErrNotABackup, err)
		}
	}
	return m, nil
}

func readManifest(dir string) (Manifest, error) {
	var m Manifest
	file, err := os.Open(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("it has no %s, which a backup writes last; one that was interrupted is of no use: take another", manifestName)
	}
	if err != nil {
		return m, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return m, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("%s cannot be read: %w", manifestName, err)
	}
	if m.Format > Format {
		return m, fmt.Errorf("it has format %d, and this program (format %d) is older: restore with Tollgate %s or later", m.Format, Format, m.Tollgate)
	}
	if m.Format < 1 || len(m.Files) == 0 {
		return m, fmt.Errorf("%s names no format or no files", manifestName)
	}
	return m, nil
}

// check compares a file with what the manifest says of it.
func (f File) check(dir string) error {
	if f.Name != filepath.Base(f.Name) || strings.HasPrefix(f.Name, ".") {
		return fmt.Errorf("the manifest names the file %q", f.Name)
	}
	file, err := os.Open(filepath.Join(dir, f.Name))
	if err != nil {
		return fmt.Errorf("a file is missing: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read: %w", f.Name, err)
	case size != f.Size:
		return fmt.Errorf("%s has %d bytes, and had %d when it was written", f.Name, size, f.Size)
	case hex.EncodeToString(sum.Sum(nil)) != f.SHA256:
		return fmt.Errorf("%s was changed after it was written: its checksum is another", f.Name)
	}
	return nil
}

// Has reports whether the backup has a file of that name.
func (m Manifest) Has(name string) bool {
	for _, f := range m.Files {
		if f.Name == name {
			return true
		}
	}
	return false
}
