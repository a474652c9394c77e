package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tollgate/license"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
	"tollgate/rating/backup"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
	"tollgate/rating/ledger"
)

// Files of a backup.
const (
	backupArchive      = "archive.db"
	backupStore        = "store.jsonl"
	backupSpool        = "spool.jsonl"
	backupLicense      = "license.record"
	backupLicenseState = "license-state.record"
)

// Times of a backup.
const (
	backupLimit  = 6 * time.Hour
	keepFor      = time.Minute      // the outbox keeps its records for so long after the last sign of life of the backup
	keepEvery    = 10 * time.Second // a sign of life
	copyAttempts = 60               // until no edit of an operator falls into the copy of the store
	copyPause    = 500 * time.Millisecond
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Write a consistent backup of store and archive to a new folder, while serve runs or not",
		Long: "DIR must not be there, or be empty. It appears when the backup is complete, and not before: with the archive, all that\n" +
			"operators edit, the recharges and calls that are not in the archive yet, waiting webhooks, and the records of trial and\n" +
			"licence. It holds secrets (passwords of trunks, hashes): it is readable by its owner alone. It does not hold the\n" +
			"configuration file and TLS keys. See: tollgate restore.",
		Example: "  tollgate backup /var/backups/tollgate/$(date +%F) -c /etc/tollgate/tollgate.yaml",
		Args:    cobra.ExactArgs(1),
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t, err := attachTool(cmd.Context(), *config, "backup")
		if err != nil {
			return err
		}
		defer t.close(cmd.Context())
		return t.backup(cmd.Context(), args[0], cmd.OutOrStdout())
	}
	return cmd
}

// tool is a command that works on store and archive beside serve.
type tool struct {
	config  Config
	dir     string // data_dir
	store   *embedded.Store
	ledger  *ledger.Ledger
	catalog *catalog.Catalog
	archive *archive.Archive
}

// attachTool opens store and archive for reading, beside serve or without it.
func attachTool(ctx context.Context, configFile, name string) (_ *tool, err error) {
	t := &tool{}
	defer func() {
		if err != nil {
			t.close(ctx)
		}
	}()
	if t.config, err = loadConfig(configFile, os.Environ()); err != nil {
		return nil, err
	}
	if t.dir, err = resolveDataDir(t.config.DataDir); err != nil {
		return nil, err
	}
	quiet, _ := newLogger(os.Stderr, LogConfig{Level: "error", Format: "text"})
	t.store, err = embedded.Attach(ctx, embedded.Options{Redis: t.config.Store.Redis, Ephemeral: t.config.Store.Ephemeral, DataDir: t.dir, Log: quiet})
	if err != nil {
		return nil, err
	}
	if t.archive, err = archive.Open(ctx, archive.Options{DSN: archivePath(t.config, t.dir), ReadOnly: true, Log: quiet}); err != nil {
		return nil, err
	}
	t.ledger = ledger.New(t.store.Client, ledger.Options{Node: t.config.Node + "-" + name, Log: quiet})
	t.catalog = catalog.New(t.store.Client, nil, catalog.Options{Log: quiet})
	return t, nil
}

func (t *tool) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toolCloseTimeout)
	defer cancel()
	if t.archive != nil {
		t.archive.Close()
	}
	if t.store != nil {
		t.store.Close(ctx)
	}
}

// backup writes everything to a folder. The archive comes first and takes long; meanwhile the outbox keeps what is filed, so
// the store, which comes last and is quick, has all that the copy of the archive has not. The moment of the backup is the end.
func (t *tool) backup(ctx context.Context, dir string, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	if restoring, err := t.catalog.Restoring(ctx); err != nil || restoring {
		return errors.Join(err, errHalfRestored)
	}
	folder, err := backup.Create(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := t.ledger.KeepOutbox(ctx, keepFor); err != nil {
		return err
	}
	ctx, stop := t.keepOutbox(ctx)
	defer stop()
	if err := t.copyArchive(ctx, folder); err != nil {
		return err
	}
	records, err := t.copyStore(ctx, folder)
	if err != nil {
		return err
	}
	if err := t.copyFiles(ctx, folder); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the backup is given up: %w", context.Cause(ctx))
	}
	m := &folder.Manifest
	m.Tollgate, m.CreatedAt, m.Node, m.ArchiveID = version, time.Now().UTC().Truncate(time.Second), t.config.Node, t.archive.ID()
	if err := folder.Finish(); err != nil {
		return err
	}
	fmt.Fprintf(out, "backup complete: %s, archive of %d bytes, %d records of the store\n", dir, m.Files[0].Size, records)
	return nil
}

// copyArchive writes the archive as an SQLite file, whatever database it is in.
func (t *tool) copyArchive(ctx context.Context, folder *backup.Folder) error {
	to, err := archive.Open(ctx, archive.Options{DSN: "sqlite:" + folder.Path(backupArchive)})
	if err != nil {
		return err
	}
	if err := errors.Join(t.archive.CopyTo(ctx, to), to.Close()); err != nil { // closing it leaves one file, without a log beside it
		return err
	}
	return folder.Took(backupArchive)
}

// keepOutbox shows signs of life until stop is called, which lets the outbox be trimmed again. Where they cannot be shown the
// context ends: what the archive took meanwhile may be gone from the outbox.
func (t *tool) keepOutbox(ctx context.Context) (kept context.Context, stop func()) {
	kept, fail := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for last := time.Now(); ; {
			if pause(kept, keepEvery); kept.Err() != nil {
				return
			}
			began := time.Now()
			if err := t.ledger.KeepOutbox(kept, keepFor); err == nil {
				last = began
			} else if time.Since(last) > keepFor-2*keepEvery {
				fail(fmt.Errorf("the store cannot be reached: %w", err))
			}
		}
	}()
	return kept, func() {
		fail(nil)
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepEvery)
		defer cancel()
		t.trimKept(ctx)
	}
}

// trimKept lets go of the outbox. serve trims a shard when something new comes; what it left lying meanwhile goes now.
func (t *tool) trimKept(ctx context.Context) {
	if t.ledger.KeepOutbox(ctx, 0) != nil {
		return // it lapses by itself
	}
	positions, err := t.archive.Positions(ctx)
	if err != nil {
		return
	}
	left := &outbox{Ledger: t.ledger, audits: auditlog.New(t.store.Client)}
	for shard, position := range positions {
		if left.Trim(ctx, shard, position) != nil {
			return
		}
	}
}

// copyStore writes the store, at a moment in which no operator's edit is half done.
func (t *tool) copyStore(ctx context.Context, folder *backup.Folder) (records int64, err error) {
	err = folder.Write(backupStore, func(w io.Writer) error {
		file, ok := w.(*os.File)
		if !ok {
			return errors.New("the file cannot be written again")
		}
		for range copyAttempts {
			before, busy, err := t.catalog.At(ctx)
			if err != nil {
				return err
			}
			if busy == 0 {
				if records, err = t.writeStore(ctx, w); err != nil {
					return err
				}
				after, busy, err := t.catalog.At(ctx)
				if err != nil || after == before && busy == 0 {
					return err
				}
			}
			if pause(ctx, copyPause); ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if err := file.Truncate(0); err != nil {
				return err
			}
		}
		return errors.New("operators (or an import) changed something all the time: try again when it is quieter")
	})
	return records, err
}

// writeStore writes running calls first, then what waits for the archive, then everything else. In this order every call is
// in the records that follow it or still up, and every recharge whose line was read has its request in what follows.
func (t *tool) writeStore(ctx context.Context, to io.Writer) (int64, error) {
	w := backup.NewWriter(to)
	calls, err := t.ledger.Calls(ctx)
	if err != nil {
		return 0, err
	}
	if err := backup.Dump(ctx, t.store.Client, callKeys(calls), w); err != nil {
		return 0, err
	}
	if err := backup.Dump(ctx, t.store.Client, outboxKeys(), w); err != nil {
		return 0, err
	}
	rest, err := backup.Keys(ctx, t.store.Client, kept)
	if err != nil {
		return 0, err
	}
	return w.Records, errors.Join(backup.Dump(ctx, t.store.Client, rest, w), ctx.Err())
}

// copyFiles takes what lies beside store and archive: entries of the spool, and the records of trial and licence.
func (t *tool) copyFiles(ctx context.Context, folder *backup.Folder) error {
	spooled, err := os.ReadFile(filepath.Join(t.dir, "spool", "spool.jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	texts := map[string][]byte{backupSpool: spooled}
	state, err := resolveStateDir(t.config.License.StateDir)
	if err != nil {
		return err
	}
	for name, place := range licensePlaces(t.config.Node, t.dir, state) {
		if texts[name], err = place.Load(ctx); err != nil {
			return err
		}
	}
	for _, name := range []string{backupSpool, backupLicense, backupLicenseState} {
		if len(texts[name]) == 0 {
			continue
		}
		err := folder.Write(name, func(w io.Writer) error { _, err := w.Write(texts[name]); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// licensePlaces are the folders that remember trial and licence, by the name of their file in a backup.
func licensePlaces(node, dir, state string) map[string]license.Folder {
	return map[string]license.Folder{
		backupLicense:      license.NewFolder("data "+node, filepath.Join(dir, "license")),
		backupLicenseState: license.NewFolder("state "+node, state),
	}
}
