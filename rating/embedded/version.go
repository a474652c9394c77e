package embedded

import (
	"fmt"
	"strconv"
	"strings"
)

// minRedis is the oldest Redis that Tollgate works on: 6.2 has XTRIM MINID, which the outbox needs, and ACLs. Every Valkey
// is younger.
var minRedis = [2]int{6, 2}

// version of a server as it names itself.
type version struct {
	product string // Redis or Valkey
	number  string // 7.0.15
}

func (v version) String() string {
	if v.number == "" {
		return "unknown version"
	}
	return v.product + " " + v.number
}

// check tells whether Tollgate works on this version. An unknown one passes: the reader says that it is unknown.
func (v version) check() error {
	if v.number == "" || v.product == "Valkey" {
		return nil
	}
	major, rest, _ := strings.Cut(v.number, ".")
	minor, _, _ := strings.Cut(rest, ".")
	ma, err1 := strconv.Atoi(major)
	mi, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil {
		return nil
	}
	if ma < minRedis[0] || ma == minRedis[0] && mi < minRedis[1] {
		return fmt.Errorf("%w: it is %s, needed is Redis %d.%d or later, or Valkey", ErrTooOld, v, minRedis[0], minRedis[1])
	}
	return nil
}

// parseVersion reads what redis-server --version and valkey-server --version print:
// "Redis server v=7.0.15 sha=…", "Valkey server v=8.1.0 sha=…".
func parseVersion(line string) (version, error) {
	f := strings.Fields(line)
	if len(f) < 3 || f[1] != "server" || !strings.HasPrefix(f[2], "v=") || (f[0] != "Redis" && f[0] != "Valkey") {
		return version{}, fmt.Errorf("%.80q names no version of Redis or Valkey", line)
	}
	return version{f[0], strings.TrimPrefix(f[2], "v=")}, nil
}

// versionOf reads the version from the server section of INFO.
func versionOf(info map[string]string) version {
	if v := info["valkey_version"]; v != "" {
		return version{"Valkey", v}
	}
	return version{"Redis", info["redis_version"]}
}
