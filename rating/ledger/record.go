package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/rating"
)

// A record of the outbox has two fields. One holds numbers that a script computed, the other the JSON that a node
// wrote:
//
//	c  seq:before:after:seconds:units:cost   m  CDR    a settled call; seq 0 where it has no account
//	e  seq:before:after                      m  Entry  any other journal line

// decodeFiled reads a record. Whatever it finds, it returns a record: where something is wrong, Bad names it.
func decodeFiled(shard int, position string, values map[string]any) rating.Filed {
	filed := rating.Filed{Shard: shard, Position: position}
	if err := fill(&filed, values); err != nil {
		return rating.Filed{Shard: shard, Position: position, Bad: err.Error(), Raw: raw(values)}
	}
	return filed
}

func fill(filed *rating.Filed, values map[string]any) error {
	text, ok := values["m"].(string)
	if !ok {
		return fmt.Errorf("field %q is missing", "m")
	}
	at, err := positionTime(filed.Position)
	if err != nil {
		return err
	}
	if numbers, ok := values["c"].(string); ok {
		return fillCall(filed, numbers, text, at)
	}
	if numbers, ok := values["e"].(string); ok {
		return fillEntry(filed, numbers, text, at)
	}
	return fmt.Errorf("neither a call nor a journal line")
}

func fillCall(filed *rating.Filed, numbers, text string, at time.Time) error {
	n, err := parseNumbers(numbers, 6)
	if err != nil {
		return err
	}
	var cdr rating.CDR
	if err := json.Unmarshal([]byte(text), &cdr); err != nil {
		return fmt.Errorf("CDR: %w", err)
	}
	cdr.Duration, cdr.Units, cdr.Cost = n[3], n[4], rating.Money(n[5])
	if cdr.EndedAt == nil {
		cdr.EndedAt = &at
		if cdr.AnsweredAt != nil {
			ended := cdr.AnsweredAt.Add(time.Duration(cdr.Duration) * time.Second)
			cdr.EndedAt = &ended
		}
	}
	if _, ok := cdr.ID.Shard(); !ok {
		return fmt.Errorf("CDR: %q is no call id", shorten(string(cdr.ID)))
	}
	filed.CDR = &cdr
	if n[0] == 0 {
		if cdr.Cost != 0 {
			return fmt.Errorf("the call costs %s and has no journal line", cdr.Cost)
		}
		return nil
	}
	entry := rating.Entry{Extension: cdr.Extension, Username: cdr.Username, Kind: rating.ChargeEntry, At: at, Ref: string(cdr.ID)}
	if err := numberEntry(&entry, n); err != nil {
		return err
	}
	if entry.Amount != -cdr.Cost {
		return fmt.Errorf("the call costs %s and its journal line is %s", cdr.Cost, entry.Amount)
	}
	filed.Entry = &entry
	return nil
}

func fillEntry(filed *rating.Filed, numbers, text string, at time.Time) error {
	n, err := parseNumbers(numbers, 3)
	if err != nil {
		return err
	}
	var entry rating.Entry
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		return fmt.Errorf("journal line: %w", err)
	}
	if !entry.Kind.Valid() {
		return fmt.Errorf("journal line: %q is no kind", shorten(string(entry.Kind)))
	}
	entry.At = at // nodes' clocks differ, and may be behind the line before
	if err := numberEntry(&entry, n); err != nil {
		return err
	}
	filed.Entry = &entry
	return nil
}

// numberEntry adds number, balances and amount to a journal line.
func numberEntry(e *rating.Entry, n []int64) error {
	e.Seq, e.Before, e.After = n[0], rating.Money(n[1]), rating.Money(n[2])
	if !e.Before.InRange() || !e.After.InRange() || e.Seq < 1 || !rating.ValidExtension(e.Extension) {
		return fmt.Errorf("journal line %d of %q from %d to %d cannot be", n[0], shorten(e.Extension), n[1], n[2])
	}
	e.Amount = e.After - e.Before
	return nil
}

// positionTime is when a record was filed, on the clock of the store.
func positionTime(position string) (time.Time, error) {
	ms, _, _ := strings.Cut(position, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no position", shorten(position))
	}
	return time.UnixMilli(n).UTC(), nil
}

// maxRaw bounds what is kept of a record that cannot be read.
const maxRaw = 8192

func raw(values map[string]any) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%s=%v\n", name, values[name])
		if b.Len() > maxRaw {
			break
		}
	}
	return strings.ToValidUTF8(b.String()[:min(b.Len(), maxRaw)], "�")
}
