package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tollgate/admin"
	"tollgate/admin/webhook"
	"tollgate/license"
	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
	"tollgate/rating/hooks"
	"tollgate/rating/ledger"
	"tollgate/sipctl"
	"tollgate/sipctl/spool"
)

// app is the whole program: what is opened, in the order in which it is opened.
type app struct {
	config   Config
	dir      string // data_dir
	log      *slog.Logger
	registry *prometheus.Registry

	store   *embedded.Store
	ledger  *ledger.Ledger
	catalog *catalog.Catalog
	archive *archive.Archive
	drain   *archive.Drain
	changes *auditlog.Log // what operators changed, until the archive has it
	spool   *spool.Spool
	license *license.Keeper

	attempts  chan license.Attempt // to lengthen the trial, on their way into the audit log
	hooks     *hooks.Queue
	courier   *webhook.Courier
	announcer *announcer

	sip   *sipctl.Server
	admin *admin.Server

	sipCertificate, adminCertificate *certificate // nil: no TLS

	announce func(password string) // shows the password that the first start has made for the user admin

	drift   prometheus.Gauge
	audited prometheus.Gauge
	bound   atomic.Bool                   // the archive is the one that this store files into
	late    []func(context.Context) error // steps of the start that wait for the store
	opened  []closer
}

// closer ends what was opened.
type closer struct {
	name string
	end  func(context.Context) error
}

// How long the program may take to stop: RFC 3261 peers get their answers first, then the store is closed.
const (
	drainLimit = 7 * time.Second
	closeLimit = 9 * time.Second
	flushLimit = time.Second
)

// newApp opens everything. On an error what was opened by then is closed again.
func newApp(ctx context.Context, config Config, adminPassword string, announce func(string), log *slog.Logger) (_ *app, err error) {
	a := &app{config: config, log: log, registry: prometheus.NewRegistry(), announce: announce}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if a.dir, err = resolveDataDir(config.DataDir); err != nil {
		return nil, err
	}
	if err = a.openCertificates(); err != nil {
		return nil, err
	}
	for _, open := range []func(context.Context) error{a.openStore, a.openMoney, a.openWebhooks, a.openArchive, a.openLicense, a.openSIP, func(ctx context.Context) error { return a.openAdmin(ctx, adminPassword) }} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	a.registerMetrics()
	return a, nil
}

func (a *app) onClose(name string, end func(context.Context) error) {
	a.opened = append(a.opened, closer{name, end})
}

// close ends what was opened, last to first, within closeLimit.
func (a *app) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	var failed error
	for i := len(a.opened) - 1; i >= 0; i-- {
		if err := a.opened[i].end(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("close %s: %w", a.opened[i].name, err))
		}
	}
	a.opened = nil
	return failed
}

func (a *app) openStore(ctx context.Context) (err error) {
	a.store, err = embedded.Open(ctx, embedded.Options{
		Redis: a.config.Store.Redis, Ephemeral: a.config.Store.Ephemeral, DataDir: a.dir, Log: a.log,
		Transient: a.config.Store.transient, OnChange: a.storeChanged,
	})
	if err != nil {
		return err
	}
	a.onClose("store", a.store.Close)
	if a.store.Ephemeral {
		a.log.Warn("EPHEMERAL STORE: balances live in memory and do not survive a restart")
	}
	return nil
}

// storeChanged tells the SIP side, which answers OPTIONS accordingly, that the store is lost or back.
func (a *app) storeChanged(s embedded.State) {
	if a.sip != nil {
		a.sip.StoreLost(!s.Up)
	}
}

// openMoney opens the ledger and the catalog: what needs the store and nothing else.
func (a *app) openMoney(ctx context.Context) error {
	a.ledger = ledger.New(a.store.Client, ledger.Options{Node: a.config.Node, Log: a.log, Observe: newStoreMeter(a.registry).observe})
	a.catalog = catalog.New(a.store.Client, a.ledger, catalog.Options{SnapshotFile: filepath.Join(a.dir, "snapshot.json"), Log: a.log})
	if err := a.nowOrLate(ctx, a.refuseHalfRestored); err != nil {
		return err
	}
	a.catalog.Start(ctx)
	a.changes = auditlog.New(a.store.Client)
	return a.nowOrLate(ctx, func(ctx context.Context) error { return a.recoverChanges(ctx, a.config.Node) })
}

// refuseHalfRestored keeps us from serving a store into which a restore was begun and not ended.
func (a *app) refuseHalfRestored(ctx context.Context) error {
	half, err := a.catalog.Restoring(ctx)
	if err == nil && half {
		err = errHalfRestored
	}
	return err
}

func (a *app) openArchive(ctx context.Context) (err error) {
	a.archive, err = archive.Open(ctx, archive.Options{DSN: archivePath(a.config, a.dir), Location: a.catalog.Current().Location(), Patient: true, Log: a.log})
	if err != nil {
		return err
	}
	a.onClose("archive", func(context.Context) error { return a.archive.Close() })
	a.drain = &archive.Drain{Outbox: tellingOutbox{a.newOutbox(), a.announcer}, Archive: a.archive, Leader: a.bound.Load}
	return a.nowOrLate(ctx, a.bindArchive)
}

// nowOrLate takes a step of the start now, or as soon as store and archive answer.
func (a *app) nowOrLate(ctx context.Context, step func(context.Context) error) error {
	err := step(ctx)
	if !errors.Is(err, rating.ErrUnavailable) {
		return err
	}
	a.log.Error("store or archive do not answer: going on, and coming back to this when they do", "err", err)
	a.late = append(a.late, step)
	return nil
}

// bindArchive makes sure that the store goes on in the archive in which its journal began. Nothing is archived before.
func (a *app) bindArchive(ctx context.Context) error {
	if err := a.archive.Ready(ctx); err != nil {
		return err
	}
	if err := a.refuseForeignRecords(ctx); err != nil {
		return err
	}
	already, err := a.catalog.AdoptArchive(ctx, a.archive.ID())
	if err != nil {
		return err
	}
	if already != "" && already != a.archive.ID() {
		if err := a.adoptEmptyArchive(ctx, already); err != nil {
			return err
		}
	}
	a.bound.Store(true)
	return nil
}

// refuseForeignRecords keeps a store that has no archive yet from filing into one that holds calls or money: they are of another store,
// or of this one before it was lost, and what follows would contradict them. A store in memory is new at every start.
func (a *app) refuseForeignRecords(ctx context.Context) error {
	known, err := a.catalog.ArchiveID(ctx)
	if err != nil || known != "" || a.store.Ephemeral {
		return err
	}
	has, err := a.archive.HasMoney(ctx)
	if err != nil || !has {
		return err
	}
	if known, err = a.catalog.ArchiveID(ctx); err != nil || known != "" { // another node began to file in this moment
		return err
	}
	return errors.New(foreignRecords(archive.Shown(archivePath(a.config, a.dir))))
}

// foreignRecords says how to mend a new store beside an old archive.
func foreignRecords(path string) string {
	return "the store is new, but the archive " + path + " holds calls and money: was the store lost, `tollgate restore --from-archive` rebuilds it from them; a new installation needs an archive of its own (archive.dsn, or another data_dir)"
}

// adoptEmptyArchive lets an empty archive go on where the one ended that the store knows. Not while another node lives:
// that one is filing into it.
func (a *app) adoptEmptyArchive(ctx context.Context, known string) error {
	refused := fmt.Errorf("archive %s has id %s, but this store files into the archive %s: point archive.dsn (or data_dir) at that one; several nodes on one store need one archive",
		archive.Shown(archivePath(a.config, a.dir)), a.archive.ID(), known)
	nodes, err := a.ledger.Nodes(ctx)
	if err != nil {
		return err
	}
	for node, seen := range nodes {
		if node != a.config.Node && time.Since(seen) < a.ledger.Alive {
			return fmt.Errorf("%w (node %s is alive)", refused, node)
		}
	}
	if err := a.archive.TakeID(ctx, known); err != nil {
		if errors.Is(err, rating.ErrConflict) {
			return refused
		}
		return err
	}
	a.log.Warn("THE ARCHIVE IS NEW AND EMPTY: it goes on from here; older call records are wherever the former archive is, and audit will miss them", "archive", archive.Shown(archivePath(a.config, a.dir)), "id", known)
	return nil
}

func (a *app) openSIP(context.Context) (err error) {
	replay := func(ctx context.Context, e sipctl.SpoolEntry) error { return a.sip.Replay(ctx, e) } // runs after the start only
	if a.spool, err = spool.Open(filepath.Join(a.dir, "spool"), replay, sipctl.Refused, a.log); err != nil {
		return err
	}
	a.onClose("spool", func(context.Context) error { return a.spool.Close() })
	toTrunks, err := clientTLS(a.sipCertificate, a.config.SIP.TLS.CA)
	if err != nil {
		return err
	}
	a.sip, err = sipctl.New(sipctl.Config{
		Node: a.config.Node, Listen: a.config.SIP.Listen, TLS: a.sipCertificate.server(), ClientTLS: toTrunks, Advertise: a.config.SIP.Advertise, Trusted: a.config.SIP.trusted(),
		Realm: a.config.SIP.Realm, Digest: a.config.SIP.Digest, Strangers: sipctl.StrangerPolicy(a.config.SIP.Strangers),
		MaxCalls: a.config.SIP.MaxCalls, MaxCPS: a.config.SIP.MaxCPS, Ephemeral: a.store.Ephemeral,
	}, sipctl.Deps{Ledger: a.ledger, Catalog: directory{a.catalog}, Spool: a.spool, Registry: a.registry, Log: a.log})
	if err != nil {
		return err
	}
	a.sip.StoreLost(!a.store.State().Up) // it may be down already
	return nil
}

// directory is the catalog as the SIP side sees it.
type directory struct{ *catalog.Catalog }

// CreateExtension adds an extension that a trusted peer has named for the first time.
func (d directory) CreateExtension(ctx context.Context, e rating.Extension) (rating.Extension, error) {
	return d.EnsureExtension(ctx, e, "sip")
}

// trusted is the list of peers as the SIP side takes it; faults has checked it.
func (s SIPConfig) trusted() []sipctl.Trusted {
	peers := make([]sipctl.Trusted, 0, len(s.Trusted))
	for _, t := range s.Trusted {
		if prefix, err := netip.ParsePrefix(t.Net); err == nil {
			peers = append(peers, sipctl.Trusted{Net: prefix.Masked(), Identity: t.Identity})
		}
	}
	return peers
}

// trustedProxies are the networks of the configuration; faults has checked them.
func (c AdminConfig) trustedProxies() []netip.Prefix {
	proxies := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		if p, err := netip.ParsePrefix(text); err == nil {
			proxies = append(proxies, p.Masked())
		}
	}
	return proxies
}

func (a *app) openAdmin(ctx context.Context, password string) (err error) {
	if err := a.nowOrLate(ctx, func(ctx context.Context) error { return a.ensureAdmin(ctx, password) }); err != nil {
		return err
	}
	a.admin, err = admin.New(admin.Config{Listen: a.config.Admin.Listen, MetricsListen: a.config.Admin.MetricsListen, TLS: a.adminCertificate.server(), Realm: a.config.SIP.Realm, Ephemeral: a.store.Ephemeral, TrustedProxies: a.config.Admin.trustedProxies(), Version: version},
		admin.Deps{
			Catalog: a.catalog, Operators: a.catalog, Ledger: a.ledger, Archive: a.archive, License: a.license, AuditLog: auditLog{a.changes, a.archive, a.config.Node}, DeadLetters: a.hooks,
			LiveCalls: liveCalls{a}, Trunks: trunkHealth{a.sip}, Ready: a.readyChecks(), Gatherer: a.registry, Registry: a.registry, Log: a.log,
		})
	return err
}

// ensureAdmin makes the user admin at the first start. A password that it makes up is handed to announce, to be shown once.
func (a *app) ensureAdmin(ctx context.Context, password string) error {
	generated, err := admin.EnsureAdmin(ctx, a.catalog, password)
	if err == nil && generated != "" {
		a.announce(generated)
	}
	return err
}

// readyChecks are what must be good before a load balancer sends calls here.
func (a *app) readyChecks() []admin.ReadyCheck {
	return []admin.ReadyCheck{
		{Name: "store", Check: a.ledger.Ping},
		{Name: "archive", Check: a.archive.Ping},
		{Name: "sip", Check: func(context.Context) error { return a.sip.Ready() }},
	}
}
