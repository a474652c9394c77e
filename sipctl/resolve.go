package sipctl

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/transport"
)

const (
	resolveEvery = 30 * time.Second // how often the name of a trunk is looked up
	resolveWait  = 2 * time.Second
	maxAddresses = 16 // of one name
)

// target is where a trunk's URI points.
type target struct{ rating.Target }

func (t target) network() string {
	if t.Transport == "" {
		return transport.UDP
	}
	return t.Transport
}

// port is the one of the URI, else the default of the transport.
func (t target) port() uint16 {
	if t.Port != 0 {
		return uint16(t.Port)
	}
	return defaultPort(t.network())
}

// literal reports whether there is nothing to look up.
func (t target) literal() bool {
	_, err := netip.ParseAddr(t.Host)
	return err == nil || t.Host == ""
}

// service is the name of its SRV records (RFC 3263 §4.2).
func (t target) service() (service, proto string) {
	switch t.network() {
	case transport.TLS:
		return "sips", "tcp"
	case transport.TCP:
		return "sip", "tcp"
	}
	return "sip", "udp"
}

// resolve looks the name of the trunk up, off the way of any call but the very first. Where that fails the last good
// answer stays.
func (t *trunkState) resolve() {
	t.mu.Lock()
	asked, first := t.target, len(t.addresses) == 0
	t.resolved = time.Now()
	t.mu.Unlock()
	if asked.literal() {
		return
	}
	ctx, cancel := t.server.wait(resolveWait)
	defer cancel()
	addresses, err := lookUp(ctx, t.server.resolver(), asked, first)
	if len(addresses) == 0 {
		t.server.log.Warn("the name of a trunk cannot be resolved", "trunk", t.config().Name, "err", err)
		return
	}
	t.mu.Lock()
	if t.target == asked {
		t.addresses = addresses
	}
	t.mu.Unlock()
}

// lookUp returns the addresses of a target, the best first (RFC 3263 §4.2): by its SRV records in the order of their
// priorities, those of one priority at random by weight, unless the URI names a port; where there are no such records by A
// and AAAA. A DNS that fails is an error and no answer, but the first time, when anything is better than nothing.
func lookUp(ctx context.Context, r Resolver, t target, first bool) ([]netip.AddrPort, error) {
	if t.Port != 0 {
		return hosts(ctx, r, t.Host, t.port())
	}
	service, proto := t.service()
	_, records, err := r.LookupSRV(ctx, service, proto, t.Host)
	var dns *net.DNSError
	switch {
	case err != nil && (first || errors.As(err, &dns) && dns.IsNotFound), err == nil && len(records) == 0:
		return hosts(ctx, r, t.Host, t.port())
	case err != nil:
		return nil, err
	}
	var addresses []netip.AddrPort
	for _, record := range records[:min(len(records), maxAddresses)] {
		name := strings.TrimSuffix(record.Target, ".")
		if name == "" || record.Port == 0 { // "." says that there is no such service (RFC 2782)
			continue
		}
		found, failed := hosts(ctx, r, name, record.Port)
		addresses, err = append(addresses, found...), failed
	}
	return addresses[:min(len(addresses), maxAddresses)], err
}

// hosts returns the addresses of a name, with a port.
func hosts(ctx context.Context, r Resolver, name string, port uint16) (addresses []netip.AddrPort, err error) {
	found, err := r.LookupHost(ctx, name)
	for _, text := range found[:min(len(found), maxAddresses)] {
		if addr, err := netip.ParseAddr(text); err == nil {
			addresses = append(addresses, netip.AddrPortFrom(addr.Unmap(), port))
		}
	}
	return addresses, err
}

func (s *Server) resolver() Resolver {
	if s.deps.Resolve != nil {
		return s.deps.Resolve
	}
	return net.DefaultResolver
}
