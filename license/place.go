package license

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Place keeps the record of trial and licence. Its name is unique within the installation and never changes.
type Place interface {
	Name() string
	Load(ctx context.Context) ([]byte, error) // nil where there is none
	Save(ctx context.Context, text []byte) error
}

// Folder is a place on the local disk.
type Folder struct {
	name string
	dir  string
}

// recordFile is the name of the record in its folder.
const recordFile = "billing.record"

// NewFolder returns the place dir, which is made, for its owner only, when something is saved.
func NewFolder(name, dir string) Folder { return Folder{name, dir} }

// Name implements Place.
func (f Folder) Name() string { return f.name }

// Load implements Place.
func (f Folder) Load(context.Context) ([]byte, error) {
	file, err := os.Open(filepath.Join(f.dir, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the licence record: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read the licence record: %w", err)
	}
	if len(text) == 0 {
		return []byte("\n"), nil // emptied is not the same as never there
	}
	return text, nil
}

// Save implements Place: what was there before is exchanged in one step, and the new text is on the disk when it returns.
func (f Folder) Save(_ context.Context, text []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the licence record: %w", err)
		}
	}()
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(f.dir, recordFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), filepath.Join(f.dir, recordFile)); err != nil {
		return err
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
