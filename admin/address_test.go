package admin

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestWhereARequestComesFrom(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		said       []string
		want       string
	}{
		{"nothing is said", "192.0.2.1:5", nil, "192.0.2.1"},
		{"a stranger says what he likes", "192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a proxy says who it was", "10.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy of ours behind another", "10.0.0.1:5", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"what the client wrote before does not count", "10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"nor in a line of its own", "10.0.0.1:5", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"not even our own addresses", "10.0.0.1:5", []string{"10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		{"a proxy says nothing", "10.0.0.1:5", nil, "10.0.0.1"},
		{"a proxy says nonsense", "10.0.0.1:5", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"with a port", "10.0.0.1:5", []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"IPv6", "[fd00::1]:5", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"only proxies", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{forwardedFor: c.said}}
		if got := addressOf(r, proxies); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{forwardedFor: {"198.51.100.1"}}}
	if got := addressOf(r, nil); got != "10.0.0.1" {
		t.Errorf("without a trusted proxy: %s", got)
	}
}

func TestANetworkOfIPv6GuessesAsOne(t *testing.T) {
	if guesser("2001:db8::1") != guesser("2001:db8::ffff:1") || guesser("2001:db8::1") == guesser("2001:db8:0:1::1") || guesser("192.0.2.1") == guesser("192.0.2.2") {
		t.Error("the throttle counts by the wrong thing")
	}
}
