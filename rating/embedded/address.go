package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Limits of a store address.
const (
	maxAddress   = 4096 // bytes
	maxHosts     = 64
	redisPort    = "6379"
	sentinelPort = "26379"
)

// errAddress never carries a part of what was given: that may hold a password.
var errAddress = errors.New("store.redis is no address of a Redis")

// address is a parsed store.redis. Exactly one of socket and hosts is set.
type address struct {
	scheme             string   // as given: redis, rediss, unix, redis+sentinel, …
	mode               mode     // who is behind it
	tls                bool     // rediss…
	hosts              []string // host:port
	socket             string   // absolute path
	private            bool     // the socket is that of the private server
	username, password string
	db                 int
	master             string // Sentinel: name of the master
	sentinelUsername   string
	sentinelPassword   string
	caFile             string // PEM file with the authorities to trust instead of the system's
}

type mode int

const (
	single mode = iota
	sentinel
	cluster
)

var schemes = map[string]struct {
	mode mode
	tls  bool
	port string
}{
	"redis":           {single, false, redisPort},
	"rediss":          {single, true, redisPort},
	"unix":            {single, false, ""},
	"redis+sentinel":  {sentinel, false, sentinelPort},
	"rediss+sentinel": {sentinel, true, sentinelPort},
	"redis+cluster":   {cluster, false, redisPort},
	"rediss+cluster":  {cluster, true, redisPort},
}

// parseAddress understands
//
//	redis://[user:password@]host[:6379][/db]          rediss:// the same over TLS
//	unix://[user:password@]/path/to/socket[?db=0]
//	redis+sentinel://[user:password@]host[:26379],host2…/master[?db=0]
//	redis+cluster://[user:password@]host[:6379],host2…
//
// with the parameters db, ca (PEM file, TLS only), sentinel_username and sentinel_password (Sentinel only). A special
// character in a user name or password is percent-encoded. Errors name what is wrong and never repeat the input.
func parseAddress(s string) (address, error) {
	a, err := splitAddress(s)
	if err != nil {
		return address{}, fmt.Errorf("%w: %w", errAddress, err)
	}
	return a, nil
}

func splitAddress(s string) (a address, err error) {
	if len(s) > maxAddress {
		return a, fmt.Errorf("longer than %d bytes", maxAddress)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return a, errors.New("it holds a blank or a control character")
	}
	scheme, rest, ok := strings.Cut(s, "://")
	kind, known := schemes[strings.ToLower(scheme)]
	if !ok || !known {
		return a, errors.New("it begins with none of redis://, rediss://, unix://, redis+sentinel://, redis+cluster://")
	}
	a.scheme, a.mode, a.tls = strings.ToLower(scheme), kind.mode, kind.tls
	rest, query, _ := strings.Cut(rest, "?")
	authority, tail := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	// A password with an unescaped / or ? leaves its @ behind the authority. (A socket's folder may have an @ in its name.)
	if a.scheme != "unix" && strings.Contains(tail+query, "@") || strings.Contains(s, "#") {
		return a, errors.New("a / ? # in a user name or password must be percent-encoded (%2F %3F %23)")
	}
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hosts = authority[i+1:]
		if a.username, a.password, err = userinfo(authority[:i]); err != nil {
			return a, err
		}
	}
	if err := a.locate(hosts, tail, kind.port); err != nil {
		return a, err
	}
	return a, a.parameters(query)
}

func userinfo(s string) (user, password string, err error) {
	user, password, _ = strings.Cut(s, ":")
	user, err1 := url.PathUnescape(user)
	password, err2 := url.PathUnescape(password)
	if err1 != nil || err2 != nil {
		return "", "", errors.New("a % in a user name or password must be percent-encoded (%25)")
	}
	return user, password, nil
}

// locate reads the part that differs between the schemes: hosts, and what follows the first slash.
func (a *address) locate(hosts, tail, defaultPort string) error {
	if a.scheme == "unix" {
		p, err := url.PathUnescape(tail)
		if hosts != "" || err != nil || !path.IsAbs(p) || strings.HasSuffix(p, "/") {
			return errors.New("a unix socket is written unix:///absolute/path")
		}
		a.socket = path.Clean(p)
		return nil
	}
	var err error
	if a.hosts, err = splitHosts(hosts, defaultPort); err != nil {
		return err
	}
	tail = strings.Trim(tail, "/")
	switch a.mode {
	case sentinel:
		a.master, err = url.PathUnescape(tail)
		if err != nil || a.master == "" || strings.Contains(a.master, "/") {
			return errors.New("the name of the master is missing: redis+sentinel://host:26379/master")
		}
		return nil
	case cluster:
		if tail != "" && tail != "0" {
			return errors.New("a cluster has the database 0 only")
		}
		return nil
	}
	if len(a.hosts) > 1 {
		return errors.New("more than one host needs redis+sentinel:// or redis+cluster://")
	}
	return a.setDB(tail)
}

func splitHosts(s, defaultPort string) ([]string, error) {
	hosts := strings.Split(s, ",")
	if len(hosts) > maxHosts {
		return nil, fmt.Errorf("more than %d hosts", maxHosts)
	}
	for i, h := range hosts {
		host, port, err := net.SplitHostPort(h)
		if err != nil { // without a port
			host, port = strings.TrimSuffix(strings.TrimPrefix(h, "["), "]"), defaultPort
			if strings.Contains(host, ":") && !strings.HasPrefix(h, "[") {
				host = ""
			}
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, "[]@%") {
			return nil, fmt.Errorf("host %d of %d is not written host:port (an IPv6 address in brackets)", i+1, len(hosts))
		}
		hosts[i] = net.JoinHostPort(host, port)
	}
	return hosts, nil
}

func (a *address) setDB(s string) error {
	if s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return errors.New("the database is no number")
	}
	a.db = int(n)
	return nil
}

func (a *address) parameters(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the parameters after ? are not well formed")
	}
	for name, v := range values {
		switch {
		case len(v) != 1:
			err = fmt.Errorf("parameter %s is given twice", printable(name))
		case name == "db" && a.mode != cluster:
			err = a.setDB(v[0])
		case name == "ca" && a.tls:
			a.caFile = v[0]
		case name == "sentinel_username" && a.mode == sentinel:
			a.sentinelUsername = v[0]
		case name == "sentinel_password" && a.mode == sentinel:
			a.sentinelPassword = v[0]
		default:
			err = fmt.Errorf("%s:// takes no parameter %s", a.scheme, printable(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printable gives back the name of a parameter only where that cannot be a piece of a password.
func printable(name string) string {
	switch name {
	case "db", "ca", "sentinel_username", "sentinel_password":
		return name
	}
	return "of this name"
}

// String is the address without user, password and parameters, for logs and pages.
func (a address) String() string {
	switch {
	case a.socket != "":
		return "unix://" + a.socket
	case a.mode == sentinel:
		return a.scheme + "://" + strings.Join(a.hosts, ",") + "/" + a.master
	}
	return a.scheme + "://" + strings.Join(a.hosts, ",")
}
