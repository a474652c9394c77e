package archive

import (
	"slices"

	"tollgate/rating"
)

// maxUnmatched bounds how many calls are named per account; one is enough to fail an audit.
const maxUnmatched = 20

// Books are what the records of one account add up to.
type Books struct {
	Journal rating.JournalSum
	Calls   rating.CallSum
}

// AddTail adds journal lines that follow those summed up. Lines that are in the sum already are passed over, so a tail
// may begin too early.
func AddTail(sum rating.JournalSum, entries ...rating.Entry) rating.JournalSum {
	for _, e := range entries {
		if e.Seq <= sum.LastSeq {
			continue
		}
		if e.Before != sum.After || e.Before+e.Amount != e.After {
			sum.Breaks++
		}
		sum.Entries, sum.LastSeq = sum.Entries+1, e.Seq
		sum.Amount += e.Amount
		sum.After = e.After
		switch e.Kind {
		case rating.ChargeEntry:
			sum.Charged -= e.Amount
		case rating.RechargeEntry:
			sum.Recharged += e.Amount
		case rating.PaymentTypeEntry, rating.ClosingEntry:
			sum.Recharged = 0
		}
	}
	return sum
}

// Add adds a record that may still be in the outbox to the books of its account: the journal line, and the CDR that
// comes with it. Lines that are in the books already, and those beyond upTo, are passed over.
func (ev Evidence) Add(f rating.Filed, upTo int64) {
	if f.Entry == nil {
		return
	}
	if ev.Books[f.Entry.Extension] == nil {
		ev.Books[f.Entry.Extension] = &Books{}
	}
	ev.Books[f.Entry.Extension].add(f, upTo)
}

func (b *Books) add(f rating.Filed, upTo int64) {
	if f.Entry.Seq <= b.Journal.LastSeq || f.Entry.Seq > upTo {
		return
	}
	b.Journal = AddTail(b.Journal, *f.Entry)
	b.match(*f.Entry, f.CDR)
}

// match counts the CDR that was filed with a journal line, and notes where the two are not one call of one amount.
func (b *Books) match(e rating.Entry, c *rating.CDR) {
	if c != nil {
		b.Calls.Calls++
		b.Calls.Cost += c.Cost
	}
	switch {
	case e.Kind != rating.ChargeEntry && c == nil:
	case e.Kind != rating.ChargeEntry:
		b.unmatched(c.ID)
	case c == nil || string(c.ID) != e.Ref || c.Extension != e.Extension || c.Cost != -e.Amount:
		b.unmatched(rating.CallID(e.Ref))
	}
}

func (b *Books) unmatched(id rating.CallID) {
	if len(b.Calls.Unmatched) < maxUnmatched && !slices.Contains(b.Calls.Unmatched, id) {
		b.Calls.Unmatched = append(b.Calls.Unmatched, id)
	}
}
