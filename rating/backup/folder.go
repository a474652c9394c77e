package backup

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// partial stands in the name of a folder that is not finished.
const partial = ".partial-"

// Folder is a backup that is being written. It lies beside the folder that it becomes, under a name that says that it is not
// finished; Finish writes the manifest and gives it its name. Whatever ends in between leaves nothing that Open would take.
type Folder struct {
	Manifest Manifest

	final, dir string
	lock       *os.File
}

// Create begins a backup in dir, which must not be there, or be empty. Leftovers of backups to dir that were killed are removed.
func Create(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("backup: %w", err)
	case len(entries) > 0:
		return nil, fmt.Errorf("backup: %s is not empty; name a folder that is not there yet, such as %s", dir, filepath.Join(dir, "2019-05-31"))
	}
	removeLeftovers(dir)
	f := &Folder{final: dir, dir: dir + partial + rand.Text()[:8], Manifest: Manifest{Format: Format}}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if f.lock, err = lock(f.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("backup: %w", err), os.RemoveAll(f.dir))
	}
	return f, nil
}

// lock takes the lock of a folder; the kernel frees it when the process is gone.
func lock(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func removeLeftovers(dir string) {
	left, _ := filepath.Glob(escape(dir) + partial + "????????")
	for _, l := range left {
		if held, err := lock(l); err == nil { // else a backup is at work there
			os.RemoveAll(l)
			held.Close()
		}
	}
}

// escape makes a path a pattern that matches only it.
func escape(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// Path is where a file of the backup is to be written, by whoever writes it himself; then call Took.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// Took enters a file that was written to Path in the manifest, readable by its owner alone and on the disk.
func (f *Folder) Took(name string) error {
	file, err := os.OpenFile(f.Path(name), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer file.Close()
	if err := errors.Join(file.Chmod(0o600), file.Sync()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return fmt.Errorf("backup: read %s again: %w", name, err)
	}
	f.Manifest.Files = append(f.Manifest.Files, File{name, size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// Write writes a file of the backup.
func (f *Folder) Write(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(f.Path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("backup: write %s: %w", name, err)
	}
	return f.Took(name)
}

// Finish writes the manifest, which makes the folder a backup, and gives the folder its name.
func (f *Folder) Finish() error {
	text, err := json.MarshalIndent(f.Manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	file, err := os.OpenFile(f.Path(manifestName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close(), f.lock.Sync()); err != nil {
		return fmt.Errorf("backup: write the manifest: %w", err)
	}
	if err := os.Rename(f.dir, f.final); err != nil { // an empty folder of that name gives way
		return fmt.Errorf("backup: %w", err)
	}
	f.dir = ""
	parent, err := os.Open(filepath.Dir(f.final))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Close removes a backup that was not finished.
func (f *Folder) Close() error {
	var err error
	if f.dir != "" {
		err = os.RemoveAll(f.dir)
	}
	return errors.Join(err, f.lock.Close())
}
