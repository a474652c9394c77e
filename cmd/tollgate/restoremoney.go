package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tollgate/rating"
	"tollgate/rating/archive"
	"tollgate/rating/auditlog"
	"tollgate/rating/backup"
	"tollgate/rating/catalog"
	"tollgate/rating/ledger"
)

// How far back a restore remembers: idempotency keys as long as the ledger does, spending as long as limits may ask for it.
const (
	restorePayments = 30 * 24 * time.Hour
	restoreSpending = 9 * 24 * time.Hour
)

// putStore writes what operators edit, and takes the requests of recharges to compare with the journal.
func (r *restorer) putStore(ctx context.Context) error {
	r.requests = make(map[string]rating.Recharge)
	if r.flags.fromArchive {
		return r.catalogFromSnapshot(ctx)
	}
	file, err := os.Open(filepath.Join(r.from, backupStore))
	if err != nil {
		return err
	}
	defer file.Close()
	return backup.Load(ctx, r.store.Client, file, r.takeRequest)
}

// takeRequest keeps the request of a recharge out of the store: it is written when the journal says what came of it.
func (r *restorer) takeRequest(record backup.Record) (bool, error) {
	if !ours(record.Key) {
		return false, fmt.Errorf("key %s is not Tollgate's", record.Key)
	}
	if !isIntent(record.Key) {
		return false, nil
	}
	for i := 0; i+1 < len(record.Values); i += 2 {
		if record.Values[i] == "body" {
			request, err := ledger.IntentBody(record.Values[i+1])
			if err != nil {
				return true, err
			}
			r.requests[request.Key] = request
		}
	}
	return true, nil
}

// putMoney rebuilds the money from the journal in the archive.
func (r *restorer) putMoney(ctx context.Context) error {
	drain := &archive.Drain{Outbox: &outbox{Ledger: r.ledger, audits: auditlog.New(r.store.Client)}, Archive: r.archive}
	steps := []func(context.Context) error{
		drain.Flush, // what the outbox of the backup holds becomes part of the journal
		r.continueOutbox, r.catalog.Refresh, r.putAccounts, r.endCalls, r.putPayments, r.closeAbandoned, drain.Flush,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	_, err := r.catalog.AdoptArchive(ctx, r.archive.ID())
	return err
}

// continueOutbox makes new records follow what the archive has, also where the clock of this store is behind.
func (r *restorer) continueOutbox(ctx context.Context) error {
	positions, err := r.archive.Positions(ctx)
	if err != nil {
		return err
	}
	for shard, position := range positions {
		if shard == rating.AuditShard {
			err = auditlog.New(r.store.Client).Continue(ctx, position)
		} else {
			err = r.ledger.Continue(ctx, shard, position)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putAccounts writes every account that the journal or the catalog knows, with the calls that were up.
func (r *restorer) putAccounts(ctx context.Context) error {
	accounts, err := r.archive.Balances(ctx, time.Now().Add(-restoreSpending))
	if err != nil {
		return err
	}
	if r.flags.fromArchive {
		if err := r.addMissing(ctx, accounts); err != nil {
			return err
		}
	}
	calls, err := r.callsStillUp(ctx)
	if err != nil {
		return err
	}
	for _, e := range r.catalog.Extensions() {
		if accounts[e.Number] == nil {
			accounts[e.Number] = &rating.Restored{Account: rating.Account{Extension: e.Number}}
		}
		a := accounts[e.Number]
		a.Terms, a.TermsVersion, a.Username, a.Closed = e.Terms, e.Version, e.Username, false
	}
	for extension, a := range accounts {
		a.Calls = calls[extension]
		if err := r.ledger.Restore(ctx, *a); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.out, "%d accounts written as the journal says\n", len(accounts))
	return nil
}

// callsStillUp are the calls of the backup that had not ended at its moment, by extension; the others are removed.
func (r *restorer) callsStillUp(ctx context.Context) (map[string][]rating.CallID, error) {
	up := make(map[string][]rating.CallID)
	calls, err := r.ledger.Calls(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range calls {
		_, err := r.archive.Call(ctx, c.Call)
		switch {
		case errors.Is(err, rating.ErrNotFound):
			up[c.Extension] = append(up[c.Extension], c.Call)
		case err == nil:
			err = r.ledger.Forget(ctx, c.Call)
			fallthrough
		default:
			if err != nil {
				return nil, err
			}
		}
	}
	return up, nil
}

// endCalls ends what was up: the phones and trunks of those calls are long gone.
func (r *restorer) endCalls(ctx context.Context) error {
	ended, err := r.ledger.EndCalls(ctx)
	if ended > 0 {
		fmt.Fprintf(r.out, "%d calls that were up are ended\n", ended)
	}
	return err
}

// putPayments writes the idempotency keys of the recharges that the journal has, and finishes a batch that was cut in two.
func (r *restorer) putPayments(ctx context.Context) error {
	paid := make(map[string]*rating.Applied)
	err := r.archive.Payments(ctx, time.Now().Add(-restorePayments), func(e rating.Entry) {
		if e.Ref == "" {
			return
		}
		a := paid[e.Ref]
		if a == nil {
			request, known := r.requests[e.Ref]
			if !known {
				request = rating.Recharge{Key: e.Ref, Amount: e.Amount, Note: e.Note, By: e.By, At: e.At}
			}
			a = &rating.Applied{Recharge: request}
			paid[e.Ref] = a
		}
		if _, known := r.requests[e.Ref]; !known {
			a.Payees = append(a.Payees, rating.Payee{Extension: e.Extension, Username: e.Username})
		}
		a.Receipts = append(a.Receipts, rating.Receipt{Extension: e.Extension, Username: e.Username, Before: e.Before, Amount: e.Amount, After: e.After, At: e.At})
	})
	if err != nil {
		return err
	}
	for _, a := range paid {
		if err := r.ledger.Remember(ctx, *a); err != nil {
			return err
		}
	}
	for {
		finished, err := r.ledger.FinishIntents(ctx)
		if err != nil || finished == 0 {
			return err
		}
	}
}

// closeAbandoned closes accounts whose extension is not there any more: it was deleted while the backup was made.
func (r *restorer) closeAbandoned(ctx context.Context) error {
	var abandoned []rating.Account
	err := r.ledger.EachAccount(ctx, func(page []rating.Account) error {
		for _, a := range page {
			if _, ok := r.catalog.Current().Extension(a.Extension); !ok && !a.Closed {
				abandoned = append(abandoned, a)
			}
		}
		return nil
	})
	for _, a := range abandoned {
		err = errors.Join(err, r.ledger.Close(ctx, a.Extension, a.TermsVersion, "restore"))
	}
	return err
}

// catalogFromSnapshot writes what the last snapshot on the disk says.
func (r *restorer) catalogFromSnapshot(ctx context.Context) error {
	d, err := catalog.SnapshotDocuments(filepath.Join(r.dir, "snapshot.json"))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(r.out, "there is no snapshot.json: rates, trunks, dial rules and settings must be entered anew")
		d, err = catalog.NothingYet(), nil
	}
	if err != nil {
		return err
	}
	return r.catalog.Restore(ctx, d)
}

// addMissing adds an extension for every open account that the snapshot does not know.
func (r *restorer) addMissing(ctx context.Context, accounts map[string]*rating.Restored) error {
	var missing []rating.Extension
	for number, a := range accounts {
		if _, ok := r.catalog.Current().Extension(number); ok || a.Closed {
			continue
		}
		e := rating.NewExtension(number)
		e.Username, e.BillingEnabled, e.PaymentType = a.Username, true, a.PaymentType
		missing = append(missing, e)
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintf(r.out, "%d extensions are known from their journal alone\n", len(missing))
	if err := r.catalog.RestoreExtensions(ctx, missing); err != nil {
		return err
	}
	return r.catalog.Refresh(ctx)
}
