package archive

import (
	"encoding/json"
	"time"

	"tollgate/rating"
)

// journalLine is what names a line of the journal.
type journalLine struct {
	extension string
	seq       int64
}

// sort parts records whose call or journal line the archive has, or one before them brings, from those that are new.
func (s *session) sort(records []rating.Filed) (fresh, doubtful []rating.Filed, err error) {
	calls, lines := make(map[rating.CallID]bool), make(map[journalLine]bool)
	for _, r := range records {
		met, err := s.meets(r)
		if err != nil {
			return nil, nil, err
		}
		var line journalLine
		if r.Entry != nil {
			line = journalLine{r.Entry.Extension, r.Entry.Seq}
			met = met || lines[line]
		}
		if r.CDR != nil {
			met = met || calls[r.CDR.ID]
		}
		if met {
			doubtful = append(doubtful, r)
			continue
		}
		fresh = append(fresh, r)
		if r.Entry != nil {
			lines[line] = true
		}
		if r.CDR != nil {
			calls[r.CDR.ID] = true
		}
	}
	return fresh, doubtful, nil
}

// meets reports whether the archive has the record's call or its journal line.
func (s *session) meets(r rating.Filed) (met bool, err error) {
	var one int
	if r.CDR != nil {
		met, err = s.one([]any{&one}, `SELECT 1 FROM cdrs WHERE id = ?1`, string(r.CDR.ID))
	}
	if r.Entry != nil && !met && err == nil {
		met, err = s.one([]any{&one}, `SELECT 1 FROM entries WHERE extension = ?1 AND seq = ?2`, r.Entry.Extension, r.Entry.Seq)
	}
	return met, err
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
