package archive

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

// Balances returns every account as the journal says that it is: balance, number of the last line, total recharges, the
// name it went by last, what the calls of the days since then have cost. Terms follow the last payment_type line where there
// is one; Closed where the last line is a closing one.
func (a *Archive) Balances(ctx context.Context, since time.Time) (map[string]*rating.Restored, error) {
	ev, err := a.Evidence(ctx, nil)
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]*rating.Restored, len(ev.Books))
	for extension, books := range ev.Books {
		if books.Journal.Entries == 0 {
			continue // it has calls and no money
		}
		r := &rating.Restored{Account: rating.Account{Extension: extension, Balance: books.Journal.Amount, TotalRecharges: books.Journal.Recharged, Seq: books.Journal.LastSeq}}
		r.Terms = rating.NewExtension(extension).Terms
		accounts[extension] = r
	}
	err = a.view(ctx, func(s *session) error {
		if err := s.lastWords(accounts); err != nil {
			return err
		}
		return a.spending(s, accounts, since)
	})
	return accounts, err
}

// lastWords adds what the last lines of each account say beside the money.
func (s *session) lastWords(accounts map[string]*rating.Restored) error {
	err := s.each(func(scan func(...any) error) error {
		var extension, ref, note string
		var kind rating.Kind
		var seq int64
		if err := scan(&extension, &seq, &kind, &ref, &note); err != nil {
			return err
		}
		r := accounts[extension]
		if r == nil {
			return nil
		}
		switch kind {
		case rating.OpeningEntry:
			r.Opened = ref
		case rating.PaymentTypeEntry:
			r.PaymentType = rating.PaymentType(note)
		case rating.ClosingEntry:
			r.Opened, r.PaymentType, r.Closed = "", rating.Prepaid, seq == r.Seq
		}
		return nil
	}, `SELECT extension, seq, kind, ref, note FROM entries WHERE kind IN ('opening', 'payment_type', 'closing') ORDER BY extension, seq`)
	if err != nil {
		return err
	}
	return s.each(func(scan func(...any) error) error {
		var extension, username string
		err := scan(&extension, &username)
		if r := accounts[extension]; r != nil {
			r.Username = username
		}
		return err
	}, `SELECT e.extension, p.username FROM entries e JOIN parties p ON p.id = e.party
 JOIN (SELECT extension, MAX(seq) AS last FROM entries GROUP BY extension) newest ON newest.extension = e.extension AND newest.last = e.seq`)
}

// spending adds what the calls of recent days have cost.
func (a *Archive) spending(s *session, accounts map[string]*rating.Restored, since time.Time) error {
	e, err := a.era(s)
	if err != nil {
		return err
	}
	return s.each(func(scan func(...any) error) error {
		var extension string
		var day int
		var cost rating.Money
		if err := scan(&extension, &day, &cost); err != nil {
			return err
		}
		if r := accounts[extension]; r != nil {
			r.Spent = append(r.Spent, rating.Spent{Day: fmt.Sprintf("%04d-%02d-%02d", day/10000, day/100%100, day%100), Amount: cost})
		}
		return nil
	}, `SELECT p.extension, r.day, SUM(r.cost) FROM roll_ext r JOIN parties p ON p.id = r.party
 WHERE r.generation = ?1 AND r.day >= ?2 AND r.cost > 0 GROUP BY p.extension, r.day ORDER BY p.extension, r.day`, e.generation, e.calendar.day(since.UnixMicro()))
}

// Payments calls f with the recharges and adjustments filed since a moment, in the order of their filing.
func (a *Archive) Payments(ctx context.Context, since time.Time, f func(rating.Entry)) error {
	return a.view(ctx, func(s *session) error {
		return s.each(func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			if err == nil {
				f(e)
			}
			return err
		}, `SELECT `+entryColumns+` FROM entries e JOIN parties p ON p.id = e.party
 WHERE e.at >= ?1 AND e.kind IN ('recharge', 'adjustment') ORDER BY e.n`, since.UnixMicro())
	})
}
