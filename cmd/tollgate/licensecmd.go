package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tollgate/license"
	"tollgate/rating/catalog"
)

func licenseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "license",
		Short: "Trial and licence of this installation; keys and licences for a vendor",
		Example: "  tollgate license request -o billing.ac        on the device: what the vendor needs\n" +
			"  tollgate license issue --key vendor.key --request billing.ac -o license.lic        at the vendor's\n" +
			"  tollgate license install license.lic        on the device",
	}
	cmd.AddCommand(licenseStatusCommand(), licenseRequestCommand(), licenseInstallCommand(), licenseKeygenCommand(), licenseIssueCommand())
	return cmd
}

// withKeeper opens trial and licence for a tool, beside a running serve or without one.
func withKeeper(ctx context.Context, configFile string, use func(*license.Keeper) error) error {
	config, err := loadConfig(configFile, os.Environ())
	if err != nil {
		return err
	}
	dir, err := resolveDataDir(config.DataDir)
	if err != nil {
		return err
	}
	return withCatalog(ctx, configFile, func(c *catalog.Catalog) error {
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		keeper, err := openKeeper(ctx, config, dir, c, log, nil)
		if err != nil {
			return err
		}
		return use(keeper)
	})
}

func licenseStatusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Say whether this installation is on trial or licensed, and until when",
		Example: "  tollgate license status -c tollgate.yaml", Args: cobra.NoArgs}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withKeeper(cmd.Context(), *config, func(k *license.Keeper) error {
			printLicense(cmd.OutOrStdout(), k.State())
			return nil
		})
	}
	return cmd
}

// printLicense shows the three lines of the billing settings, and what else is to be known.
func printLicense(out io.Writer, s license.State) {
	row := func(name, value string) { fmt.Fprintf(out, "%-26s%s\n", name, value) }
	when := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.UTC().Format(time.RFC3339)
	}
	_, endless := s.Remaining()
	expires := when(s.ExpiresAt(), "-")
	switch {
	case s.Licensed:
		expires = "never expires"
	case s.Expired():
		expires += " (over: upload a licence)"
	case !endless:
		expires += fmt.Sprintf(" (%d days left)", s.DaysLeft())
	}
	row("Time of first activation", when(s.Started, "-"))
	row("Time of expiration", expires)
	row("License uploaded", map[bool]string{true: "yes", false: "no"}[s.Licensed])
	if s.License.Number != "" {
		row("License", fmt.Sprintf("%s, issued %s to %q, %d devices", s.License.Number, when(s.License.Issued, "-"), s.License.Holder, len(s.License.Devices)))
		if !s.Licensed {
			row("", "no device of it is a live node of this installation")
		}
	}
	if n := s.Attempts.Total(); n > 0 {
		row("Irregularities", fmt.Sprintf("%d records wiped, %d altered, clock set back %d times", s.Attempts.Wiped, s.Attempts.Altered, s.Attempts.Clock))
	}
	if s.Development {
		row("Key", "development: anybody can make a licence for this build")
	}
}

func licenseRequestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "request", Short: "Write billing.ac, which describes this device to the vendor",
		Long:    "Writes the billing source file. It holds digests of identifiers of this device, and nothing else of it.",
		Example: "  tollgate license request -o billing.ac", Args: cobra.NoArgs}
	output := cmd.Flags().StringP("output", "o", "billing.ac", "file to write; - is standard output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		device, err := license.Identify()
		if err != nil {
			return err
		}
		text := license.Request{Device: device, Made: time.Now()}.Text()
		if *output == "-" {
			_, err := cmd.OutOrStdout().Write(text)
			return err
		}
		if err := os.WriteFile(*output, text, 0o644); err != nil {
			return err
		}
		where := ""
		if device.Container != "" {
			where = " (in a container, " + device.Container + ")"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s describes this device%s by its %s. Send it to your vendor; he sends a licence back.\n", *output, where, strings.Join(device.Kinds(), ", "))
		return nil
	}
	return cmd
}

func licenseInstallCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "install FILE", Short: "Install a licence; a running serve knows it within a second",
		Example: "  tollgate license install license.lic -c tollgate.yaml", Args: cobra.ExactArgs(1)}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := readSmallFile(args[0])
		if err != nil {
			return err
		}
		return withKeeper(cmd.Context(), *config, func(k *license.Keeper) error {
			s, err := k.Install(cmd.Context(), text)
			if err != nil {
				return fmt.Errorf("%s is refused, nothing is changed: %w", args[0], err)
			}
			printLicense(cmd.OutOrStdout(), s)
			return nil
		})
	}
	return cmd
}

func licenseKeygenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keygen", Short: "For the vendor: make a signing key",
		Long:    "Writes FILE, the secret key that signs licences, and FILE.pub, which takes the place of license/vendor.pub before the build.",
		Example: "  tollgate license keygen -o vendor.key && cp vendor.key.pub license/vendor.pub && make build", Args: cobra.NoArgs}
	output := cmd.Flags().StringP("output", "o", "", "file of the secret key; it is never overwritten")
	_ = cmd.MarkFlagRequired("output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		key, err := license.NewSigningKey(nil)
		if err != nil {
			return err
		}
		if err := writeNew(*output, key.Text(), 0o600); err != nil {
			return err
		}
		if err := writeNew(*output+".pub", key.Public().Text(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is the secret key: keep it safe and keep a copy. %s.pub goes into license/vendor.pub.\n", *output, *output)
		return nil
	}
	return cmd
}

func licenseIssueCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "issue", Short: "For the vendor: issue a licence for one to sixteen devices",
		Example: "  tollgate license issue --key vendor.key --request billing.ac -o license.lic\n" +
			"  tollgate license issue --key vendor.key --request gw1.ac --request gw2.ac --holder 'Example Telecom' -o license.lic", Args: cobra.NoArgs}
	keyFile := cmd.Flags().String("key", "", "file of the secret key")
	requests := cmd.Flags().StringArray("request", nil, "billing source file of a device; once for each device")
	holder := cmd.Flags().String("holder", "", "whom the licence is issued to")
	output := cmd.Flags().StringP("output", "o", "license.lic", "file to write; it is never overwritten")
	for _, name := range []string{"key", "request"} {
		_ = cmd.MarkFlagRequired(name)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := issueLicense(*keyFile, *requests, *holder)
		if err != nil {
			return err
		}
		if err := writeNew(*output, text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is a permanent licence for %d devices.\n", *output, len(*requests))
		return nil
	}
	return cmd
}

func issueLicense(keyFile string, requestFiles []string, holder string) ([]byte, error) {
	text, err := readSmallFile(keyFile)
	if err != nil {
		return nil, err
	}
	key, err := license.ParseSigningKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	var requests []license.Request
	for _, name := range requestFiles {
		text, err := readSmallFile(name)
		if err != nil {
			return nil, err
		}
		request, err := license.ParseRequest(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		requests = append(requests, request)
	}
	return license.Issue(key, requests, holder, time.Now())
}

// readSmallFile reads a file that cannot be large if it is what it is taken for.
func readSmallFile(name string) ([]byte, error) {
	const most = 1 << 20
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// writeNew writes a file that must not be there yet.
func writeNew(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: give another name, or remove it", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
