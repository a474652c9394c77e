package catalog

import "slices"

// Everything is under one hash tag, so that a script may write several documents at once, also in a Redis Cluster.
const (
	headKey        = "{catalog}:head"          // hash: version, stamp of the last change, plan = version of the last change to trunks, dial rules or settings
	logKey         = "{catalog}:changes"       // stream: entry <version>-0 names the documents that the change touched
	stepsKey       = "{catalog}:steps"         // hash: extension → account step that is written down and not yet done
	idsKey         = "{catalog}:ids"           // hash: rates, dial_rules → last id given
	archiveKey     = "{catalog}:archive"       // string: id of the archive that belongs to this store
	batchKey       = "{catalog}:batch"         // hash: id, kind and state of the large batch that is being written; its documents are beside it
	finisherKey    = "{catalog}:finisher"      // string: somebody does the steps that others left undone
	sessionsKey    = "{catalog}:sessions"      // hash: hash of the token → session
	lastSeenKey    = "{catalog}:sessions_seen" // sorted set: the same hashes by last request, in ms
	licenseKey     = "{catalog}:license"       // string: what is remembered of trial and licence
	devicesKey     = "{catalog}:devices"       // hash: node → description of its device
	devicesSeenKey = "{catalog}:devices_seen"  // sorted set: node by when it was last met, in ms of the store's clock
	changeChannel  = "{catalog}:changed"       // pub/sub: the new version
)

// kind is a hash of documents.
type kind string

const (
	extensionKind    kind = "extensions"
	rateKind         kind = "rates"
	trunkKind        kind = "trunks"
	dialRuleKind     kind = "dial_rules"
	installationKind kind = "installation" // settings and billing
	userKind         kind = "users"
	tokenKind        kind = "tokens"
)

// What an installation may hold, and what one change may.
const (
	MaxExtensions = 1_000_000 // numbers of deleted ones included
	MaxRates      = 200_000
	MaxTrunks     = 1000
	MaxDialRules  = 10_000
	MaxUsers      = 1000
	MaxTokens     = 1000
	MaxSessions   = 10_000  // the one not seen for longest gives way
	MaxBatch      = 100_000 // documents of one bulk edit or import
)

// kinds: those of the snapshot first.
var kinds = []struct {
	name kind
	one  string // what a single document is called
	most int    // documents
}{
	{extensionKind, "extension", MaxExtensions}, {rateKind, "rate", MaxRates}, {trunkKind, "trunk", MaxTrunks},
	{dialRuleKind, "dial rule", MaxDialRules}, {installationKind, "document", 2}, {userKind, "user", MaxUsers}, {tokenKind, "token", MaxTokens},
}

// snapshotKinds is how many of the kinds, from the first, make up the snapshot.
const snapshotKinds = 5

func (k kind) key() string { return "{catalog}:" + string(k) }

// number is the place of a kind, from 1.
func (k kind) number() int {
	for i := range kinds {
		if kinds[i].name == k {
			return i + 1
		}
	}
	return 0
}

func (k kind) one() string { return kinds[k.number()-1].one }

func (k kind) most() int { return kinds[k.number()-1].most }

// inSnapshot reports whether nodes must follow a change of this kind.
func (k kind) inSnapshot() bool { return k.number() <= snapshotKinds }

// inPlan reports whether documents of this kind name each other, so that one is checked against the others.
func (k kind) inPlan() bool {
	return slices.Contains([]kind{trunkKind, dialRuleKind, installationKind}, k)
}

// snapshotKeys returns the keys of changes.lua.
func snapshotKeys() []string {
	keys := []string{headKey, logKey, stepsKey, batchKey}
	for _, k := range kinds[:snapshotKinds] {
		keys = append(keys, k.name.key())
	}
	return keys
}
