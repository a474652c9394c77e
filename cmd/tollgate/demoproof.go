package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// proof compares three records of the same calls that know nothing of each other: the ledger's journal, the call
// records, and what the carriers saw.
type proof struct {
	calls, answered, cut, refused int
	charged                       rating.Money
	verdict                       verdict
	faults                        []string
}

// clockSlack is how far two records of one call may be apart: they see the same messages at different instants.
const clockSlack = 1 // second

func (p proof) reconciled() bool { return p.verdict.Proved && len(p.faults) == 0 }

func (p *proof) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// prove waits until every call is in the archive and compares.
func (w *world) prove(ctx context.Context, calls []played) (p proof, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordLimit+w.app.ledger.TouchEvery())
	defer cancel()
	rows := map[string]siptest.Row{}
	for _, carrier := range w.carriers {
		list, _ := carrier.Record()
		for _, r := range list {
			if r.Answered() {
				rows[r.CallID] = r
			}
		}
	}
	for _, c := range calls {
		record, err := w.record(ctx, c.callID)
		if err != nil {
			p.fault("the call of %s to %s has no record: %v", c.who.name, c.number, err)
			continue
		}
		p.add(record)
		if record.Disposition == rating.Answered {
			p.compare(record, rows)
		}
	}
	for id, r := range rows {
		p.fault("a carrier answered a call to %s (%s) that has no record", r.Number, id)
	}
	if p.verdict, err = (auditor{w.app.ledger, w.app.archive, w.app.catalog}).audit(ctx); err != nil {
		return p, fmt.Errorf("the money could not be checked: %w", err)
	}
	if p.charged != p.verdict.Charged {
		p.fault("the call records add up to %s, the journal to %s", p.charged, p.verdict.Charged)
	}
	return p, nil
}

// add counts a call; answered are those that talked and were not cut.
func (p *proof) add(c rating.CDR) {
	p.calls++
	p.charged += c.Cost
	switch {
	case c.Disposition == rating.Rejected:
		p.refused++
	case c.EndedBy == rating.ByCredit:
		p.cut++
	case c.Disposition == rating.Answered:
		p.answered++
	}
}

// compare takes the carrier's row of a call away; what is left in the end has no record.
func (p *proof) compare(c rating.CDR, rows map[string]siptest.Row) {
	r, ok := rows[c.CallIDB]
	delete(rows, c.CallIDB)
	if !ok {
		p.fault("no carrier saw the call %s to %s", c.ID, c.Dialled)
		return
	}
	if d := r.Seconds() - c.Duration; d > clockSlack || d < -clockSlack {
		p.fault("the call %s to %s lasted %d s for the carrier and %d s on the bill", c.ID, c.Dialled, r.Seconds(), c.Duration)
	}
	if r.Live() {
		p.fault("the call %s to %s is still up at the carrier", c.ID, c.Dialled)
	}
}

// record waits for the CDR of a call by the Call-ID of its caller.
func (w *world) record(ctx context.Context, callID string) (rating.CDR, error) {
	for {
		for c, err := range w.app.archive.AllCalls(ctx, rating.CallQuery{}) {
			if err != nil {
				return rating.CDR{}, err
			}
			if c.CallIDA == callID {
				return c, nil
			}
		}
		select {
		case <-ctx.Done():
			return rating.CDR{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p proof) print(out io.Writer) {
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintf(out, "\n%d calls: %d answered, %d cut, %d refused; charged %s\n", p.calls, p.answered, p.cut, p.refused, p.charged)
	fmt.Fprintf(out, "ledger: %d accounts, %d journal lines, balances %s, held %s, audit %s\n", p.verdict.Accounts, p.verdict.Entries, p.verdict.Balance, p.verdict.Held, yes[p.verdict.Proved])
	for _, d := range p.verdict.Differences {
		fmt.Fprintln(out, "  "+explainDifference(d))
	}
	for _, f := range p.faults {
		fmt.Fprintln(out, "  "+f)
	}
	if p.reconciled() {
		fmt.Fprintln(out, "ledger, call records and the carriers' own record agree to the last micro-unit")
	}
	fmt.Fprintf(out, "RESULT calls=%d answered=%d cut=%d refused=%d charged=%s reconciled=%s\n", p.calls, p.answered, p.cut, p.refused, p.charged, map[bool]string{true: "yes", false: "no"}[p.reconciled()])
}
