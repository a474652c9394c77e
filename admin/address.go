package admin

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor is where proxies write down, each at the end, where a request came from.
const forwardedFor = "X-Forwarded-For"

// forwardedProto is where they write down what the browser spoke: http or https.
const forwardedProto = "X-Forwarded-Proto"

// addressOf is where a request comes from: the peer's address; or, where the peer is a proxy that is trusted, the last
// address of X-Forwarded-For that is no such proxy. What stands before it, anybody may have written. All lines of the
// header count, since some proxies add a line and others extend it.
func addressOf(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := peer.Addr().Unmap().WithZone("")
	said := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for i := len(said) - 1; i >= 0 && trusted(at, proxies); i-- {
		next, ok := forwarded(said[i])
		if !ok {
			break
		}
		at = next
	}
	return at.String()
}

// overTLS reports whether a browser sent the request by TLS: to us, or to a proxy that is trusted. Of several proxies the first has
// spoken to the browser; a client that lies about it spoils its own cookie.
func overTLS(r *http.Request, proxies []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if r.TLS != nil || err != nil || !trusted(peer.Addr().Unmap().WithZone(""), proxies) {
		return r.TLS != nil
	}
	said, _, _ := strings.Cut(r.Header.Get(forwardedProto), ",")
	return strings.EqualFold(strings.TrimSpace(said), "https")
}

// forwarded reads one address of X-Forwarded-For; some proxies write the port too.
func forwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone(""), true
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return at.Unmap().WithZone(""), err == nil
}

func trusted(at netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(at) })
}

// guesser is what the throttle counts by: an address, and of IPv6 the network of 64 bits that one customer has.
func guesser(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil || at.Is4() {
		return address
	}
	network, err := at.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
