package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
	"tollgate/rating/ledger"
)

// Exit codes of audit.
const (
	auditDiffers     = 1
	auditImpossible  = 2
	auditLimit       = 30 * time.Minute
	archiveFile      = "archive.db"
	toolCloseTimeout = 15 * time.Second
)

func auditCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that no money was lost or made",
		Long: "Proves for every account that opening + recharges ± adjustments − call costs is the balance, that every hold belongs to a\n" +
			"live call, and that every call record and journal line is there exactly once. It reads only, and may run beside serve;\n" +
			"where serve is stopped it starts the private redis-server itself.\n\nExit code: 0 proved, 1 differences, 2 could not be checked.",
		Example: "  tollgate audit -c tollgate.yaml\n  tollgate audit --json | jq .differences",
		Args:    cobra.NoArgs,
	}
	config := configFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v, err := auditOnce(cmd.Context(), *config)
		if err != nil {
			return exit{auditImpossible, fmt.Errorf("the money could not be checked: %w", err)}
		}
		if err := v.print(cmd.OutOrStdout(), asJSON); err != nil {
			return exit{auditImpossible, err}
		}
		if !v.Proved {
			return exit{code: auditDiffers}
		}
		return nil
	}
	return cmd
}

// auditOnce opens store and archive as a tool, audits, and closes them again.
func auditOnce(ctx context.Context, configFile string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	config, err := loadConfig(configFile, os.Environ())
	if err != nil {
		return verdict{}, err
	}
	dir, err := resolveDataDir(config.DataDir)
	if err != nil {
		return verdict{}, err
	}
	quiet, _ := newLogger(os.Stderr, LogConfig{Level: "error", Format: "text"})
	store, err := embedded.Attach(ctx, embedded.Options{Redis: config.Store.Redis, Ephemeral: config.Store.Ephemeral, DataDir: dir, Log: quiet})
	if err != nil {
		return verdict{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toolCloseTimeout)
		defer cancel()
		store.Close(ctx)
	}()
	records, err := archive.Open(ctx, archive.Options{DSN: archivePath(config, dir), ReadOnly: true, Log: quiet})
	if err != nil {
		return verdict{}, err
	}
	defer records.Close()
	documents := catalog.New(store.Client, nil, catalog.Options{Log: quiet})
	known, err := documents.ArchiveID(ctx)
	if err != nil {
		return verdict{}, err
	}
	if known != "" && known != records.ID() {
		return verdict{}, fmt.Errorf("the archive %s has id %s, but the store files into the archive %s: point archive.dsn (or data_dir) at that one", archive.Shown(archivePath(config, dir)), records.ID(), known)
	}
	return auditor{ledger.New(store.Client, ledger.Options{Node: config.Node + "-audit", Log: quiet}), records, documents}.audit(ctx)
}

// archivePath is where the archive of a configuration is: the path of an SQLite file, or the URL of a PostgreSQL database.
func archivePath(config Config, dir string) string {
	if postgresArchive(config.Archive.DSN) {
		return config.Archive.DSN
	}
	if path := strings.TrimPrefix(config.Archive.DSN, "sqlite:"); path != "" {
		return path
	}
	return filepath.Join(dir, archiveFile)
}

// print writes the verdict for a person, or for a program.
func (v verdict) print(out io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	}
	fmt.Fprintf(out, "%d accounts, %d journal lines, %d billed calls, %d running\n", v.Accounts, v.Entries, v.Calls, v.ActiveCalls)
	fmt.Fprintf(out, "balances %s, held %s, charged %s\n", v.Balance, v.Held, v.Charged)
	if v.Proved {
		_, err := fmt.Fprintln(out, "proved: every micro-unit is accounted for")
		return err
	}
	fmt.Fprintf(out, "%d differences:\n", len(v.Differences))
	for _, d := range v.Differences {
		fmt.Fprintln(out, "  "+explainDifference(d))
	}
	return nil
}

func explainDifference(d rating.Difference) string {
	who := "extension " + d.Extension
	if d.Extension == "" {
		who = "the archive"
	}
	return fmt.Sprintf("%s, %s: %s (should be %s, is %s)", who, d.Law, d.Detail, d.Want, d.Have)
}
