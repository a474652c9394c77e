package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/catalog"
	"tollgate/rating/ledger"
)

// auditor gathers the evidence of all accounts from the ledger, its outbox, the archive and the catalog, and lets
// rating.Reconcile judge it. It only reads, and works beside a running system: a balance is compared with the journal
// up to the line that the balance was read at, and what looks wrong is looked at again in a moment of rest.
type auditor struct {
	ledger  *ledger.Ledger
	archive *archive.Archive
	catalog *catalog.Catalog
}

// verdict is what an audit found.
type verdict struct {
	CheckedAt   time.Time           `json:"checked_at"`
	Proved      bool                `json:"proved"`
	Accounts    int                 `json:"accounts"`
	Entries     int64               `json:"entries"` // journal lines
	Calls       int64               `json:"calls"`   // CDRs with a journal line
	ActiveCalls int                 `json:"active_calls"`
	Balance     rating.Money        `json:"balance"` // Σ of all accounts
	Held        rating.Money        `json:"held"`
	Charged     rating.Money        `json:"charged"`
	Quarantined int64               `json:"quarantined"` // records that could not be read or filed
	Differences []rating.Difference `json:"differences"`
}

const (
	outboxPage   = 1000
	restAttempts = 60 // how often an account is looked at again before what is found counts
	restPause    = 50 * time.Millisecond
)

// audit proves the money of everybody, or says what does not add up. An error means that it could not be checked.
func (a auditor) audit(ctx context.Context) (verdict, error) {
	if err := a.catalog.Refresh(ctx); err != nil {
		return verdict{}, fmt.Errorf("read the catalog: %w", err)
	}
	accounts, err := a.accounts(ctx)
	if err != nil {
		return verdict{}, err
	}
	holds, err := a.holds(ctx)
	if err != nil {
		return verdict{}, err
	}
	books, err := a.books(ctx, accounts)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{CheckedAt: time.Now().UTC(), Accounts: len(accounts), Quarantined: books.Quarantined, Differences: []rating.Difference{}}
	for extension, account := range accounts {
		evidence := a.evidence(account, holds[extension], books)
		v.add(evidence)
		if len(rating.Reconcile(evidence, v.CheckedAt)) == 0 {
			continue
		}
		found, err := a.judgeAtRest(ctx, extension)
		if err != nil {
			return verdict{}, err
		}
		v.Differences = append(v.Differences, found...)
	}
	known := func(extension string) bool { _, ok := accounts[extension]; return ok }
	for _, evidence := range books.Others(known) {
		v.Differences = append(v.Differences, rating.Reconcile(evidence, v.CheckedAt)...)
	}
	v.Differences = append(v.Differences, ownerless(known, holds)...)
	if books.Quarantined > 0 {
		v.Differences = append(v.Differences, rating.Difference{Law: "records", Detail: "the archive could not file some records of the outbox", Want: "0", Have: fmt.Sprint(books.Quarantined)})
	}
	slices.SortStableFunc(v.Differences, func(x, y rating.Difference) int { return cmp.Compare(x.Extension, y.Extension) })
	v.Proved = len(v.Differences) == 0
	return v, nil
}

func (v *verdict) add(e rating.Evidence) {
	v.Entries += e.Journal.Entries
	v.Calls += e.Calls.Calls
	v.ActiveCalls += len(e.Holds)
	v.Balance += e.Account.Balance
	v.Held += e.Account.Held
	v.Charged += e.Journal.Charged
}

// evidence is everything known about one account.
func (a auditor) evidence(account rating.Account, holds []rating.Hold, books archive.Evidence) rating.Evidence {
	e := books.Of(account)
	e.Holds = holds
	if extension, ok := a.catalog.Current().Extension(account.Extension); ok {
		e.Terms = &extension.Terms
	}
	return e
}

// judgeAtRest looks at an account again until nothing moved while its holds were read, and at last counts what is found.
func (a auditor) judgeAtRest(ctx context.Context, extension string) (found []rating.Difference, err error) {
	for attempt := range restAttempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(restPause):
			}
		}
		if err := a.catalog.Refresh(ctx); err != nil {
			return nil, err
		}
		before, err := a.ledger.Account(ctx, extension)
		if err != nil {
			return nil, err
		}
		holds, err := a.holds(ctx)
		if err != nil {
			return nil, err
		}
		after, err := a.ledger.Account(ctx, extension)
		if err != nil {
			return nil, err
		}
		if before != after {
			continue
		}
		books, err := a.books(ctx, map[string]rating.Account{extension: after})
		if err != nil {
			return nil, err
		}
		if found = rating.Reconcile(a.evidence(after, holds[extension], books), time.Now()); len(found) == 0 || attempt >= restAttempts/10 {
			return found, nil
		}
	}
	return append(found, rating.Difference{Extension: extension, Law: "rest", Detail: "the account never stood still while it was looked at; audit again when it is less busy"}), nil
}

func (a auditor) accounts(ctx context.Context) (map[string]rating.Account, error) {
	accounts := map[string]rating.Account{}
	err := a.ledger.EachAccount(ctx, func(page []rating.Account) error {
		for _, account := range page {
			accounts[account.Extension] = account
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	return accounts, nil
}

// holds returns the running calls that hold something of an account, by extension.
func (a auditor) holds(ctx context.Context) (map[string][]rating.Hold, error) {
	holds := map[string][]rating.Hold{}
	err := a.ledger.EachCall(ctx, func(page []rating.Hold) error {
		for _, h := range page {
			holds[h.Extension] = append(holds[h.Extension], h)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the running calls: %w", err)
	}
	return holds, nil
}

// books adds up outbox and archive, for each account up to its own last line. The outbox is read first: what leaves it
// meanwhile is in the archive by then.
func (a auditor) books(ctx context.Context, accounts map[string]rating.Account) (archive.Evidence, error) {
	upTo := make(map[string]int64, len(accounts))
	for extension, account := range accounts {
		upTo[extension] = account.Seq
	}
	tail, err := a.outbox(ctx)
	if err != nil {
		return archive.Evidence{}, fmt.Errorf("read the outbox: %w", err)
	}
	books, err := a.archive.Evidence(ctx, upTo)
	if err != nil {
		return archive.Evidence{}, fmt.Errorf("read the archive: %w", err)
	}
	for _, f := range tail {
		if f.Entry == nil {
			continue
		}
		if limit, ok := upTo[f.Entry.Extension]; ok {
			books.Add(f, limit)
		}
	}
	return books, nil
}

// outbox reads what the archive has not taken yet.
func (a auditor) outbox(ctx context.Context) ([]rating.Filed, error) {
	var tail []rating.Filed
	for shard := range rating.Shards {
		for after := ""; ; {
			page, err := a.ledger.Read(ctx, shard, after, outboxPage)
			if err != nil {
				return nil, err
			}
			tail = append(tail, page...)
			if len(page) < outboxPage {
				break
			}
			after = page[len(page)-1].Position
		}
	}
	return tail, nil
}

// ownerless finds holds of extensions that have no account: only an emergency call may be without one, and it holds
// nothing.
func ownerless(known func(string) bool, holds map[string][]rating.Hold) []rating.Difference {
	var found []rating.Difference
	for extension, list := range holds {
		for _, h := range list {
			if !known(extension) && h.Amount != 0 {
				found = append(found, rating.Difference{Extension: extension, Law: "held", Detail: "call " + string(h.Call) + " holds money of an account that is not there", Want: "0.0000", Have: h.Amount.String()})
			}
		}
	}
	return found
}
