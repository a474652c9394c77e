package archive

import (
	"context"
	"iter"

	"tollgate/rating"
)

// line is a journal line with the number under which it was filed.
type line struct {
	n int64
	rating.Entry
}

// Recharges returns a page of the recharge history, which is every journal line that is no charge, and how many lines
// all pages have. An impossible query is rating.Invalid.
func (a *Archive) Recharges(ctx context.Context, q rating.EntryQuery) (page []rating.Entry, total int64, err error) {
	offset, limit, err := bounds(q.Paging)
	if err != nil {
		return nil, 0, err
	}
	sort, err := checkEntries(q)
	if err != nil {
		return nil, 0, err
	}
	err = a.view(ctx, func(s *session) error {
		c := historyOf(q)
		if _, err := s.one([]any{&total}, "SELECT COUNT(*) FROM entries e"+c.String(), c.args...); err != nil {
			return err
		}
		lines, err := s.history(c, sort, offset, limit)
		for _, l := range lines {
			page = append(page, l.Entry)
		}
		return err
	})
	return page, total, err
}

// AllRecharges gives the whole history that q selects, in its order, without pages, as it is when the first line is read.
func (a *Archive) AllRecharges(ctx context.Context, q rating.EntryQuery) iter.Seq2[rating.Entry, error] {
	sort, err := checkEntries(q)
	if err != nil {
		return failing[rating.Entry](err)
	}
	upTo := int64(-1)
	return portions(portionSize, func(last *key) (list []rating.Entry, next key, err error) {
		c := historyOf(q)
		if last != nil {
			c.where("e.at "+sort.beyond()+"= %s", last.value) // where the index goes on; the key is of the row
			c.where("(e.at, e.n) "+sort.beyond()+" (%s, %s)", last.value, last.n)
		}
		err = a.view(ctx, func(s *session) error {
			if upTo < 0 {
				if upTo, err = s.last("entries"); err != nil {
					return err
				}
			}
			c.where("e.n <= %s", upTo)
			lines, err := s.history(c, sort, 0, portionSize)
			for _, l := range lines {
				list, next = append(list, l.Entry), key{l.At.UnixMicro(), l.n}
			}
			return err
		})
		return list, next, err
	})
}

func checkEntries(q rating.EntryQuery) (order, error) {
	if err := checkKeyword(q.Q); err != nil {
		return order{}, err
	}
	return orderOf(q.Sort, "at")
}

func historyOf(q rating.EntryQuery) *conditions {
	c := &conditions{terms: []string{"e.kind <> 'charge'"}} // as the index entries_history says it
	from, to := instants(q.Period)
	c.where("e.at >= %s AND e.at < %s", from, to)
	if k := keywordOf(q.Q); k != "" {
		c.where("+e.party IN "+matching, string(k))
	}
	return c
}

func (s *session) history(c *conditions, sort order, offset, limit int64) (list []line, err error) {
	text := "SELECT e.n, " + entryColumns + " FROM (SELECT e.n FROM entries e" + c.String() + sort.by("e.") +
		" LIMIT " + c.arg(limit) + " OFFSET " + c.arg(offset) + ") k JOIN entries e ON e.n = k.n JOIN parties p ON p.id = e.party" + sort.by("e.")
	err = s.each(func(scan func(...any) error) (err error) {
		var l line
		l.Entry, err = scanEntry(scan, &l.n)
		list = append(list, l)
		return err
	}, text, c.args...)
	return list, err
}
