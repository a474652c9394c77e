package sipctl

import (
	"tollgate/rating"
	"tollgate/sipctl/transaction"
)

// callIDLength is how long a ledger id is.
const callIDLength = 32

// newCallTag is our tag in a leg of a call: the call's id in the ledger, and a part that nobody can guess (RFC 3261 §19.3).
// Whoever gets a request in the dialog can find the call by it, in the store, also if it has never heard of it.
func newCallTag(id rating.CallID) string { return string(id) + transaction.NewTag() }

// callOfTag returns the call that a tag of ours names.
func callOfTag(tag string) (rating.CallID, bool) {
	if len(tag) <= callIDLength {
		return "", false
	}
	id := rating.CallID(tag[:callIDLength])
	_, ok := id.Shard()
	return id, ok
}
