package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tollgate/rating"
)

// Settle ends a call, once: the cost is debited, the rest of the hold is free again, and one record with journal line
// and CDR goes to the outbox. The ledger charges by the tariff that it stored, and never more than was granted; where
// the call talked beyond that, Duration ends with the grant. Repeating it returns the first result (for two hours).
// rating.ErrNoCall: the ledger does not know the call, or has forgotten it. ErrOwnedElsewhere: another node has taken it
// over, and the settlement is not the BYE of a leg but a decision of this node's.
func (l *Ledger) Settle(ctx context.Context, s rating.Settlement) (rating.Settled, error) {
	settled, err := l.settle(ctx, s)
	if err != nil {
		return settled, fmt.Errorf("settle call %s: %w", s.Call, err)
	}
	return settled, nil
}

func (l *Ledger) settle(ctx context.Context, s rating.Settlement) (rating.Settled, error) {
	extension, err := l.payer(ctx, s.Call, s.CDR.Extension)
	if err != nil {
		return rating.Settled{}, err
	}
	cdr, seconds := finalCDR(s), int64(0)
	cdr.Extension = extension
	if !s.Answered.IsZero() {
		talked := s.Talked
		if talked < 0 {
			talked = s.Ended.Sub(s.Answered)
		}
		seconds = rating.BilledSeconds(talked)
	}
	return l.closeCall(ctx, cdr, l.node(s.Node), seconds, why(s))
}

// Why a call is settled, as the script has it.
const (
	decided  = ""      // by the node: only while the call is its own
	legSaid  = "bye"   // a leg of the answered call
	sweeping = "sweep" // a lapsed lease, and nothing else; the script counts the talk itself
)

func why(s rating.Settlement) string {
	if by := s.CDR.EndedBy; !s.Answered.IsZero() && (by == rating.ByCaller || by == rating.ByCallee) {
		return legSaid
	}
	return decided
}

// finalCDR is the record of a settlement: what the settlement itself says goes before what the CDR left open.
func finalCDR(s rating.Settlement) rating.CDR {
	cdr := s.CDR
	cdr.ID = s.Call
	if cdr.Count == 0 {
		cdr.Count = 1
	}
	cdr.AnsweredAt = nil
	if !s.Answered.IsZero() {
		cdr.AnsweredAt = &s.Answered
	}
	if !s.Ended.IsZero() {
		cdr.EndedAt = &s.Ended
	}
	return cdr
}

func (l *Ledger) closeCall(ctx context.Context, cdr rating.CDR, node string, seconds int64, why string) (rating.Settled, error) {
	call, account, err := keysOfBoth(cdr.ID, cdr.Extension)
	if err != nil {
		return rating.Settled{}, err
	}
	text, err := json.Marshal(boundedCDR(cdr))
	if err != nil {
		return rating.Settled{}, fmt.Errorf("CDR: %w", err)
	}
	r, err := l.run(ctx, settleScript,
		[]string{account.account, call.call, call.blob, leasesKey(call.shard), account.spent, outboxKey(call.shard), nodesKey(call.shard)},
		string(cdr.ID), cdr.Extension, seconds, resultsKept.Milliseconds(), text, why, node)
	if err != nil {
		return rating.Settled{}, err
	}
	return r.settled()
}

// settled reads {OK, seconds, units, cost, balance} or {DONE, "=seconds:units:cost:balance"}.
func (r reply) settled() (rating.Settled, error) {
	if err := r.verdict(); err != nil {
		return rating.Settled{}, err
	}
	var n []int64
	var err error
	if r.word() == "DONE" {
		n, err = parseNumbers(strings.TrimPrefix(r.text(1), "="), 4)
	} else {
		n, err = r.numbers(4)
	}
	if err != nil {
		return rating.Settled{}, err
	}
	return rating.Settled{Duration: n[0], Units: n[1], Cost: rating.Money(n[2]), Balance: rating.Money(n[3])}, nil
}

// File puts the CDR of a call into the outbox that the ledger never let in: a refusal, or an emergency call made while
// the store was lost. No account changes; the record's cost must be 0. Repeating it files nothing more (for two
// hours). rating.ErrConflict: the ledger did let the call in, so it must be settled.
func (l *Ledger) File(ctx context.Context, cdr rating.CDR) error {
	if err := l.file(ctx, cdr); err != nil {
		return fmt.Errorf("file the CDR of call %s: %w", cdr.ID, err)
	}
	return nil
}

func (l *Ledger) file(ctx context.Context, cdr rating.CDR) error {
	call, err := keysOfCall(cdr.ID)
	if err != nil {
		return err
	}
	if cdr.Cost != 0 {
		return fmt.Errorf("a call that was not held cannot cost %s: %w", cdr.Cost, rating.ErrConflict)
	}
	if cdr.Count == 0 {
		cdr.Count = 1
	}
	text, err := json.Marshal(boundedCDR(cdr))
	if err != nil {
		return fmt.Errorf("CDR: %w", err)
	}
	r, err := l.run(ctx, fileScript, []string{call.call, call.blob, outboxKey(call.shard)},
		text, resultsKept.Milliseconds(), fmt.Sprintf("%d:%d:0", cdr.Duration, cdr.Units))
	if err != nil {
		return err
	}
	return r.verdict()
}

// unix reads a stamp in microseconds; 0 is the zero time.
func unix(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
