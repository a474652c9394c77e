package rating

// Filed is one record of the outbox: what the ledger did and the archive must keep. A settled call has an Entry and a
// CDR; a recharge only an Entry; a refusal only a CDR. A record that could not be read has neither, and Bad says why.
type Filed struct {
	Shard    int
	Position string // of the record in its shard's stream; positions of a shard grow
	Entry    *Entry
	CDR      *CDR
	Bad      string // what is wrong with a record that is quarantined
	Raw      string // and what it says
}
