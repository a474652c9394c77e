package archive

import (
	"tollgate/rating"
)

// insertEntry files a journal line under number n, and does nothing where the account has a line of that number.
const insertEntry = `INSERT INTO entries (n, extension, seq, party, kind, amount, pre_balance, post_balance, at, ref, by_whom, note)
 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING`

// entryColumns are what scanEntry reads, of entries e and parties p.
const entryColumns = `e.extension, p.username, e.seq, e.kind, e.amount, e.pre_balance, e.post_balance, e.at, e.ref, e.by_whom, e.note`

// fileEntry reports whether the line was new.
func (r *registrar) fileEntry(n int64, e *rating.Entry) (added bool, err error) {
	party, err := r.party(e.Extension, e.Username)
	if err != nil {
		return false, err
	}
	rows, err := r.session.exec(insertEntry, n, e.Extension, e.Seq, party, string(e.Kind), int64(e.Amount), int64(e.Before),
		int64(e.After), e.At.UnixMicro(), e.Ref, e.By, e.Note)
	return rows == 1, err
}

// scanEntry reads entryColumns, and whatever else the query selects before them.
func scanEntry(scan func(...any) error, before ...any) (rating.Entry, error) {
	var e rating.Entry
	var at int64
	err := scan(append(before, &e.Extension, &e.Username, &e.Seq, &e.Kind, &e.Amount, &e.Before, &e.After, &at, &e.Ref, &e.By, &e.Note)...)
	e.At = instant(at)
	return e, err
}
