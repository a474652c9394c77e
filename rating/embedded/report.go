package embedded

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What is wrong with a Redis that answers. Waiting does not mend any of these.
var (
	ErrTooOld   = errors.New("the Redis is too old")
	ErrEviction = errors.New("the Redis may throw keys away when its memory is full")
	ErrReplica  = errors.New("the Redis is a read-only replica")
	ErrMode     = errors.New("store.redis has the wrong scheme for this Redis")
	ErrRefused  = errors.New("the Redis refuses us")
)

// Durability says when an acknowledged change is on disk.
type Durability string

const (
	Always   Durability = "always"   // before it is acknowledged
	Everysec Durability = "everysec" // about a second later
	None     Durability = "none"     // at some time, or never
	Unknown  Durability = "unknown"  // the server does not tell
)

// weakness orders durabilities for the sum over the nodes of a cluster: the weakest node is the answer.
var weakness = []Durability{Always, Everysec, Unknown, None}

// lossNone is the Loss of a store that is as it should be.
const lossNone = "nothing acknowledged is lost"

// Report is what Tollgate found out about a store.
type Report struct {
	Durability Durability
	Loss       string   // one sentence for the operator: what can be lost, and what to set
	Server     string   // "Redis 7.0.15", "in-process engine"
	Eviction   string   // maxmemory-policy; "" where it is not told
	Warnings   []string // what could not be found out
}

// facts are what one server says about itself.
type facts struct {
	addr    string            // named in errors; "" for a single server
	config  map[string]string // directive to value; nil: CONFIG GET is refused
	info    map[string]string // field to value; nil: INFO is refused
	reached mode              // how store.redis reaches it
}

// judge turns what the servers of a store say into a report, and into an error that names each thing Tollgate cannot
// work with. It is pure.
func judge(nodes []facts) (Report, error) {
	sum := Report{Durability: Always}
	var errs []error
	for i, f := range nodes {
		r := Report{Server: versionOf(f.info).String(), Eviction: f.eviction()}
		r.Durability, r.Loss = f.durability()
		if f.info == nil {
			r.Warnings = append(r.Warnings, f.named("INFO is refused, so version and role are not checked"))
		}
		if r.Eviction == "" {
			r.Warnings = append(r.Warnings, f.named("maxmemory-policy is not told; it must be noeviction"))
		}
		errs = append(errs, f.problems()...)
		if i == 0 {
			sum.Server, sum.Eviction, sum.Loss = r.Server, r.Eviction, r.Loss
		}
		if r.weaker(sum) {
			sum.Durability, sum.Loss = r.Durability, f.named(r.Loss)
		}
		sum.Warnings = append(sum.Warnings, r.Warnings...)
	}
	return sum, errors.Join(errs...)
}

// weaker compares durabilities; of two that lose nothing in a crash the one with a replica to fail over to is the weaker.
func (r Report) weaker(than Report) bool {
	a, b := slices.Index(weakness, r.Durability), slices.Index(weakness, than.Durability)
	return a > b || a == b && than.Loss == lossNone && r.Loss != lossNone
}

func (f facts) problems() (errs []error) {
	if err := versionOf(f.info).check(); err != nil {
		errs = append(errs, f.wrap(err))
	}
	if p := f.eviction(); p != "" && p != "noeviction" {
		errs = append(errs, f.wrap(fmt.Errorf("%w: maxmemory-policy is %s, set it to noeviction", ErrEviction, p)))
	}
	if f.info["role"] == "slave" {
		errs = append(errs, f.wrap(fmt.Errorf("%w: give the address of the master, or use redis+sentinel://", ErrReplica)))
	}
	switch m := f.info["redis_mode"]; {
	case m == "cluster" && f.reached != cluster:
		errs = append(errs, f.wrap(fmt.Errorf("%w: it is a node of a cluster, use redis+cluster://", ErrMode)))
	case m == "sentinel":
		errs = append(errs, f.wrap(fmt.Errorf("%w: it is a sentinel, use redis+sentinel://", ErrMode)))
	case m == "standalone" && f.reached == cluster:
		errs = append(errs, f.wrap(fmt.Errorf("%w: it is not a cluster, use redis://", ErrMode)))
	}
	return errs
}

// eviction is the maxmemory-policy, which INFO tells too.
func (f facts) eviction() string {
	if p := f.config["maxmemory-policy"]; p != "" {
		return p
	}
	return f.info["maxmemory_policy"]
}

func (f facts) durability() (Durability, string) {
	aof, fsync := f.config["appendonly"], f.config["appendfsync"]
	if aof == "" {
		aof = map[string]string{"0": "no", "1": "yes"}[f.info["aof_enabled"]]
	}
	switch {
	case aof == "no" && f.config["save"] != "":
		return None, "everything since the last snapshot is lost when Redis ends: set appendonly yes and appendfsync always"
	case aof == "no":
		return None, "everything is lost when Redis ends: set appendonly yes and appendfsync always"
	case aof == "" || fsync == "":
		return Unknown, "what can be lost is not known, because CONFIG GET is refused: allow it, or make sure of appendonly yes and appendfsync always"
	case fsync == "everysec":
		return Everysec, "up to two seconds of acknowledged changes are lost on a power failure, or when Redis is killed while the disk stalls: set appendfsync always"
	case fsync == "no":
		return None, "about thirty seconds of acknowledged changes are lost on a power failure: set appendfsync always"
	case fsync != "always":
		return Unknown, "what can be lost is not known, because appendfsync has a value that is not known: set it to always"
	case f.config["no-appendfsync-on-rewrite"] == "yes":
		return None, "acknowledged changes are lost on a power failure while the append-only file is rewritten: set no-appendfsync-on-rewrite no"
	case f.info["connected_slaves"] != "" && f.info["connected_slaves"] != "0":
		return Always, "nothing acknowledged is lost by a crash; a failover to a replica can lose the last moment, because replication is asynchronous"
	}
	return Always, lossNone
}

func (f facts) named(s string) string {
	if f.addr == "" {
		return s
	}
	return f.addr + ": " + s
}

func (f facts) wrap(err error) error {
	if f.addr == "" {
		return err
	}
	return fmt.Errorf("%s: %w", f.addr, err)
}

// parseInfo reads the answer to INFO: lines "field:value", sections begin with #.
func parseInfo(s string) map[string]string {
	m := make(map[string]string)
	for line := range strings.Lines(s) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			m[k] = v
		}
	}
	return m
}
