package grammar

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// ErrURI is wrapped by what CheckURI finds.
var ErrURI = errors.New("malformed URI")

// CheckURI checks a parsed SIP or SIPS URI against RFC 3261 §25.1, since the library takes nearly any text for one. URIs of
// other schemes are opaque, and need only be printable without spaces and quotes.
func CheckURI(u *sip.Uri) error {
	switch {
	case u.Wildcard:
		return fmt.Errorf("%w: *", ErrURI)
	case u.Scheme != "sip" && u.Scheme != "sips":
		return checkOpaque(u)
	case u.HierarhicalSlashes:
		return fmt.Errorf("%w: slashes after the scheme", ErrURI)
	case !consistsOf(u.User, &userChar) || !consistsOf(u.Password, &userChar):
		return fmt.Errorf("%w: user part", ErrURI)
	case !IsHost(u.Host):
		return fmt.Errorf("%w: host", ErrURI)
	case u.Port < 0 || u.Port > 65535:
		return fmt.Errorf("%w: port", ErrURI)
	}
	for _, p := range u.UriParams {
		if p.K == "" || !consistsOf(p.K, &paramChar) || !consistsOf(p.V, &paramChar) {
			return fmt.Errorf("%w: parameter", ErrURI)
		}
	}
	for _, h := range u.Headers {
		if h.K == "" || strings.ContainsAny(h.K+h.V, " <>\"") || HasControl(h.K+h.V) {
			return fmt.Errorf("%w: header", ErrURI)
		}
	}
	return nil
}

func checkOpaque(u *sip.Uri) error {
	if u.Scheme == "" || u.Raw() == "" || HasControl(u.Raw()) || strings.ContainsAny(u.Raw(), " \t<>\"") {
		return fmt.Errorf("%w: %s", ErrURI, u.Scheme)
	}
	return nil
}

// IsHost reports whether s is a host name, an IPv4 address, or an IPv6 address with or without brackets.
func IsHost(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	if consistsOf(s, &hostChar) {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return err == nil && addr.Is6() && addr.Zone() == "" && strings.HasPrefix(s, "[") == strings.HasSuffix(s, "]")
}
