package embedded

import (
	"slices"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     address
	}{
		{"a host alone has the usual port", "redis://r1", address{scheme: "redis", hosts: []string{"r1:6379"}}},
		{"user, password, port and database", "redis://u:p@r1:7000/3",
			address{scheme: "redis", hosts: []string{"r1:7000"}, username: "u", password: "p", db: 3}},
		{"a password without a user", "redis://:p@r1", address{scheme: "redis", hosts: []string{"r1:6379"}, password: "p"}},
		{"a password with escaped marks", "redis://:a%2Fb%40c%3Fd%23e%25@r1", address{scheme: "redis", hosts: []string{"r1:6379"}, password: "a/b@c?d#e%"}},
		{"a password with a plain @ and :", "redis://u:a@b:c@r1", address{scheme: "redis", hosts: []string{"r1:6379"}, username: "u", password: "a@b:c"}},
		{"IPv6 in brackets", "redis://[::1]:7000", address{scheme: "redis", hosts: []string{"[::1]:7000"}}},
		{"IPv6 without a port", "redis://[2001:db8::1]/1", address{scheme: "redis", hosts: []string{"[2001:db8::1]:6379"}, db: 1}},
		{"the scheme in capitals", "REDIS://r1", address{scheme: "redis", hosts: []string{"r1:6379"}}},
		{"TLS", "rediss://r1?ca=/etc/ca.pem", address{scheme: "rediss", tls: true, hosts: []string{"r1:6379"}, caFile: "/etc/ca.pem"}},
		{"the database as a parameter", "redis://r1?db=2", address{scheme: "redis", hosts: []string{"r1:6379"}, db: 2}},
		{"a unix socket", "unix:///run/redis/redis.sock?db=1", address{scheme: "unix", socket: "/run/redis/redis.sock", db: 1}},
		{"a unix socket with a password", "unix://u:p@/run/r.sock", address{scheme: "unix", socket: "/run/r.sock", username: "u", password: "p"}},
		{"sentinels", "redis+sentinel://:p@s1,s2:26380/main?db=2&sentinel_password=q",
			address{scheme: "redis+sentinel", mode: sentinel, hosts: []string{"s1:26379", "s2:26380"}, password: "p", master: "main", db: 2, sentinelPassword: "q"}},
		{"a cluster", "redis+cluster://u:p@c1:7000,c2:7001,c3",
			address{scheme: "redis+cluster", mode: cluster, hosts: []string{"c1:7000", "c2:7001", "c3:6379"}, username: "u", password: "p"}},
		{"a cluster over TLS", "rediss+cluster://c1", address{scheme: "rediss+cluster", mode: cluster, tls: true, hosts: []string{"c1:6379"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseAddress(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.hosts, c.want.hosts) {
				t.Errorf("hosts %q, want %q", got.hosts, c.want.hosts)
			}
			got.hosts, c.want.hosts = nil, nil
			if g, w := flat(got), flat(c.want); g != w {
				t.Errorf("got  %+v\nwant %+v", g, w)
			}
		})
	}
}

// flat is an address without its slice, so that it can be compared.
func flat(a address) struct {
	scheme, socket, user, pass, master, suser, spass, ca string
	mode                                                 mode
	tls                                                  bool
	db                                                   int
} {
	return struct {
		scheme, socket, user, pass, master, suser, spass, ca string
		mode                                                 mode
		tls                                                  bool
		db                                                   int
	}{a.scheme, a.socket, a.username, a.password, a.master, a.sentinelUsername, a.sentinelPassword, a.caFile, a.mode, a.tls, a.db}
}

func TestBadAddresses(t *testing.T) {
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "begins with none of"},
		{"no scheme", "r1:6379", "begins with none of"},
		{"another scheme", "http://r1", "begins with none of"},
		{"a scheme alone", "redis://", "host 1 of 1"},
		{"a port that is none", "redis://r1:http", "host 1 of 1"},
		{"port zero", "redis://r1:0", "host 1 of 1"},
		{"a port too high", "redis://r1:65536", "host 1 of 1"},
		{"IPv6 without brackets", "redis://::1", "host 1 of 1"},
		{"two hosts without saying what they are", "redis://r1,r2", "redis+sentinel:// or redis+cluster://"},
		{"an empty host in a list", "redis+cluster://c1,,c3", "host 2 of 3"},
		{"a database that is no number", "redis://r1/x", "database"},
		{"a negative database", "redis://r1/-1", "database"},
		{"two path elements", "redis://r1/1/2", "database"},
		{"sentinels without a master", "redis+sentinel://s1", "name of the master"},
		{"a cluster with a database", "redis+cluster://c1/1", "database 0 only"},
		{"a cluster with a database parameter", "redis+cluster://c1?db=1", "takes no parameter db"},
		{"an unknown parameter", "redis://r1?pool=3", "takes no parameter"},
		{"a parameter twice", "redis://r1?db=1&db=2", "given twice"},
		{"ca without TLS", "redis://r1?ca=/x", "takes no parameter ca"},
		{"a relative socket", "unix://run/r.sock", "unix:///absolute/path"},
		{"a folder as socket", "unix:///run/", "unix:///absolute/path"},
		{"a blank", "redis://r 1", "blank"},
		{"an unescaped / in a password", "redis://:hun/ter2@r1", "%2F"},
		{"an unescaped ? in a password", "redis://:hun?ter2@r1", "%3F"},
		{"an unescaped # in a password", "redis://:hun#ter2@r1", "%23"},
		{"an unescaped % in a password", "redis://:hunter2%@r1", "%25"},
		{"too long", "redis://" + strings.Repeat("a", maxAddress), "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseAddress(c.in)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			if strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "ter2") {
				t.Errorf("error gives the password away: %v", err)
			}
		})
	}
}

func TestAddressInLogsHasNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		"redis://u:secret@r1/3":                                        "redis://r1:6379",
		"unix://u:secret@/run/r.sock":                                  "unix:///run/r.sock",
		"redis+sentinel://:secret@s1,s2/main?sentinel_password=secret": "redis+sentinel://s1:26379,s2:26379/main",
		"rediss+cluster://u:secret@c1":                                 "rediss+cluster://c1:6379",
	} {
		a, err := parseAddress(in)
		if err != nil || a.String() != want {
			t.Errorf("%s is logged as %q, %v; want %q", in, a, err, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"redis://u:p@r1:7000/3", "rediss://[::1]?ca=/x", "unix://u:p@/run/r.sock?db=1",
		"redis+sentinel://:p@s1,s2:26380/main?db=2&sentinel_password=q", "redis+cluster://c1:7000,c2", "redis://:a%2Fb@r1", "redis://a@b@c/0?db=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			return
		}
		if (a.socket == "") == (len(a.hosts) == 0) {
			t.Fatalf("%q: neither or both of socket and hosts: %+v", s, a)
		}
		if _, err := clientOptions(address{hosts: a.hosts, socket: a.socket, mode: a.mode}); err != nil {
			t.Fatal(err)
		}
		again, err := parseAddress(a.String()) // what is logged leads to the same place
		if err != nil || !slices.Equal(again.hosts, a.hosts) || again.master != a.master {
			if !strings.ContainsAny(a.socket+a.master, "%?#@ /") {
				t.Fatalf("%q is logged as %q, which reads %+v, %v", s, a, again, err)
			}
		}
	})
}
