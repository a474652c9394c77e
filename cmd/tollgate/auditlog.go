package main

import (
	"context"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
)

// auditLog is the operators' audit log as the API uses it: what the store has taken, and what the archive keeps.
type auditLog struct {
	store   *auditlog.Log
	archive *archive.Archive
	node    string
}

// Append takes a record for good; see auditlog.Log.
func (l auditLog) Append(ctx context.Context, r rating.AuditRecord) error {
	return l.store.Append(ctx, r)
}

// Begin notes that a change is about to be made on this node; see auditlog.Log.
func (l auditLog) Begin(ctx context.Context, r rating.AuditRecord, limit time.Duration) (string, error) {
	return l.store.Begin(ctx, l.node, r, limit)
}

// Finish ends what began; see auditlog.Log.
func (l auditLog) Finish(ctx context.Context, id string, records []rating.AuditRecord) error {
	return l.store.Finish(ctx, id, records)
}

// AuditLog returns a page of the records, from the moment in which they were appended. The store is read first: what
// leaves it meanwhile is in the archive by then.
func (l auditLog) AuditLog(ctx context.Context, q rating.AuditQuery) ([]rating.AuditRecord, int64, error) {
	waiting, err := l.store.Waiting(ctx)
	if err != nil {
		return nil, 0, err
	}
	return l.archive.AuditLog(ctx, q, waiting)
}

// recoverChanges lists the changes that a process began and did not live to record: those of a node that has just started
// ("" is none), and the overdue ones of all.
func (a *app) recoverChanges(ctx context.Context, node string) error {
	n, err := a.changes.Recover(ctx, node)
	if n > 0 {
		a.log.Warn("changes began and were never recorded; the audit log lists them with an unknown outcome", "changes", n)
	}
	return err
}

// sweepChanges is recoverChanges for nodes that do not come back.
func (a *app) sweepChanges(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, upkeepLimit)
	defer cancel()
	if err := a.recoverChanges(ctx, ""); err != nil && ctx.Err() == nil {
		a.log.Warn("changes that never ended are not looked for; trying again", "err", err)
	}
}
