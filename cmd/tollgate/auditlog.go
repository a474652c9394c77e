package main

import (
	"context"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
)

// auditLog is the operators' audit log as the API uses it: what the store has taken, and what the archive keeps.
type auditLog struct {
	store   *auditlog.Log
	archive *archive.Archive
}

// Append takes a record for good; see auditlog.Log.
func (l auditLog) Append(ctx context.Context, r rating.AuditRecord) error {
	return l.store.Append(ctx, r)
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
