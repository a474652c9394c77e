package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Try configuration, sockets, store, archive and trunks; say how to mend what is wrong",
		Long: "Tries everything that serve needs and changes nothing. A socket or a store held by a serve of this configuration that\n" +
			"runs already is good.\n\nExit code: 0 all good, 1 something is wrong.",
		Example: "  tollgate check -c tollgate.yaml",
		Args:    cobra.NoArgs,
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !check(cmd.Context(), *config, cmd.OutOrStdout()) {
			return exit{code: 1}
		}
		return nil
	}
	return cmd
}

const (
	checkLimit = 60 * time.Second
	probeLimit = 3 * time.Second // of one trunk or one request
)

// checker prints one line per thing it tried.
type checker struct {
	out    io.Writer
	config Config
	dir    string
	ours   bool // a serve of this configuration runs
	failed bool
}

func (c *checker) good(what, format string, args ...any) {
	fmt.Fprintf(c.out, "ok    %-12s %s\n", what, fmt.Sprintf(format, args...))
}

func (c *checker) warn(what, format string, args ...any) {
	fmt.Fprintf(c.out, "warn  %-12s %s\n", what, fmt.Sprintf(format, args...))
}

func (c *checker) bad(what, format string, args ...any) {
	c.failed = true
	fmt.Fprintf(c.out, "FAIL  %-12s %s\n", what, fmt.Sprintf(format, args...))
}

// check tries everything and reports whether all of it is good.
func check(ctx context.Context, configFile string, out io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	c := &checker{out: out}
	var err error
	if c.config, err = loadConfig(configFile, os.Environ()); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			c.bad("config", "%s", line)
		}
		return false
	}
	c.good("config", "node %s, %d listeners, %d trusted networks", c.config.Node, len(c.config.SIP.Listen), len(c.config.SIP.Trusted))
	if c.dir, err = resolveDataDir(c.config.DataDir); err != nil {
		c.bad("data_dir", "%v", err)
		return false
	}
	if !writable(c.dir) {
		c.bad("data_dir", "%s is not writable for this user: chown it, or set data_dir", c.dir)
		return false
	}
	c.good("data_dir", "%s", c.dir)
	c.certificates()
	c.ours = c.running(ctx)
	c.sockets()
	c.store(ctx)
	return !c.failed
}

// running reports whether a Tollgate answers where the API of this configuration listens. Who it is does not matter: a
// socket that another program holds is told by the socket itself.
func (c *checker) running(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	scheme, client := "http", http.DefaultClient
	if c.config.Admin.TLS.Cert != "" {
		scheme = "https" // on this machine, and nothing is sent: the name on the certificate is of no interest
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+c.config.Admin.Listen+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// sockets tries to listen where serve would.
func (c *checker) sockets() {
	for _, l := range c.config.SIP.Listen {
		if u, err := url.Parse(l); err == nil {
			c.socket("sip "+u.Scheme, u.Scheme, u.Host, "sip.listen")
		}
	}
	c.socket("api", "tcp", c.config.Admin.Listen, "admin.listen")
	if c.config.Admin.MetricsListen != "" {
		c.socket("metrics", "tcp", c.config.Admin.MetricsListen, "admin.metrics_listen")
	}
}

func (c *checker) socket(what, network, address, key string) {
	err := listenOnce(network, address)
	switch {
	case err == nil:
		c.good(what, "%s is free", address)
	case errors.Is(err, syscall.EADDRINUSE) && c.ours:
		c.good(what, "%s is held by the running tollgate", address)
	case errors.Is(err, syscall.EADDRINUSE):
		c.bad(what, "%s is taken by another program: stop it, or choose another port in %s", address, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		c.bad(what, "%s is no address of this machine: correct %s (0.0.0.0 is every address)", address, key)
	case errors.Is(err, syscall.EACCES):
		c.bad(what, "%s needs rights that this user lacks: choose a port above 1023, or grant CAP_NET_BIND_SERVICE", address)
	default:
		c.bad(what, "%s: %v; correct %s", address, err, key)
	}
}

func listenOnce(network, address string) error {
	if network == "udp" {
		conn, err := net.ListenPacket("udp", address)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err == nil {
		err = listener.Close()
	}
	return err
}

// store tries the store, and with it what is in it: archive and trunks.
func (c *checker) store(ctx context.Context) {
	if c.config.Store.Ephemeral {
		c.warn("store", "ephemeral: balances do not survive a restart")
		return
	}
	quiet, _ := newLogger(io.Discard, LogConfig{})
	store, err := embedded.Attach(ctx, embedded.Options{Redis: c.config.Store.Redis, DataDir: c.dir, Create: true, Log: quiet})
	if err != nil {
		c.bad("store", "%v", err)
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toolCloseTimeout)
		defer cancel()
		store.Close(ctx)
	}()
	report := store.Report()
	switch report.Durability {
	case embedded.Always:
		c.good("store", "%s at %s, every write is on disk before it is acknowledged", report.Server, store.Address)
	default:
		c.warn("store", "%s at %s: %s", report.Server, store.Address, report.Loss)
	}
	for _, w := range report.Warnings {
		c.warn("store", "%s", w)
	}
	documents := catalog.New(store.Client, nil, catalog.Options{Log: quiet})
	if err := documents.Refresh(ctx); err != nil {
		c.bad("store", "what operators edit cannot be read: %v", err)
		return
	}
	for _, q := range documents.Quarantined() {
		c.warn("store", "%v cannot be read and is left out", q)
	}
	c.callers(documents.Current())
	known, err := documents.ArchiveID(ctx)
	if err != nil {
		c.bad("store", "%v", err)
	}
	c.archive(ctx, known)
	c.trunks(ctx, documents.Current())
}

// callers says who may call: peers that are believed, and phones with a SIP password.
func (c *checker) callers(s *rating.Snapshot) {
	sip, withPassword, otherRealm := c.config.SIP, 0, 0
	s.Each(func(e *rating.Extension) bool {
		if e.Digest.Set() {
			withPassword++
		}
		if e.Digest.Realm != "" && e.Digest.Realm != sip.Realm {
			otherRealm++
		}
		return true
	})
	challenged := sip.Strangers == "challenge" || sip.Strangers == "auto" && withPassword > 0
	switch {
	case sip.Strangers == "drop" && withPassword > 0:
		c.warn("callers", "%d extensions have a SIP password, which nobody is asked for: set sip.strangers to auto, or take the passwords away", withPassword)
	case challenged:
		c.good("callers", "%d trusted networks; all others are asked for a SIP password (%s, realm %q), which %d extensions have", len(sip.Trusted), strings.Join(sip.Digest, ", "), sip.Realm, withPassword)
	case len(sip.Trusted) > 0:
		c.good("callers", "%d trusted networks; all others get no answer", len(sip.Trusted))
	}
	if otherRealm > 0 {
		c.warn("callers", "%d SIP passwords were set with another sip.realm and cannot be right any more: set them again, or the realm back", otherRealm)
	}
	if len(sip.Trusted) == 0 && (!challenged || withPassword == 0) {
		c.warn("callers", "nobody can call: name your PBX in sip.trusted, or give an extension a SIP password")
	}
}

// archive tries the database of call records, where there is one already.
func (c *checker) archive(ctx context.Context, known string) {
	path := archivePath(c.config, c.dir)
	if _, err := os.Stat(path); !postgresArchive(path) && errors.Is(err, os.ErrNotExist) {
		if writable(filepath.Dir(path)) {
			c.good("archive", "%s is made at the first start", path)
		} else {
			c.bad("archive", "the folder of %s is missing or not writable: make it, or set archive.dsn", path)
		}
		return
	}
	quiet, _ := newLogger(io.Discard, LogConfig{})
	records, err := archive.Open(ctx, archive.Options{DSN: path, ReadOnly: true, Log: quiet})
	if errors.Is(err, archive.ErrNone) {
		c.good("archive", "%s answers; the archive is made in it at the first start", archive.Shown(path))
		return
	}
	if err != nil {
		c.bad("archive", "%v", err)
		return
	}
	defer records.Close()
	if _, total, err := records.Quarantine(ctx); err == nil && total > 0 {
		c.warn("archive", "%d records could not be filed; see the table quarantine", total)
	}
	if warnings, err := records.Warnings(ctx); err == nil {
		for _, w := range warnings {
			c.warn("archive", "%s", w)
		}
	}
	if known != "" && known != records.ID() {
		c.bad("archive", "%s has id %s, but the store files into the archive %s: point archive.dsn (or data_dir) at that one", archive.Shown(path), records.ID(), known)
		return
	}
	if has, err := records.HasMoney(ctx); known == "" && err == nil && has {
		c.bad("archive", "%s", foreignRecords(archive.Shown(path)))
		return
	}
	c.good("archive", "%s, id %s", archive.Shown(path), records.ID())
}

// trunks asks every enabled trunk whether it lives (RFC 3261 §11).
func (c *checker) trunks(ctx context.Context, s *rating.Snapshot) {
	if len(s.Plan.Trunks()) == 0 {
		c.warn("trunk", "there is none yet: add one through the API (POST /api/v1/trunks), and a dial rule")
	}
	for _, t := range s.Plan.Trunks() {
		switch err := probeTrunk(ctx, t); {
		case !t.Enabled:
			c.good("trunk "+t.Name, "disabled, not asked")
		case t.ProbeInterval == 0:
			c.good("trunk "+t.Name, "%s, probing is off, not asked", t.URI)
		case err != nil:
			c.bad("trunk "+t.Name, "%s: %v", t.URI, err)
		default:
			c.good("trunk "+t.Name, "%s answers OPTIONS", t.URI)
		}
	}
}
