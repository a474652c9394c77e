package rating

import (
	"strconv"
	"strings"
)

// Filed is one record of the outbox: what the ledger did and the archive must keep. A settled call has an Entry and a
// CDR; a recharge only an Entry; a refusal only a CDR; a change by an operator only an Audit. A record that could not be
// read has none of them, and Bad says why.
type Filed struct {
	Shard    int
	Position string // of the record in its shard's stream; positions of a shard grow
	Entry    *Entry
	CDR      *CDR
	Audit    *AuditRecord
	Bad      string // what is wrong with a record that is quarantined
	Raw      string // and what it says
}

// AuditShard is the stream of the outbox that holds audit records. It follows those of the ledger.
const AuditShard = Shards

// Follows reports whether a position of a stream comes after another one; "" comes before all of them. A position is
// two numbers, "milliseconds-number".
func Follows(position, other string) bool {
	a, an := splitPosition(position)
	b, bn := splitPosition(other)
	return a > b || a == b && an > bn
}

func splitPosition(position string) (milliseconds, number uint64) {
	before, after, _ := strings.Cut(position, "-")
	milliseconds, _ = strconv.ParseUint(before, 10, 64)
	number, _ = strconv.ParseUint(after, 10, 64)
	return milliseconds, number
}
