package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Config is the configuration file. Every key has a default, and is also an environment variable: TOLLGATE_ and the
// path with underscores, such as TOLLGATE_STORE_REDIS.
type Config struct {
	Node    string        `yaml:"node"`     // unique per process that shares a store; default: the host name
	DataDir string        `yaml:"data_dir"` // default: /var/lib/tollgate when writable, else $XDG_DATA_HOME/tollgate
	Log     LogConfig     `yaml:"log"`
	Store   StoreConfig   `yaml:"store"`
	Archive ArchiveConfig `yaml:"archive"`
	SIP     SIPConfig     `yaml:"sip"`
	Admin   AdminConfig   `yaml:"admin"`
	License LicenseConfig `yaml:"license"`
}

// LogConfig says what is logged, and how.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// StoreConfig says where the money is kept.
type StoreConfig struct {
	Redis     string `yaml:"redis"`     // redis://, rediss://, unix://, redis+sentinel://, redis+cluster://; empty: a private redis-server
	Ephemeral bool   `yaml:"ephemeral"` // in memory, for trying things out

	transient bool // the demo's: the private redis-server ends with the program, however that ends
}

// ArchiveConfig says where CDRs are kept for good.
type ArchiveConfig struct {
	DSN string `yaml:"dsn"` // empty: SQLite in data_dir; sqlite:/path; postgres://…, which several nodes may share
}

// SIPConfig is what the SIP side listens on, and whom it believes.
type SIPConfig struct {
	Listen    []string  `yaml:"listen"` // udp://host:port, tcp://host:port, tls://host:port
	TLS       SIPTLS    `yaml:"tls"`
	Advertise string    `yaml:"advertise"` // address in Via and Contact where it differs from the one listened on
	Realm     string    `yaml:"realm"`     // equal on all nodes; SIP passwords are hashed with it
	Trusted   []Trusted `yaml:"trusted"`
	Digest    []string  `yaml:"digest"`    // algorithms offered, in this order: sha-256, md5
	Strangers string    `yaml:"strangers"` // auto, challenge, drop
	MaxCalls  int       `yaml:"max_calls"`
	MaxCPS    int       `yaml:"max_cps"` // 0: no limit
}

// Trusted is an upstream PBX or proxy whose caller identity is believed without digest.
type Trusted struct {
	Net      string `yaml:"net"`
	Identity string `yaml:"identity"` // from, pai, header:X-Name, account:NUMBER
}

// AdminConfig is where the API, the UI and the metrics are served.
type AdminConfig struct {
	Listen        string   `yaml:"listen"`
	TLS           TLSFiles `yaml:"tls"`
	MetricsListen string   `yaml:"metrics_listen"` // empty: /metrics on the admin listener

	TrustedProxies []string `yaml:"trusted_proxies"` // networks whose X-Forwarded-For is believed
}

// TLSFiles are a PEM certificate chain and its key.
type TLSFiles struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// SIPTLS is the certificate that tls listeners show, and whom trunks over TLS are checked by.
type SIPTLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	CA   string `yaml:"ca"` // PEM file of roots beside the system's
}

func (t SIPTLS) files() TLSFiles { return TLSFiles{t.Cert, t.Key} }

// LicenseConfig says where the licence survives a wipe of the data.
type LicenseConfig struct {
	StateDir string `yaml:"state_dir"`
}

// defaultConfig is the configuration of an empty file.
func defaultConfig() Config {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "tollgate"
	}
	return Config{
		Node:  host,
		Log:   LogConfig{Level: "info", Format: "text"},
		SIP:   SIPConfig{Listen: []string{"udp://0.0.0.0:5060", "tcp://0.0.0.0:5060"}, Realm: "tollgate", Digest: []string{"sha-256", "md5"}, Strangers: "auto", MaxCalls: 20000},
		Admin: AdminConfig{Listen: "127.0.0.1:8080"},
	}
}

// fault is a bad value: its path in the file, and how to mend it.
type fault struct{ path, message string }

// faults lists everything that is wrong with the values; nil when the configuration can be used.
func (c Config) faults() []fault {
	var found []fault
	check := func(fine bool, path, message string) {
		if !fine {
			found = append(found, fault{path, message})
		}
	}
	check(validNode(c.Node), "node", "must be 1 to 64 letters, digits, dots, dashes or underscores, and unique per process that shares a store")
	check(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level", "must be debug, info, warn or error")
	check(c.Log.Format == "text" || c.Log.Format == "json", "log.format", "must be text or json")
	check(c.Store.Redis == "" || !c.Store.Ephemeral, "store.ephemeral", "is for trying things out: remove it, or leave store.redis empty")
	check(validArchive(c.Archive.DSN), "archive.dsn", "must be empty (SQLite in data_dir), sqlite:/path/to/file, or postgres://user:password@host/database")
	check(!c.Store.Ephemeral || !postgresArchive(c.Archive.DSN), "archive.dsn", "a store in memory begins anew with every start, and its archive with it: leave it empty while store.ephemeral is true")
	c.SIP.faults(check)
	check(validHostPort(c.Admin.Listen), "admin.listen", "must be host:port, such as 127.0.0.1:8080")
	check(c.Admin.MetricsListen == "" || validHostPort(c.Admin.MetricsListen), "admin.metrics_listen", "must be empty or host:port")
	for i, p := range c.Admin.TrustedProxies {
		_, err := netip.ParsePrefix(p)
		check(err == nil, fmt.Sprintf("admin.trusted_proxies[%d]", i), "must be a network such as 192.0.2.10/32")
	}
	check((c.Admin.TLS.Cert == "") == (c.Admin.TLS.Key == ""), "admin.tls", "needs both cert and key, or neither")
	return found
}

func (s SIPConfig) faults(check func(fine bool, path, message string)) {
	check(len(s.Listen) > 0, "sip.listen", `must name at least one listener, such as udp://0.0.0.0:5060`)
	for i, l := range s.Listen {
		u, err := url.Parse(l)
		path := fmt.Sprintf("sip.listen[%d]", i)
		check(err == nil && slices.Contains([]string{"udp", "tcp", "tls"}, u.Scheme) && validHostPort(u.Host), path, "must be udp://address:port, tcp://address:port or tls://address:port")
		check(err != nil || u.Scheme != "tls" || s.TLS.Cert != "", path, "needs a certificate: set sip.tls.cert and sip.tls.key")
	}
	check((s.TLS.Cert == "") == (s.TLS.Key == ""), "sip.tls", "needs both cert and key, or neither")
	check(s.Realm != "" && !strings.ContainsAny(s.Realm, "\"\\\r\n"), "sip.realm", "must not be empty, and have no quotes")
	check(slices.Contains([]string{"auto", "challenge", "drop"}, s.Strangers), "sip.strangers", "must be auto (asked for a SIP password while any extension has one), challenge or drop")
	check(len(s.Digest) > 0, "sip.digest", "must name at least one of sha-256 and md5; to let nobody in by password, set sip.strangers to drop")
	for i, d := range s.Digest {
		check((d == "sha-256" || d == "md5") && !slices.Contains(s.Digest[:i], d), fmt.Sprintf("sip.digest[%d]", i), "must be sha-256 or md5, each once")
	}
	for i, t := range s.Trusted {
		_, err := netip.ParsePrefix(t.Net)
		check(err == nil, fmt.Sprintf("sip.trusted[%d].net", i), "must be a network such as 192.0.2.10/32")
		check(validIdentity(t.Identity), fmt.Sprintf("sip.trusted[%d].identity", i), "must be from, pai, header:X-Name or account:NUMBER")
	}
	check(s.MaxCalls > 0 && s.MaxCalls <= 1_000_000, "sip.max_calls", "must be 1 to 1000000")
	check(s.MaxCPS >= 0, "sip.max_cps", "must be 0 (no limit) or more")
	_, err := netip.ParseAddr(s.Advertise)
	check(s.Advertise == "" || err == nil || validHost(s.Advertise) || validHostPort(s.Advertise), "sip.advertise", "must be an address or a host name, or either with a port")
}

// postgresArchive reports whether the archive is PostgreSQL, which several nodes may share.
func postgresArchive(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func validArchive(dsn string) bool {
	if postgresArchive(dsn) {
		_, err := url.Parse(dsn)
		return err == nil
	}
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	return dsn == "" || ok && path != ""
}

func validNode(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

func validIdentity(s string) bool {
	name, header := strings.CutPrefix(s, "header:")
	number, account := strings.CutPrefix(s, "account:")
	return s == "from" || s == "pai" || (header && validNode(name)) || (account && validNode(number))
}

func validHost(s string) bool { return validNode(s) }

// validHostPort reports whether s is host:port with a port of 0 to 65535; IPv6 addresses stand in brackets.
func validHostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && n <= 65535
}
