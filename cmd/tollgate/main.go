// Command tollgate is an inline prepaid call controller: it authorises every outbound call against a balance, cuts it
// when the money is gone, and writes each call detail record exactly once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the setting timezone is known also where the system has no zones

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() { // after the first signal the second one kills
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx))
}

// exit is an error that asks for an exit code of its own; it says nothing more when err is nil.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string { return fmt.Sprint(e.err) }
func (e exit) Unwrap() error { return e.err }

// run carries out the command line and returns the exit code: 0 done, 1 failed, or what the command asks for.
func run(ctx context.Context) int {
	err := newRootCommand().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := 1
	var asked exit
	if errors.As(err, &asked) {
		code, err = asked.code, asked.err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tollgate:", err)
	}
	return code
}

// newRootCommand is the table of commands; each explains itself with an example.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "tollgate",
		Short:         "Inline prepaid call controller",
		Long:          "Tollgate stands between extensions and SIP trunks, lets each call in against a balance, cuts it when the money\nis gone, and writes its record exactly once.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), auditCommand(), backupCommand(), restoreCommand(), simulateCommand(), adminCommand(), licenseCommand(), versionCommand())
	return root
}

// configFlag adds -c and returns where its value will be.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", "", "configuration file (YAML); left out: defaults and environment")
}
