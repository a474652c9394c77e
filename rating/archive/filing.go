package archive

import (
	"errors"
	"fmt"

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

// file writes the records of a batch. What cannot be goes to quarantine.
func (f *filing) file(b batch) error {
	money := make([]rating.Filed, 0, len(b.records))
	for _, r := range b.records {
		var err error
		if why := fault(r); why != "" {
			err = f.quarantine(r, why)
		} else if r.Audit != nil {
			err = f.fileAudit(r.Audit)
		} else {
			money = append(money, r)
		}
		if err != nil {
			return fmt.Errorf("record %s of shard %d: %w", r.Position, b.shard, err)
		}
	}
	if err := f.fileMoney(money); err != nil {
		return fmt.Errorf("shard %d: %w", b.shard, err)
	}
	return nil
}

// fileMoney writes CDRs and journal lines, both of a record or none. Usually all are new; where one is not, those that are
// in the way of nothing are filed, and the others are looked at.
func (f *filing) fileMoney(records []rating.Filed) error {
	done, err := f.fileTogether(records)
	if err != nil || done {
		return err
	}
	fresh, doubtful, err := f.session.sort(records)
	if err != nil {
		return err
	}
	done, err = f.fileTogether(fresh)
	if err == nil && !done {
		err = errors.New("rows that nothing was in the way of cannot be filed")
	}
	for _, r := range doubtful {
		if err == nil {
			err = f.passOver(r)
		}
	}
	return err
}

// fileTogether writes all of the records, unless something is in the way of one.
func (f *filing) fileTogether(records []rating.Filed) (done bool, err error) {
	rows, err := f.registrar.rowsOf(f.next, records)
	if err != nil {
		return false, err
	}
	done, err = f.session.try(func() (bool, error) {
		cdrs, err := f.session.insert(cdrTable, rows.cdrs)
		if err != nil || cdrs < int64(len(rows.cdrs)) {
			return false, err
		}
		entries, err := f.session.insert(entryTable, rows.entries)
		return entries == int64(len(rows.entries)), err
	})
	if done {
		f.next += int64(len(records))
		f.outcome.filed += int64(len(records))
		for _, a := range rows.addends {
			f.tally.add(a)
		}
	}
	return done, err
}

// passOver counts a record that is there already, the same to the last field; one that contradicts what is there goes to
// quarantine.
func (f *filing) passOver(r rating.Filed) error {
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

// filedRows are records as their tables have them, and what the sums count of them.
type filedRows struct {
	cdrs, entries [][]any
	addends       []addend
}

// rowsOf numbers records from n on, and enters the parties and rates that they name.
func (r *registrar) rowsOf(n int64, records []rating.Filed) (rows filedRows, err error) {
	for _, record := range records {
		if c := record.CDR; c != nil {
			row, party, err := r.rowOfCDR(n, c, record.Entry != nil)
			if err != nil {
				return rows, err
			}
			rows.cdrs = append(rows.cdrs, row)
			rows.addends = append(rows.addends, addend{party, c.StartedAt.UnixMicro(), c.Disposition, c.Duration, c.Cost, c.Dialled, whyOf(c.Reason, c.Unbilled), c.Count})
		}
		if e := record.Entry; e != nil {
			row, err := r.rowOfEntry(n, e)
			if err != nil {
				return rows, err
			}
			rows.entries = append(rows.entries, row)
		}
		n++
	}
	return rows, nil
}
