package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tollgate/rating"
)

// snapshotFile is the last snapshot as it lies on the disk, for a start without store: emergency calls need trunks.
type snapshotFile struct {
	Format    int              `json:"format"`
	SavedAt   time.Time        `json:"saved_at"`
	Documents rating.Documents `json:"documents"`
}

const (
	fileFormat  = 1
	maxFileSize = 1 << 30
)

// keepFile writes the snapshot file after changes, at most every SaveEvery, and a last time at the end.
func (c *Catalog) keepFile(ctx context.Context) {
	if c.options.SnapshotFile == "" {
		return
	}
	changes := c.Changes(ctx)
	var last *rating.Snapshot
	save := func() {
		s := c.Current()
		if _, stale := c.Stale(); s == last || stale && last == nil {
			return // nothing new; or nothing but what was read from the file
		}
		if err := c.saveFile(s, time.Now()); err != nil {
			c.log.Error("the last snapshot could not be written to the disk", "err", err)
			return
		}
		last = s
	}
	save()
	for {
		select {
		case <-ctx.Done():
			save()
			return
		case <-changes:
		}
		save()
		select {
		case <-ctx.Done():
		case <-time.After(c.options.SaveEvery):
		}
	}
}

// saveFile replaces the file as a whole: whenever the machine stops, there is the old one or the new one.
func (c *Catalog) saveFile(s *rating.Snapshot, now time.Time) error {
	text, err := json.Marshal(snapshotFile{fileFormat, now.UTC(), s.Documents()})
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	folder := filepath.Dir(c.options.SnapshotFile)
	f, err := os.CreateTemp(folder, filepath.Base(c.options.SnapshotFile)+".*") // created with mode 0600: it holds passwords of trunks
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), c.options.SnapshotFile); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// loadFile shows the snapshot from the disk and returns when it was written.
func (c *Catalog) loadFile() (time.Time, error) {
	if c.options.SnapshotFile == "" {
		return time.Time{}, errors.New("no snapshot file is configured")
	}
	info, err := os.Stat(c.options.SnapshotFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, errors.New("there is no snapshot file yet")
	}
	if err == nil && info.Size() > maxFileSize {
		err = fmt.Errorf("%d bytes are too many", info.Size())
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("snapshot file: %w", err)
	}
	text, err := os.ReadFile(c.options.SnapshotFile)
	if err != nil {
		return time.Time{}, fmt.Errorf("snapshot file: %w", err)
	}
	var file snapshotFile
	if err := json.Unmarshal(text, &file); err != nil {
		return time.Time{}, fmt.Errorf("snapshot file %s: %w", c.options.SnapshotFile, err)
	}
	if file.Format != fileFormat {
		return time.Time{}, fmt.Errorf("snapshot file %s: format %d is not known here", c.options.SnapshotFile, file.Format)
	}
	c.contact.of(file.SavedAt)
	c.show(newView(rating.NewSnapshot(c.soundOnly(file.Documents)), 0))
	return file.SavedAt, nil
}

// soundOnly leaves out what is not valid, as a refresh does.
func (c *Catalog) soundOnly(d rating.Documents) rating.Documents {
	d.Extensions = sound(d.Extensions, rating.Extension.Validate)
	d.Rates = sound(d.Rates, rating.Rate.Validate)
	d.Trunks = sound(d.Trunks, rating.Trunk.Validate)
	d.DialRules = sound(d.DialRules, rating.DialRule.Validate)
	if d.Settings.Validate() != nil {
		d.Settings = rating.DefaultSettings()
	}
	return d
}

func sound[T any](list []T, validate func(T) error) []T {
	kept := list[:0]
	for _, doc := range list {
		if validate(doc) == nil {
			kept = append(kept, doc)
		}
	}
	return kept
}
