package archive

import (
	"encoding/json"
	"time"

	"tollgate/rating"
)

// filing is one transaction of put.
type filing struct {
	session   *session
	registrar *registrar
	tally     *tally
	next      int64 // number of the next record
	outcome   outcome
}

func (a *Archive) newFiling(s *session) (*filing, error) {
	e, err := a.era(s)
	if err != nil {
		return nil, err
	}
	f := &filing{session: s, registrar: newRegistrar(s, &a.known), tally: newTally(e)}
	var cdrs, entries int64
	_, err = s.one([]any{&cdrs, &entries}, `SELECT COALESCE((SELECT MAX(n) FROM cdrs), 0), COALESCE((SELECT MAX(n) FROM entries), 0)`)
	f.next = max(cdrs, entries) + 1
	return f, err
}

// file writes one record: its CDR and its journal line, both or none. One that is there already, the same to the
// last field, is passed over; one that contradicts what is there, or cannot be, goes to quarantine.
func (f *filing) file(r rating.Filed) error {
	if why := fault(r); why != "" {
		return f.quarantine(r, why)
	}
	if r.Audit != nil {
		added, err := f.fileAudit(r.Audit)
		if added {
			f.outcome.filed++
		} else if err == nil {
			f.outcome.duplicates++
		}
		return err
	}
	conflict, err := f.insert(r)
	switch {
	case err != nil:
		return err
	case !conflict:
		f.next++
		f.outcome.filed++
		return nil
	}
	same, err := f.session.holds(r)
	if err != nil {
		return err
	}
	if same {
		f.outcome.duplicates++
		return nil
	}
	return f.quarantine(r, "contradicts what is archived of the same call or journal line")
}

// insert writes the rows of a record, and takes them back where one of them is in the way of another.
func (f *filing) insert(r rating.Filed) (conflict bool, err error) {
	var party int64
	if r.CDR != nil {
		added, id, err := f.registrar.fileCDR(f.next, r.CDR, r.Entry != nil)
		if err != nil || !added {
			return !added, err
		}
		party = id
	}
	if r.Entry != nil {
		added, err := f.registrar.fileEntry(f.next, r.Entry)
		if err != nil {
			return false, err
		}
		if !added {
			_, err := f.session.exec(`DELETE FROM cdrs WHERE n = ?1`, f.next)
			return true, err
		}
	}
	if r.CDR != nil {
		f.tally.add(addend{party, r.CDR.StartedAt.UnixMicro(), r.CDR.Disposition, r.CDR.Duration, r.CDR.Cost, r.CDR.Dialled, whyOf(r.CDR.Reason, r.CDR.Unbilled), r.CDR.Count})
	}
	return false, nil
}

// holds reports whether the archive has exactly this record: the same journal line and the same CDR.
func (s *session) holds(r rating.Filed) (bool, error) {
	if r.Entry != nil {
		same := false
		err := s.each(func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			same = sameText(e, asStored(*r.Entry))
			return err
		}, `SELECT `+entryColumns+` FROM entries e JOIN parties p ON p.id = e.party WHERE e.extension = ?1 AND e.seq = ?2`, r.Entry.Extension, r.Entry.Seq)
		if err != nil || !same {
			return false, err
		}
	}
	if r.CDR == nil {
		return true, nil
	}
	same := false
	err := s.each(func(scan func(...any) error) error {
		var charged int64
		c, err := scanCDR(scan, &charged)
		same = sameText(c, storedCDR(*r.CDR)) && charged == boolean(r.Entry != nil)
		return err
	}, `SELECT c.charged, `+cdrColumns+callTables+` WHERE c.id = ?1`, string(r.CDR.ID))
	return same, err
}

// sameText compares two records by their JSON, which has every field of them.
func sameText(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func asStored(e rating.Entry) rating.Entry {
	e.At = instant(e.At.UnixMicro())
	return e
}

func storedCDR(c rating.CDR) rating.CDR {
	c.StartedAt = instant(c.StartedAt.UnixMicro())
	c.AnsweredAt, c.EndedAt = storedTime(c.AnsweredAt), storedTime(c.EndedAt)
	return c
}

func storedTime(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	stored := instant(t.UnixMicro())
	return &stored
}
