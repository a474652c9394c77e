package rating

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// IdentityHeader says how a trunk is told who calls.
type IdentityHeader string

// What a trunk is sent beside From.
const (
	IdentityNone IdentityHeader = "none"
	IdentityPAI  IdentityHeader = "pai" // P-Asserted-Identity (RFC 3325)
)

// Trunk is a carrier's SIP endpoint as operators edit it. Its health is not part of it.
type Trunk struct {
	Name            string         `json:"name"`
	URI             string         `json:"uri"` // sip:host[:port][;transport=udp|tcp|tls]
	Enabled         bool           `json:"enabled"`
	Username        string         `json:"username"` // digest towards the trunk; "" = none
	Password        string         `json:"password,omitempty"`
	Realm           string         `json:"realm"`            // that may ask for the password; "" = the first that does
	Register        bool           `json:"register"`         // whether we register at it (RFC 3261 §10)
	RegisterExpires int64          `json:"register_expires"` // seconds that are asked for; 0 = an hour
	FromUser        string         `json:"from_user"`
	IdentityHeader  IdentityHeader `json:"identity_header"`
	MaxCalls        int64          `json:"max_calls"`        // 0 = no limit
	ResponseTimeout int64          `json:"response_timeout"` // seconds without any answer before the next trunk is tried
	FailoverCodes   []int          `json:"failover_codes"`
	Sources         []netip.Prefix `json:"sources"`        // further addresses that its in-dialog requests come from
	ProbeInterval   int64          `json:"probe_interval"` // seconds between OPTIONS; 0 = no probing
	Version         int64          `json:"version"`
}

// NewTrunk returns a trunk with every default.
func NewTrunk() Trunk {
	return Trunk{Enabled: true, IdentityHeader: IdentityNone, RegisterExpires: 3600, ResponseTimeout: 3, FailoverCodes: []int{500, 502, 503, 504, 580},
		Sources: []netip.Prefix{}, ProbeInterval: 30}
}

// Target is where a trunk's URI points.
type Target struct {
	Host      string // name or address; IPv6 without brackets
	Port      int    // 0 = the default of the transport, or SRV
	Transport string // udp, tcp, tls; "" = udp
}

// ParseTarget reads a trunk URI such as "sip:10.0.0.1:5070;transport=tcp".
func ParseTarget(uri string) (Target, error) {
	const form = "write sip:host, sip:host:port or sip:host;transport=udp|tcp|tls"
	rest, ok := strings.CutPrefix(strings.ToLower(uri), "sip:")
	if !ok {
		return Target{}, fmt.Errorf("%q is no trunk URI: %s", shorten(uri), form)
	}
	hostport, params, _ := strings.Cut(rest, ";")
	u, err := url.Parse("sip://" + hostport)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Host != hostport || strings.ContainsAny(u.Hostname(), " <>\"@") {
		return Target{}, fmt.Errorf("%q has no host: %s", shorten(uri), form)
	}
	t := Target{Host: u.Hostname()}
	if p := u.Port(); p != "" || strings.HasSuffix(hostport, ":") {
		if t.Port, err = strconv.Atoi(p); err != nil || t.Port < 1 || t.Port > 65535 {
			return Target{}, fmt.Errorf("%q has no valid port: 1 to 65535", shorten(uri))
		}
	}
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		switch {
		case name == "":
		case name == "transport" && slices.Contains([]string{"udp", "tcp", "tls"}, value):
			t.Transport = value
		case name == "transport":
			return Target{}, fmt.Errorf("%q: transport is udp, tcp or tls", shorten(uri))
		case name == "lr":
		default:
			return Target{}, fmt.Errorf("%q: parameter %q is not known here: %s", shorten(uri), shorten(name), form)
		}
	}
	return t, nil
}

// Validate reports every field that is out of bounds, as Invalid.
func (t Trunk) Validate() error {
	var bad Invalid
	bad.add(validName(t.Name), "name", "must be 1 to 64 of: letters, digits, . _ -")
	_, err := ParseTarget(t.URI)
	bad.add(err == nil, "uri", errorText(err))
	bad.add(len(t.Username) <= 128 && printable(t.Username) && !strings.ContainsAny(t.Username, "\"\\"), "username", "must be printable, without quotes, at most 128 bytes")
	bad.add(len(t.Password) <= 256 && printable(t.Password), "password", "must be printable, at most 256 bytes")
	bad.add(len(t.Realm) <= 128 && printable(t.Realm) && !strings.ContainsAny(t.Realm, "\"\\"), "realm", "must be printable, without quotes, at most 128 bytes")
	bad.add(!t.Register || t.Username != "" || t.FromUser != "", "register", "needs username, the name to register")
	bad.add(t.RegisterExpires == 0 || t.RegisterExpires >= 60 && t.RegisterExpires <= 86400, "register_expires", "must be 0 (an hour) or 60 to 86400 seconds")
	bad.add(t.FromUser == "" || ValidExtension(t.FromUser), "from_user", "must be empty or 1 to 32 of: "+extensionRule)
	bad.add(t.IdentityHeader == IdentityNone || t.IdentityHeader == IdentityPAI, "identity_header", "must be none or pai")
	bad.add(t.MaxCalls >= 0 && t.MaxCalls <= maxConcurrentCalls, "max_calls", fmt.Sprintf("must be 0 (no limit) to %d", maxConcurrentCalls))
	bad.add(t.ResponseTimeout >= 1 && t.ResponseTimeout <= 32, "response_timeout", "must be 1 to 32 seconds")
	bad.add(t.ProbeInterval >= 0 && t.ProbeInterval <= 3600, "probe_interval", "must be 0 (no probing) to 3600 seconds")
	bad.add(len(t.Sources) <= maxListInside, "sources", fmt.Sprintf("may list at most %d networks", maxListInside))
	bad.add(len(t.FailoverCodes) <= 400, "failover_codes", "lists more codes than there are")
	for _, code := range t.FailoverCodes[:min(len(t.FailoverCodes), 400)] {
		bad.add(code >= 400 && code <= 599 && code != 404 && code != 480 && code != 486, "failover_codes",
			fmt.Sprintf("%d: must be 400 to 599, but 404, 480 and 486 are the called party's answer and never tried elsewhere", code))
	}
	return bad.err()
}

// FailsOver reports whether a final answer of this trunk lets the next one be tried (before any 18x).
func (t Trunk) FailsOver(code int) bool {
	switch {
	case code == 401 || code == 407 || code == 402 || code == 408 || (code >= 300 && code < 400):
		return true
	case code == 404 || code == 480 || code == 486 || code >= 600:
		return false
	}
	return slices.Contains(t.FailoverCodes, code)
}

// Passable reports whether a final answer of a trunk may be passed on to the caller.
func Passable(code int) bool { return code >= 400 && code != 401 && code != 402 && code != 407 }

func validName(s string) bool {
	if s == "" || len(s) > 64 || dots(s) {
		return false
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// dots reports a name that cannot stand in a URL: clients take "." and ".." for steps of the path (RFC 3986 §5.2.4).
func dots(s string) bool { return s == "." || s == ".." }

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
