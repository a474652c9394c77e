// Package auditlog takes the record of every change that operators make, and keeps it in Redis until the archive has it
// for good.
//
// Append is durable when it returns: the record is on the store's disk as every change of money is. Read and Trim are
// one more stream of the outbox (rating.AuditShard), which the archive's drain moves into SQL, each record once: two
// appends of one record, after a timeout, have one id and count as one.
//
// A change is noted before it is made (Begin), and its records take the note's place in one step (Finish): a process that is
// killed in between leaves a note, of which Recover makes a record that says that the outcome is unknown.
//
// The stream has a hash tag of its own and is bounded: when MaxWaiting records wait because the archive does not take
// them, Append refuses with ErrFull rather than forget one. A record is bounded too, see MaxDetail.
package auditlog
