package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tollgate/rating/embedded"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the controller: SIP, admin API, metrics",
		Long: "Runs until SIGTERM or SIGINT: then no new calls are taken, ringing ones are cancelled after 5 s, talking ones go on and are\n" +
			"handed over through the store to the next process. SIGHUP reloads sip.trusted, the TLS certificates and\nlog.level.",
		Example: "  tollgate serve -c /etc/tollgate.yaml\n  TOLLGATE_STORE_EPHEMERAL=true tollgate serve",
		Args:    cobra.NoArgs,
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *config, cmd.OutOrStdout()) }
	return cmd
}

const lastLines = time.Second // that the reader of the log is given at the end

func serve(ctx context.Context, configFile string, out io.Writer) error {
	config, err := loadConfig(configFile, os.Environ())
	if err != nil {
		return err
	}
	lines := newLogWriter(os.Stderr)
	defer lines.Close(lastLines)
	log, level := newLogger(lines, config.Log)
	log = log.With("node", config.Node)
	embedded.LogClients(log)
	announce := func(password string) {
		fmt.Fprintf(out, "The password of the user admin is %s (shown this once; change it with: tollgate admin passwd)\n", password)
	}
	a, err := newApp(ctx, config, os.Getenv("TOLLGATE_ADMIN_PASSWORD"), announce, log)
	if err != nil {
		return err
	}
	a.registry.MustRegister(lines.collector())
	log.Info("ready", "version", version, "sip", a.sip.Addrs(), "api", "http://"+a.admin.Addr().String(), "store", a.store.Kind, "durability", a.store.Report().Durability)
	if err := tellManager("READY=1"); err != nil { // the sockets are open: who comes now waits for its answer at most
		log.Warn("systemd waits for nothing", "err", err)
	}
	stop := a.onHangup(configFile, func(c Config) { level.Set(logLevel(c.Log.Level)) })
	defer stop()
	return a.run(ctx)
}

// onHangup reloads what may change while running whenever SIGHUP comes; a bad file changes nothing.
func (a *app) onHangup(configFile string, apply func(Config)) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				a.reload(configFile, apply)
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

func (a *app) reload(configFile string, apply func(Config)) {
	config, err := loadConfig(configFile, os.Environ())
	if err == nil {
		err = a.sip.SetTrusted(config.SIP.trusted())
	}
	if err != nil {
		a.log.Error("not reloaded, everything stays as it was", "err", err)
		return
	}
	if err := a.reloadCertificates(config); err != nil {
		a.log.Error("a certificate is not reloaded, the old one stays", "err", err)
	}
	apply(config)
	a.log.Info("reloaded", "trusted", len(config.SIP.Trusted), "level", config.Log.Level)
}
