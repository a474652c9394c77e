package main

import (
	"fmt"
	"slices"
	"strings"

	"tollgate/rating"
)

// What a backup takes of the store. It is the only place that looks at keys across the packages that own them.

// ours reports whether a key of the store is Tollgate's: those of a shard, of the catalog, of the webhooks, of the audit log.
func ours(key string) bool {
	_, _, shard := shardKey(key)
	return shard || strings.HasPrefix(key, "{catalog}:") || strings.HasPrefix(key, "{hooks}:") || strings.HasPrefix(key, "{auditlog}:")
}

// shardKey takes a key of the ledger apart: {07}a:101.
func shardKey(key string) (shard int, rest string, ok bool) {
	tag, rest, found := strings.Cut(key, "}")
	if !found || len(tag) != 3 || tag[0] != '{' {
		return 0, "", false
	}
	for shard := range rating.Shards {
		if tag[1:] == fmt.Sprintf("%02d", shard) {
			return shard, rest, true
		}
	}
	return 0, "", false
}

// derived are the keys of a shard that a backup leaves out, by their beginning: a restore makes them anew from the journal, or
// they mean nothing without the processes that wrote them.
var derived = []string{"a:", "d:", "accounts", "p:", "intents", "keep", "nodes", "broken", "signals"}

// taken are those that are read first, and by themselves: running calls, and records that wait for the archive.
var taken = []string{"c:", "b:", "leases", "outbox"}

// passing are the keys of the catalog that a backup leaves out: who is logged in, which nodes live, what was changed last.
var passing = []string{"changes", "sessions", "sessions_seen", "devices", "devices_seen", "finisher", "batch", "restoring"}

// kept reports whether a backup takes a key as it is. Keys that this version does not know of are taken.
func kept(key string) bool {
	if name, ok := strings.CutPrefix(key, "{catalog}:"); ok {
		name, _, _ = strings.Cut(name, ":")
		return !slices.Contains(passing, name)
	}
	_, rest, ok := shardKey(key)
	if !ok {
		return ours(key)
	}
	begins := func(prefix string) bool { return strings.HasPrefix(rest, prefix) }
	return !slices.ContainsFunc(derived, begins) && !slices.ContainsFunc(taken, begins)
}

// isIntent reports whether a key holds a recharge under its idempotency key.
func isIntent(key string) bool {
	_, rest, ok := shardKey(key)
	return ok && strings.HasPrefix(rest, "i:")
}

// callKeys are the keys of running calls, and with them their leases.
func callKeys(calls []rating.Hold) []string {
	var keys []string
	for shard := range rating.Shards {
		keys = append(keys, fmt.Sprintf("{%02d}leases", shard))
	}
	for _, c := range calls {
		if shard, ok := c.Call.Shard(); ok {
			keys = append(keys, fmt.Sprintf("{%02d}c:%s", shard, c.Call), fmt.Sprintf("{%02d}b:%s", shard, c.Call))
		}
	}
	return keys
}

func outboxKeys() []string {
	var keys []string
	for shard := range rating.Shards {
		keys = append(keys, fmt.Sprintf("{%02d}outbox", shard))
	}
	return keys
}
