// Package spool keeps on the local disk what the store did not take in time, until it does: answers, settlements and
// records of calls.
//
// The file is a list of lines, each a checksum and the JSON of one entry. A line is written and synced before Put returns,
// so neither kill -9 nor a power cut loses what was accepted; Puts that come together share one sync. A line that was
// torn by a crash was never accepted, and is skipped. Replay hands the entries to the store in order, again and again until
// it has taken each one, and then empties the file: every entry is idempotent, so one that was taken just before a crash
// may be handed over once more. What the store refuses for good goes to a second file, for a person to look at.
package spool
