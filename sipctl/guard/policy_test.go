package guard

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAccess(t *testing.T) {
	prefixes := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	known := prefixes("192.0.2.0/24", "198.51.100.7/32", "10.1.2.3/8", "2001:db8:1::/48", "::ffff:203.0.113.0/120")
	for _, c := range []struct {
		sentence   string
		source     string
		challenged bool
		want       Class
	}{
		{"an address in a network is known", "192.0.2.200", false, Known},
		{"a single address is known", "198.51.100.7", false, Known},
		{"its neighbour is not", "198.51.100.8", false, Drop},
		{"bits behind the mask do not count", "10.200.0.1", false, Known},
		{"IPv6 networks work alike", "2001:db8:1:2::3", false, Known},
		{"an IPv4 address may come in IPv6 dress", "::ffff:192.0.2.1", false, Known},
		{"or stand in the list in it", "203.0.113.9", false, Known},
		{"a zone does not matter", "2001:db8:1::1%eth0", false, Known},
		{"everybody else is dropped", "203.0.114.1", false, Drop},
		{"or challenged", "203.0.114.1", true, Stranger},
		{"also over IPv6", "2001:db8:2::1", true, Stranger},
		{"no address is nobody's", "", false, Drop},
	} {
		var a Access
		a.Set(known, c.challenged)
		var source netip.Addr
		if c.source != "" {
			source = netip.MustParseAddr(c.source)
		}
		if got := a.Class(source); got != c.want {
			t.Errorf("%s: got %d, want %d", c.sentence, got, c.want)
		}
	}
	if new(Access).Class(netip.MustParseAddr("127.0.0.1")) != Drop {
		t.Error("the zero Access lets somebody in")
	}
}

func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Access
		phone := netip.MustParseAddr("203.0.113.5")
		a.Admit(phone, time.Minute)
		if a.Class(phone) != Drop {
			t.Error("a phone that authenticated in another life is let in before the list is set")
		}
		a.Set(nil, true)
		if a.Class(phone) != Known {
			t.Error("a phone that authenticated is still a stranger")
		}
		time.Sleep(time.Minute)
		if a.Class(phone) != Stranger {
			t.Error("it is known for longer than it was admitted")
		}
	})
}

func TestAdmittedPhonesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Access
		a.Set(nil, true)
		address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
		for i := range maxAdmitted {
			a.Admit(address(i), time.Minute)
		}
		late := address(maxAdmitted)
		a.Admit(late, time.Hour)
		if len(a.admitted) != maxAdmitted || a.Class(late) != Stranger {
			t.Errorf("%d remembered, the last as %d", len(a.admitted), a.Class(late))
		}
		time.Sleep(2 * time.Minute)
		a.Admit(late, time.Hour)
		if len(a.admitted) != 1 || a.Class(late) != Known {
			t.Errorf("%d remembered after the others lapsed, the last as %d", len(a.admitted), a.Class(late))
		}
	})
}
