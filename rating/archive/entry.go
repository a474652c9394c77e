package archive

import (
	"tollgate/rating"
)

// entryTable names the columns of rowOfEntry.
var entryTable = table{"entries", []string{"n", "extension text", "seq", "party", "kind text", "amount", "pre_balance", "post_balance", "at", "ref text", "by_whom text", "note text"}, "DO NOTHING"}

// entryColumns are what scanEntry reads, of entries e and parties p.
const entryColumns = `e.extension, p.username, e.seq, e.kind, e.amount, e.pre_balance, e.post_balance, e.at, e.ref, e.by_whom, e.note`

// rowOfEntry is a journal line as its table has it, under number n.
func (r *registrar) rowOfEntry(n int64, e *rating.Entry) ([]any, error) {
	party, err := r.party(e.Extension, e.Username)
	return []any{n, e.Extension, e.Seq, party, string(e.Kind), int64(e.Amount), int64(e.Before),
		int64(e.After), e.At.UnixMicro(), e.Ref, e.By, e.Note}, err
}

// scanEntry reads entryColumns, and whatever else the query selects before them.
func scanEntry(scan func(...any) error, before ...any) (rating.Entry, error) {
	var e rating.Entry
	var at int64
	err := scan(append(before, &e.Extension, &e.Username, &e.Seq, &e.Kind, &e.Amount, &e.Before, &e.After, &at, &e.Ref, &e.By, &e.Note)...)
	e.At = instant(at)
	return e, err
}
