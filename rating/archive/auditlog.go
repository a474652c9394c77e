package archive

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"tollgate/rating"
)

// auditColumns are what scanAudit reads.
const auditColumns = `id, at, actor, role, address, action, object, before, after`

// AuditLog returns a page of the audit log, and how many records all pages have. waiting are records that were in the
// outbox when it was last read: what the archive has by now is taken from it, the others from there, so that a record
// is listed from the moment in which it was appended. They are the newest. An impossible query is rating.Invalid.
func (a *Archive) AuditLog(ctx context.Context, q rating.AuditQuery, waiting []rating.Filed) (page []rating.AuditRecord, total int64, err error) {
	offset, limit, err := bounds(q.Paging)
	if err != nil {
		return nil, 0, err
	}
	if err := checkKeyword(q.Q); err != nil {
		return nil, 0, err
	}
	sort, err := orderOf(q.Sort, "at")
	if err != nil {
		return nil, 0, err
	}
	err = a.view(ctx, func(s *session) error {
		positions, err := s.positions()
		if err != nil {
			return err
		}
		newest := unfiled(q, waiting, positions[rating.AuditShard])
		c := auditsOf(q)
		count := "SELECT COUNT(*) FROM audit_log" + c.String()
		if len(c.terms) == 0 {
			count = "SELECT COALESCE(MAX(n), 0) FROM audit_log" // they are numbered without gaps, and none is ever deleted
		}
		var archived int64
		if _, err := s.one([]any{&archived}, count, c.args...); err != nil {
			return err
		}
		total = archived + int64(len(newest))
		if sort.descending {
			slices.Reverse(newest)
			page = slices.Clone(within(newest, offset, limit))
			old, err := s.audits(c, sort, max(0, offset-int64(len(newest))), limit-int64(len(page)))
			page = append(page, old...)
			return err
		}
		if page, err = s.audits(c, sort, offset, limit); err == nil {
			page = append(page, within(newest, max(0, offset-archived), limit-int64(len(page)))...)
		}
		return err
	})
	return page, total, err
}

// within is the part of a list that has up to limit items from an offset on.
func within[T any](list []T, offset, limit int64) []T {
	n := int64(len(list))
	return list[min(offset, n):min(offset+limit, n)]
}

// unfiled are the records of the outbox that the query asks for and the archive does not have, each once.
func unfiled(q rating.AuditQuery, waiting []rating.Filed, archived string) []rating.AuditRecord {
	var list []rating.AuditRecord
	seen := make(map[string]bool)
	for _, f := range waiting {
		if f.Audit == nil || !rating.Follows(f.Position, archived) || seen[f.Audit.ID] || !q.Matches(*f.Audit) {
			continue
		}
		seen[f.Audit.ID] = true
		list = append(list, *f.Audit)
	}
	return list
}

func auditsOf(q rating.AuditQuery) *conditions {
	c := &conditions{}
	if from, to := instants(q.Period); from != math.MinInt64 || to != math.MaxInt64 {
		c.where("at >= %s AND at < %s", from, to)
	}
	if k := keywordOf(q.Q); k != "" {
		c.where(`folded LIKE %s ESCAPE '\'`, string(k))
	}
	return c
}

func (s *session) audits(c *conditions, sort order, offset, limit int64) (list []rating.AuditRecord, err error) {
	text := "SELECT " + auditColumns + " FROM audit_log" + c.String() + sort.by("") + " LIMIT " + c.arg(limit) + " OFFSET " + c.arg(offset)
	err = s.each(func(scan func(...any) error) error {
		r, err := scanAudit(scan)
		list = append(list, r)
		return err
	}, text, c.args...)
	return list, err
}

func scanAudit(scan func(...any) error) (rating.AuditRecord, error) {
	var r rating.AuditRecord
	var at int64
	var before, after *string
	err := scan(&r.ID, &at, &r.Actor, &r.Role, &r.Address, &r.Action, &r.Object, &before, &after)
	r.At, r.Before, r.After = instant(at), rawOf(before), rawOf(after)
	return r, err
}

func rawOf(text *string) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}

// fileAudit files an audit record unless it is there: its id names it.
func (f *filing) fileAudit(r *rating.AuditRecord) error {
	rows, err := f.session.exec(`INSERT INTO audit_log (n, id, at, actor, role, address, action, object, before, after, folded)
 SELECT COALESCE(MAX(n), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM audit_log WHERE true ON CONFLICT DO NOTHING`,
		r.ID, r.At.UnixMicro(), r.Actor, string(r.Role), r.Address, r.Action, r.Object, textOrNull(r.Before), textOrNull(r.After), r.Searched())
	if err == nil {
		f.outcome.filed += rows
		f.outcome.duplicates += 1 - rows
	}
	return err
}

func textOrNull(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

func auditFault(r *rating.AuditRecord) string {
	switch {
	case r.ID == "":
		return "no id is given"
	case !dated(r.At):
		return "its time is missing or absurd"
	case unstorable(r.ID, r.Actor, string(r.Role), r.Address, r.Action, r.Object, string(r.Before), string(r.After)):
		return "a text holds a zero byte"
	}
	return ""
}
