// Package archive keeps for good what the ledger did: call detail records, the journal of every account, and sums per
// day, in a SQL database: SQLite, or PostgreSQL, which several nodes may share (dialect.go says what differs).
//
// Drain moves records from the ledger's outbox into it, each exactly once. Calls, Recharges and Statistics answer the
// pages of the same names; their All… forms stream everything that a filter selects. Evidence adds up the books for
// rating.Reconcile. DESIGN.md says how, and why so.
//
// Instants are stored in microseconds since 1970, amounts in micro-units of the currency, durations in seconds.
package archive
