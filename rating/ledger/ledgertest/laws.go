package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"tollgate/rating"
	"tollgate/rating/ledger"
)

// readBatch is how many records are read at once.
const readBatch = 1000

// outbox returns all records of all shards. It fails the test where one cannot be read.
func outbox(t testing.TB, l *ledger.Ledger) []rating.Filed {
	t.Helper()
	var all []rating.Filed
	for shard := range rating.Shards {
		for after := ""; ; {
			page, err := l.Read(t.Context(), shard, after, readBatch)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				if f.Bad != "" {
					t.Errorf("record %s of shard %d: %s: %s", f.Position, shard, f.Bad, f.Raw)
				}
				after = f.Position
			}
			all = append(all, page...)
			if len(page) < readBatch {
				break
			}
		}
	}
	return all
}

// Laws proves the money of every account in the store to the micro-unit, from an outbox that was never trimmed:
// balance = Σ journal, no gap in its numbers, one journal line and one CDR per settled call with the same amount, what
// is held is what running calls hold, nothing beyond credit. Nobody may be at work meanwhile.
func Laws(t testing.TB, l *ledger.Ledger) {
	t.Helper()
	evidence := gather(t, l)
	err := l.EachAccount(t.Context(), func(page []rating.Account) error {
		for _, a := range page {
			e := evidence[a.Extension]
			if e == nil {
				e = &rating.Evidence{}
			}
			e.Account = a
			for _, d := range rating.Reconcile(*e, time.Now()) {
				t.Errorf("%s: %s: %s: want %s, have %s", d.Extension, d.Law, d.Detail, d.Want, d.Have)
			}
			if a.Available() < 0 {
				t.Errorf("%s: available is %s", a.Extension, a.Available())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func gather(t testing.TB, l *ledger.Ledger) map[string]*rating.Evidence {
	t.Helper()
	all := make(map[string]*rating.Evidence)
	of := func(extension string) *rating.Evidence {
		if all[extension] == nil {
			all[extension] = &rating.Evidence{}
		}
		return all[extension]
	}
	calls, err := l.Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range calls {
		of(h.Extension).Holds = append(of(h.Extension).Holds, h)
	}
	seen := make(map[rating.CallID]bool)
	for _, f := range outbox(t, l) {
		if f.CDR != nil {
			if seen[f.CDR.ID] {
				t.Errorf("call %s has two records", f.CDR.ID)
			}
			seen[f.CDR.ID] = true
		}
		if f.Entry == nil {
			continue
		}
		e := of(f.Entry.Extension)
		addLine(&e.Journal, *f.Entry)
		if f.CDR != nil {
			addCall(&e.Calls, *f.Entry, *f.CDR)
		}
	}
	return all
}

func addLine(sum *rating.JournalSum, e rating.Entry) {
	if e.Seq != sum.LastSeq+1 || e.Before != sum.After || e.Before+e.Amount != e.After {
		sum.Breaks++
	}
	sum.Entries, sum.LastSeq, sum.Amount, sum.After = sum.Entries+1, e.Seq, sum.Amount+e.Amount, e.After
	switch e.Kind {
	case rating.ChargeEntry:
		sum.Charged -= e.Amount
	case rating.RechargeEntry:
		sum.Recharged += e.Amount
	case rating.PaymentTypeEntry, rating.ClosingEntry:
		sum.Recharged = 0
	}
}

func addCall(sum *rating.CallSum, e rating.Entry, cdr rating.CDR) {
	sum.Calls++
	sum.Cost += cdr.Cost
	if e.Amount != -cdr.Cost || e.Ref != string(cdr.ID) || e.Kind != rating.ChargeEntry {
		sum.Unmatched = append(sum.Unmatched, cdr.ID)
	}
	if cdr.Rate != nil && cdr.Unbilled == nil && cdr.Cost != cdr.Rate.CostOfUnits(cdr.Units) && cdr.AnsweredAt != nil {
		sum.Unmatched = append(sum.Unmatched, rating.CallID(fmt.Sprintf("%s: cost %s of %d units", cdr.ID, cdr.Cost, cdr.Units)))
	}
}
