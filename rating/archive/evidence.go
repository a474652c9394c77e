package archive

import (
	"context"
	"maps"
	"math"
	"slices"

	"tollgate/rating"
)

// Evidence is what the archive knows of everybody's money, all at one moment.
type Evidence struct {
	Books       map[string]*Books // by extension; rating.AllExtensions has the sums over all days and calls
	Positions   map[int]string    // up to where each shard of the outbox is archived
	Quarantined int64             // records that could not be filed
}

// Evidence adds up the books of every account. upTo names the last journal line to take of an extension; those that
// it does not name are taken whole. Ask the ledger for its accounts and its outbox first and the archive second, with
// the accounts' last lines: then every line up to them is in one of the two, or in both.
func (a *Archive) Evidence(ctx context.Context, upTo map[string]int64) (Evidence, error) {
	ev := Evidence{Books: make(map[string]*Books)}
	err := a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		w := witness{s, ev.Books, upTo, make(map[int64]string)}
		for _, step := range []func() error{w.parties, w.journal, w.orphans, w.costs,
			func() error { return w.sums(e) }, func() error { return w.total(e) }} {
			if err := step(); err != nil {
				return err
			}
		}
		if _, err := s.one([]any{&ev.Quarantined}, `SELECT COUNT(*) FROM quarantine`); err != nil {
			return err
		}
		ev.Positions, err = s.positions()
		return err
	})
	return ev, err
}

// witness gathers evidence within one transaction.
type witness struct {
	session *session
	books   map[string]*Books
	upTo    map[string]int64
	names   map[int64]string // extension of each party
}

func (w witness) of(extension string) *Books {
	if w.books[extension] == nil {
		w.books[extension] = &Books{}
	}
	return w.books[extension]
}

// limit is the last line to take of an extension.
func (w witness) limit(extension string) int64 {
	if limit, ok := w.upTo[extension]; ok {
		return limit
	}
	return math.MaxInt64
}

func (w witness) parties() error {
	return w.session.each(func(scan func(...any) error) error {
		var id int64
		var extension string
		err := scan(&id, &extension)
		w.names[id] = extension
		return err
	}, `SELECT id, extension FROM parties`)
}

// journalLines reads journal lines, each with the CDR that was filed under the same number.
const journalLines = `SELECT e.extension, e.seq, e.kind, e.amount, e.pre_balance, e.post_balance, e.ref, c.id, c.party, c.cost
 FROM entries e LEFT JOIN cdrs c ON c.n = e.n`

// journal walks through all lines in the order in which they were filed, which is the fastest, and is the order of
// each account's lines too; accounts for which it was not are walked through once more by themselves.
func (w witness) journal() error {
	disordered := make(map[string]bool)
	err := w.walk(func(e rating.Entry, b *Books) bool {
		if e.Seq <= b.Journal.LastSeq {
			disordered[e.Extension] = true
		}
		return !disordered[e.Extension]
	}, journalLines+` ORDER BY e.n`)
	if err != nil {
		return err
	}
	for extension := range disordered {
		*w.of(extension) = Books{}
		all := func(rating.Entry, *Books) bool { return true }
		if err := w.walk(all, journalLines+` WHERE e.extension = ?1 ORDER BY e.seq`, extension); err != nil {
			return err
		}
	}
	return nil
}

// walk adds the lines of a query to the books, if take agrees.
func (w witness) walk(take func(rating.Entry, *Books) bool, text string, args ...any) error {
	var e rating.Entry
	var id *string
	var party *int64
	var cost *rating.Money
	return w.session.each(func(scan func(...any) error) error {
		if err := scan(&e.Extension, &e.Seq, &e.Kind, &e.Amount, &e.Before, &e.After, &e.Ref, &id, &party, &cost); err != nil {
			return err
		}
		b := w.of(e.Extension)
		if e.Seq > w.limit(e.Extension) || !take(e, b) {
			return nil
		}
		var c *rating.CDR
		if id != nil && party != nil && cost != nil {
			c = &rating.CDR{ID: rating.CallID(*id), Extension: w.names[*party], Cost: *cost}
		}
		b.Journal = AddTail(b.Journal, e)
		b.match(e, c)
		return nil
	}, text, args...)
}

// orphans finds CDRs that were filed with a journal line and have none, and such as cost money without one.
func (w witness) orphans() error {
	return w.session.each(func(scan func(...any) error) error {
		var id rating.CallID
		var party int64
		err := scan(&id, &party)
		w.of(w.names[party]).unmatched(id)
		return err
	}, `SELECT c.id, c.party FROM cdrs c LEFT JOIN entries e ON e.n = c.n
 WHERE (c.charged = 1 AND e.n IS NULL) OR (c.charged = 0 AND (c.cost <> 0 OR e.n IS NOT NULL))`)
}

// costs adds up what all archived calls of each extension cost.
func (w witness) costs() error {
	return w.session.each(func(scan func(...any) error) error {
		var party int64
		var cost rating.Money
		err := scan(&party, &cost)
		w.of(w.names[party]).Calls.ArchivedIn += cost
		w.of(rating.AllExtensions).Calls.ArchivedIn += cost
		return err
	}, `SELECT party, SUM(cost) FROM cdrs GROUP BY party`)
}

// sums adds up what the daily sums of each extension say.
func (w witness) sums(e era) error {
	return w.session.each(func(scan func(...any) error) error {
		var party int64
		var cost rating.Money
		err := scan(&party, &cost)
		w.of(w.names[party]).Calls.RolledUp += cost
		return err
	}, `SELECT party, SUM(cost) FROM roll_ext WHERE generation = ?1 GROUP BY party`, e.generation)
}

// total adds up what the sums of the days say of all extensions together.
func (w witness) total(e era) error {
	_, err := w.session.one([]any{&w.of(rating.AllExtensions).Calls.RolledUp}, `SELECT COALESCE(SUM(cost), 0) FROM roll_day WHERE generation = ?1`, e.generation)
	return err
}

// Of is the evidence on an account of the ledger; add what is in its outbox still.
func (ev Evidence) Of(account rating.Account) rating.Evidence {
	e := rating.Evidence{Account: account}
	if b := ev.Books[account.Extension]; b != nil {
		e.Journal, e.Calls = b.Journal, b.Calls
	}
	return e
}

// Others is the evidence that goes with no account of the ledger: the sums over all extensions, and the books of
// extensions that the ledger does not have, as if of an empty account.
func (ev Evidence) Others(known func(extension string) bool) []rating.Evidence {
	var others []rating.Evidence
	for _, extension := range slices.Sorted(maps.Keys(ev.Books)) {
		if !known(extension) {
			others = append(others, ev.Of(rating.Account{Extension: extension}))
		}
	}
	return others
}
