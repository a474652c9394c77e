package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tollgate/rating"
)

// All keys of a shard carry its hash tag, so they live on one node of a cluster and one script may use them together.
// Parts of keys are extension numbers and call ids that were checked, and hashes: never text from outside.

func shardKey(shard int, rest string) string {
	return string([]byte{'{', byte('0' + shard/10), byte('0' + shard%10), '}'}) + rest
}

func leasesKey(shard int) string     { return shardKey(shard, "leases") }   // sorted set: running calls by the end of their lease, ms
func nodesKey(shard int) string      { return shardKey(shard, "nodes") }    // hash: node → last seen:seen since, ms
func outboxKey(shard int) string     { return shardKey(shard, "outbox") }   // stream: what the archive must keep
func extensionsKey(shard int) string { return shardKey(shard, "accounts") } // set: every extension that ever had an account
func brokenKey(shard int) string     { return shardKey(shard, "broken") }   // sorted set: calls that cannot be read, taken out of the leases
func keepKey(shard int) string       { return shardKey(shard, "keep") }     // string: a backup needs the outbox as it is
func unfinishedKey(shard int) string { return shardKey(shard, "intents") }  // sorted set: intents of recharges by their beginning, s

// accountKeys are the keys of an extension.
type accountKeys struct {
	shard   int
	account string // hash, see Ledger.Account
	spent   string // hash: day → spent and held by its calls, for days other than the one in the account itself
}

func keysOf(extension string) (accountKeys, error) {
	if !rating.ValidExtension(extension) {
		return accountKeys{}, fmt.Errorf("%q is no extension number: %w", shorten(extension), rating.ErrUnknownExtension)
	}
	shard := rating.ShardOf(extension)
	return accountKeys{shard, shardKey(shard, "a:"+extension), shardKey(shard, "d:"+extension)}, nil
}

// callKeys are the keys of a call.
type callKeys struct {
	shard int
	call  string // hash: the hold
	blob  string // string: draft of the CDR and dialogs; when the call is over, what its settlement did, for repeats
}

func keysOfCall(id rating.CallID) (callKeys, error) {
	shard, ok := id.Shard()
	if !ok {
		return callKeys{}, fmt.Errorf("%q is no call id: %w", shorten(string(id)), rating.ErrNoCall)
	}
	return callKeys{shard, shardKey(shard, "c:"+string(id)), shardKey(shard, "b:"+string(id))}, nil
}

// keysOfBoth are the keys of a call and of the extension that pays for it. The id of a call says where the money is.
func keysOfBoth(id rating.CallID, extension string) (callKeys, accountKeys, error) {
	call, err := keysOfCall(id)
	if err != nil {
		return call, accountKeys{}, err
	}
	account, err := keysOf(extension)
	if err != nil {
		return call, account, err
	}
	if call.shard != account.shard {
		return call, account, fmt.Errorf("call id %s was not made for extension %s: %w", id, extension, rating.ErrConflict)
	}
	return call, account, nil
}

// intentName hides an idempotency key, which is text from outside, behind a hash.
func intentName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

func intentShard(name string) int { return rating.ShardOf(name) }

func intentKey(name string) string { return shardKey(intentShard(name), "i:"+name) }

// preparedKey is the hash of a shard's accounts that an attempt to apply an intent has prepared and applied.
func preparedKey(shard int, name, attempt string) string {
	return shardKey(shard, "p:"+name+"-"+attempt)
}

// shorten bounds a hostile value before it is quoted in an error.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
