package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrForbiddenAddress: a webhook would reach into the private network. Who may write settings must not be able to make this
// machine talk to its neighbours.
var ErrForbiddenAddress = errors.New("the address is private, loopback or link-local; the setting webhook_allow_private allows that")

// notPublic are networks beside those that netip knows by name (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), // an IPv4 address behind a translator
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // an IPv4 address in a tunnel
	netip.MustParsePrefix("fec0::/10"),
}

// public reports whether an address may be reached from anywhere.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" { // not loopback, link-local, multicast, broadcast, unspecified
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// control is asked when a name has been resolved and the connection is about to be made: so a name that resolves to
// another address the second time gains nothing.
func control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w (%s)", ErrForbiddenAddress, address)
	}
	if !public(at.Addr()) {
		return fmt.Errorf("%w (%s)", ErrForbiddenAddress, at.Addr())
	}
	return nil
}
