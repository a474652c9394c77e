package embedded

import (
	"errors"
	"strings"
	"testing"
)

// good is what a server says that is set up as it should be.
func good() facts {
	return facts{
		config: map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": "", "no-appendfsync-on-rewrite": "no"},
		info: map[string]string{"redis_version": "7.0.15", "redis_mode": "standalone", "role": "master", "aof_enabled": "1",
			"maxmemory_policy": "noeviction", "connected_slaves": "0"},
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*facts)
		durability Durability
		says       string // in Loss
		err        error
	}{
		{"fsync always loses nothing", func(*facts) {}, Always, "nothing acknowledged is lost", nil},
		{"a replica may be a moment behind", func(f *facts) { f.info["connected_slaves"] = "1" }, Always, "failover", nil},
		{"fsync each second", func(f *facts) { f.config["appendfsync"] = "everysec" }, Everysec, "two seconds", nil},
		{"fsync when the system likes", func(f *facts) { f.config["appendfsync"] = "no" }, None, "thirty seconds", nil},
		{"an fsync that nobody knows", func(f *facts) { f.config["appendfsync"] = "maybe" }, Unknown, "not known", nil},
		{"no fsync while rewriting", func(f *facts) { f.config["no-appendfsync-on-rewrite"] = "yes" }, None, "rewritten", nil},
		{"snapshots only", func(f *facts) { f.config["appendonly"], f.config["save"] = "no", "3600 1" }, None, "last snapshot", nil},
		{"neither file nor snapshots", func(f *facts) { f.config["appendonly"] = "no" }, None, "everything is lost", nil},
		{"CONFIG refused", func(f *facts) { f.config = nil }, Unknown, "CONFIG GET is refused", nil},
		{"CONFIG refused, INFO says no file", func(f *facts) { f.config, f.info["aof_enabled"] = nil, "0" }, None, "appendonly yes", nil},
		{"CONFIG and INFO refused", func(f *facts) { f.config, f.info = nil, nil }, Unknown, "not known", nil},
		{"INFO refused", func(f *facts) { f.info = nil }, Always, "nothing acknowledged", nil},
		{"eviction by CONFIG", func(f *facts) { f.config["maxmemory-policy"] = "allkeys-lru" }, Always, "", ErrEviction},
		{"eviction by INFO where CONFIG is refused", func(f *facts) { f.config, f.info["maxmemory_policy"] = nil, "volatile-ttl" }, Unknown, "", ErrEviction},
		{"a replica", func(f *facts) { f.info["role"] = "slave" }, Always, "", ErrReplica},
		{"Redis 6.0", func(f *facts) { f.info["redis_version"] = "6.0.16" }, Always, "", ErrTooOld},
		{"Redis 5", func(f *facts) { f.info["redis_version"] = "5.0.7" }, Always, "", ErrTooOld},
		{"Redis 6.2", func(f *facts) { f.info["redis_version"] = "6.2.0" }, Always, "", nil},
		{"Redis 10", func(f *facts) { f.info["redis_version"] = "10.0.0" }, Always, "", nil},
		{"Valkey", func(f *facts) { f.info["valkey_version"], f.info["redis_version"] = "8.0.1", "7.2.4" }, Always, "", nil},
		{"a version that is no number", func(f *facts) { f.info["redis_version"] = "unstable" }, Always, "", nil},
		{"a cluster node as single", func(f *facts) { f.info["redis_mode"] = "cluster" }, Always, "", ErrMode},
		{"a sentinel", func(f *facts) { f.info["redis_mode"] = "sentinel" }, Always, "", ErrMode},
		{"a single as cluster", func(f *facts) { f.reached = cluster }, Always, "", ErrMode},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			c.change(&f)
			r, err := judge([]facts{f})
			if !errors.Is(err, c.err) || (c.err == nil && err != nil) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if (c.err != nil) != unfit(err) {
				t.Errorf("unfit(%v) = %t", err, unfit(err))
			}
			if r.Durability != c.durability || !strings.Contains(r.Loss, c.says) {
				t.Errorf("durability %s (%s), want %s (%s)", r.Durability, r.Loss, c.durability, c.says)
			}
			if silent := f.info == nil || f.eviction() == ""; silent != (len(r.Warnings) > 0) {
				t.Errorf("warnings %q", r.Warnings)
			}
		})
	}
}

func TestTheWeakestNodeOfAClusterDecides(t *testing.T) {
	a, b, c := good(), good(), good()
	a.addr, b.addr, c.addr = "c1", "c2", "c3"
	for _, f := range []*facts{&a, &b, &c} {
		f.reached, f.info["redis_mode"] = cluster, "cluster"
	}
	if r, err := judge([]facts{a, b, c}); err != nil || r.Durability != Always || r.Loss != lossNone {
		t.Errorf("%+v, %v", r, err)
	}
	c.info["connected_slaves"] = "1"
	if r, err := judge([]facts{a, b, c}); err != nil || r.Durability != Always || !strings.HasPrefix(r.Loss, "c3: ") {
		t.Errorf("%+v, %v", r, err)
	}
	b.config["appendfsync"] = "everysec"
	r, err := judge([]facts{a, b, c})
	if err != nil || r.Durability != Everysec || !strings.HasPrefix(r.Loss, "c2: ") {
		t.Errorf("%+v, %v", r, err)
	}
	a.config["maxmemory-policy"], c.config["maxmemory-policy"] = "allkeys-lfu", "allkeys-lru"
	_, err = judge([]facts{a, b, c})
	if !errors.Is(err, ErrEviction) || !strings.Contains(err.Error(), "c1: ") || !strings.Contains(err.Error(), "c3: ") || strings.Contains(err.Error(), "c2: ") {
		t.Errorf("error %v does not name c1 and c3", err)
	}
}

func TestVersionsOfPrograms(t *testing.T) {
	for line, want := range map[string]string{
		"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0\n": "Redis 7.0.15",
		"Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n":               "Valkey 8.0.1",
		"Sentinel v=1":                          "",
		"":                                      "",
		"bash: redis-server: command not found": "",
	} {
		v, err := parseVersion(line)
		if (err != nil) != (want == "") || want != "" && v.String() != want {
			t.Errorf("%q is %s, %v", line, v, err)
		}
	}
}

func TestThePrivateConfigurationIsJudgedPerfect(t *testing.T) {
	f := facts{config: map[string]string{}, info: good().info}
	for line := range strings.Lines(serverConfig) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		f.config[k] = strings.Trim(v, `"`)
	}
	if r, err := judge([]facts{f}); err != nil || r.Durability != Always || r.Eviction != "noeviction" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, p := range policy {
		if f.config[p.directive] != p.value {
			t.Errorf("policy says %s %s, the configuration %s", p.directive, p.value, f.config[p.directive])
		}
	}
}
