package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/backup"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
	"tollgate/rating/ledger"
)

const restoreLockLimit = 2 * time.Second // how long a restore waits for another tool that works on data_dir

// errHalfRestored keeps serve from money that is not all there.
var errHalfRestored = errors.New("a restore into this store was begun and did not end: run tollgate restore again")

// restoreFlags say how far a restore may go.
type restoreFlags struct{ replace, fromArchive bool }

func restoreCommand() *cobra.Command {
	var flags restoreFlags
	cmd := &cobra.Command{
		Use:   "restore DIR | restore --from-archive",
		Short: "Restore a backup into an empty installation, or rebuild a lost store from the archive",
		Long: "Stop serve first. Store and archive that the configuration names must be empty, unless --replace is given: then the store's\n" +
			"content is removed, and an archive that is in the way is moved aside. Balances are computed from the journal in the archive.\n" +
			"Calls that were up at the moment of the backup are ended: ringing ones cost nothing, talking ones what they cost up to then.\n" +
			"Everybody must log in again. At the end the money is audited.\n\n" +
			"--from-archive is for a store that is lost while the archive is there: balances, recharges and their idempotency keys come\n" +
			"from the archive; extensions, rates, trunks, dial rules and settings from snapshot.json in data_dir. Where that is gone too,\n" +
			"each extension begins again with its balance, billed, unlocked, without credit. Users and API tokens are not in there: the\n" +
			"next serve makes the user admin anew. Only what had not reached the archive (usually under a second) is missing.",
		Example: "  tollgate restore /var/backups/tollgate/2019-05-31 -c /etc/tollgate/tollgate.yaml\n  tollgate restore --from-archive --replace",
		Args:    cobra.MaximumNArgs(1),
	}
	config := configFlag(cmd)
	cmd.Flags().BoolVar(&flags.replace, "replace", false, "give up what store and archive hold now")
	cmd.Flags().BoolVar(&flags.fromArchive, "from-archive", false, "there is no backup: rebuild the store from the archive that is there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.fromArchive == (len(args) == 1) {
			return errors.New("name the folder of a backup, or --from-archive, and not both")
		}
		dir := ""
		if len(args) == 1 {
			dir = args[0]
		}
		return restore(cmd.Context(), *config, dir, flags, cmd.OutOrStdout())
	}
	return cmd
}

// restorer is a restore under way.
type restorer struct {
	tool
	flags    restoreFlags
	from     string // folder of the backup; "" with --from-archive
	manifest backup.Manifest
	requests map[string]rating.Recharge // of the backup, by idempotency key
	out      io.Writer
}

func restore(ctx context.Context, configFile, dir string, flags restoreFlags, out io.Writer) (err error) {
	r := &restorer{flags: flags, from: dir, out: out}
	if dir != "" { // before anything is touched
		if r.manifest, err = backup.Open(dir); err != nil {
			return err
		}
	}
	if err := r.open(ctx, configFile); err != nil {
		return err
	}
	defer r.close(ctx)
	if err := r.admit(ctx); err != nil {
		return err
	}
	steps := []func(context.Context) error{r.empty, r.putArchive, r.putStore, r.putMoney, r.putFiles}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("the restore is not complete, and serve will refuse to start; mend this and run it again: %w", err)
		}
	}
	v, err := auditor{ledger: r.ledger, archive: r.archive, catalog: r.catalog}.audit(ctx)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := r.catalog.MarkRestore(ctx, false); err != nil {
		return err
	}
	if err := v.print(out, false); err != nil {
		return err
	}
	if !v.Proved {
		return exit{code: auditDiffers}
	}
	return nil
}

// open opens the store as serve does, so that nobody else can.
func (r *restorer) open(ctx context.Context, configFile string) (err error) {
	if r.config, err = loadConfig(configFile, os.Environ()); err != nil {
		return err
	}
	if r.config.Store.Ephemeral {
		return embedded.ErrEphemeral
	}
	if r.dir, err = resolveDataDir(r.config.DataDir); err != nil {
		return err
	}
	quiet, _ := newLogger(os.Stderr, LogConfig{Level: "error", Format: "text"})
	r.store, err = embedded.Open(ctx, embedded.Options{Redis: r.config.Store.Redis, DataDir: r.dir, Log: quiet, LockLimit: restoreLockLimit})
	if errors.Is(err, embedded.ErrLocked) {
		return fmt.Errorf("stop tollgate serve first: %w", err)
	}
	if err != nil {
		return err
	}
	r.ledger = ledger.New(r.store.Client, ledger.Options{Node: r.config.Node, Log: quiet})
	r.catalog = catalog.New(r.store.Client, r.ledger, catalog.Options{Log: quiet})
	return nil
}

// admit refuses what would destroy something that nobody said may go.
func (r *restorer) admit(ctx context.Context) error {
	nodes, err := r.ledger.Nodes(ctx)
	if err != nil {
		return err
	}
	for node, seen := range nodes {
		// Our own node is not running: its data_dir is locked by us. Nor is another one on a private store.
		foreign := node != r.config.Node && r.store.Kind == embedded.External && !strings.HasPrefix(node, ledger.Restorer)
		if foreign && time.Since(seen) < r.ledger.Alive {
			return fmt.Errorf("node %s works on this store, or did %s ago: stop serve on all nodes and wait %s", node, time.Since(seen).Round(time.Second), r.ledger.Alive)
		}
	}
	half, err := r.catalog.Restoring(ctx)
	if err != nil || half || r.flags.replace {
		return err
	}
	keys, err := backup.Keys(ctx, r.store.Client, ours)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		return fmt.Errorf("the store at %s is not empty (%d keys of Tollgate): to give up what it holds, say --replace", r.store.Address, len(keys))
	}
	if r.flags.fromArchive {
		return nil
	}
	empty, err := r.archiveIsEmpty(ctx)
	if err == nil && !empty {
		err = fmt.Errorf("the archive %s is not empty: to move it aside, say --replace", archive.Shown(archivePath(r.config, r.dir)))
	}
	return err
}

// archiveFile is the file of an archive in SQLite; "" where it is in another database.
func (r *restorer) archiveFile() string {
	dsn := archivePath(r.config, r.dir)
	if strings.Contains(dsn, "://") {
		return ""
	}
	return dsn
}

// archiveIsEmpty reports whether no archive is in the way.
func (r *restorer) archiveIsEmpty(ctx context.Context) (bool, error) {
	if path := r.archiveFile(); path != "" {
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
			return true, nil
		}
	}
	a, err := archive.Open(ctx, archive.Options{DSN: archivePath(r.config, r.dir), ReadOnly: true})
	if errors.Is(err, archive.ErrNone) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer a.Close()
	return a.Empty(ctx)
}

// empty marks the store as being restored, and removes what it holds.
func (r *restorer) empty(ctx context.Context) error {
	if err := r.catalog.MarkRestore(ctx, true); err != nil {
		return err
	}
	keys, err := backup.Keys(ctx, r.store.Client, func(key string) bool { return ours(key) && key != catalog.RestoringKey })
	if err != nil {
		return err
	}
	return backup.Remove(ctx, r.store.Client, keys)
}

// putArchive puts the archive of the backup in its place, and opens it.
func (r *restorer) putArchive(ctx context.Context) (err error) {
	path := r.archiveFile()
	switch {
	case path != "" && !r.flags.fromArchive:
		if err := r.moveArchiveAside(path); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(r.from, backupArchive), path); err != nil {
			return err
		}
	case path != "":
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no archive to rebuild the store from: %w", err)
		}
	}
	quiet, _ := newLogger(os.Stderr, LogConfig{Level: "error", Format: "text"})
	if r.archive, err = archive.Open(ctx, archive.Options{DSN: archivePath(r.config, r.dir), Log: quiet}); err != nil {
		return err
	}
	if path == "" && !r.flags.fromArchive {
		if err := r.fillDatabase(ctx); err != nil {
			return err
		}
	}
	if r.manifest.ArchiveID != "" && r.manifest.ArchiveID != r.archive.ID() {
		return fmt.Errorf("the archive of the backup has id %s, and its manifest says %s", r.archive.ID(), r.manifest.ArchiveID)
	}
	return nil
}

// fillDatabase copies the archive of the backup into a database of a server, in one transaction. What is in that database is
// never removed: a restore that is run again finds its own copy there, and any other archive stays what it is.
func (r *restorer) fillDatabase(ctx context.Context) error {
	if r.archive.ID() == r.manifest.ArchiveID {
		return nil
	}
	from, err := archive.Open(ctx, archive.Options{DSN: "sqlite:" + filepath.Join(r.from, backupArchive), ReadOnly: true})
	if err != nil {
		return err
	}
	err = from.CopyTo(ctx, r.archive)
	if errors.Is(err, rating.ErrConflict) {
		err = fmt.Errorf("%w; make an empty database and name it in archive.dsn", err)
	}
	return errors.Join(err, from.Close())
}

// moveArchiveAside keeps an archive that is in the way, under another name.
func (r *restorer) moveArchiveAside(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	aside := path + ".before-" + time.Now().UTC().Format("20060102T150405")
	for _, suffix := range []string{"", "-wal", "-shm"} { // SQLite finds its log beside the file, under the same name
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	fmt.Fprintln(r.out, "the former archive is now", aside)
	return nil
}

// putFiles puts back what lay beside store and archive, where it is missing.
func (r *restorer) putFiles(ctx context.Context) error {
	if r.flags.fromArchive {
		return nil
	}
	spooled := filepath.Join(r.dir, "spool", "spool.jsonl")
	if info, err := os.Stat(spooled); r.manifest.Has(backupSpool) && (err != nil || info.Size() == 0) {
		if err := copyFile(filepath.Join(r.from, backupSpool), spooled); err != nil {
			return err
		}
	}
	state, err := resolveStateDir(r.config.License.StateDir)
	if err != nil {
		return err
	}
	for name, place := range licensePlaces(r.config.Node, r.dir, state) {
		known, err := place.Load(ctx)
		if err != nil || known != nil || !r.manifest.Has(name) {
			continue // what is there is newer, or is repaired from the others
		}
		text, err := os.ReadFile(filepath.Join(r.from, name))
		if err == nil {
			err = place.Save(ctx, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file so that its name stands for the whole content or for none, and gives it to the owner of its folder.
func copyFile(from, to string) error {
	folder := filepath.Dir(to)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.CreateTemp(folder, filepath.Base(to)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(target.Name())
	_, err = io.Copy(target, source)
	if err := errors.Join(err, target.Sync(), target.Close(), giveToOwner(target.Name(), folder)); err != nil {
		return err
	}
	if err := os.Rename(target.Name(), to); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
