package archive

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/rating"
)

// dispositions are those that the sums count, in the order of their columns.
var dispositions = []rating.Disposition{rating.Answered, rating.Busy, rating.NoAnswer, rating.Failed, rating.Cancelled, rating.Rejected}

// fault says why a record cannot be filed; "" is a good one. Records come from a store that an older or a foreign
// program may have written, so nothing about them is taken for granted.
func fault(f rating.Filed) string {
	switch {
	case f.Bad != "":
		return f.Bad
	case f.Entry == nil && f.CDR == nil && f.Audit == nil:
		return "the record holds neither a journal line nor a CDR"
	case f.Audit != nil && auditFault(f.Audit) != "":
		return "audit record: " + auditFault(f.Audit)
	case f.Entry != nil && entryFault(f.Entry) != "":
		return "journal line: " + entryFault(f.Entry)
	case f.CDR != nil && cdrFault(f.CDR) != "":
		return "CDR: " + cdrFault(f.CDR)
	}
	return ""
}

func entryFault(e *rating.Entry) string {
	switch {
	case e.Extension == "":
		return "no extension is named"
	case e.Seq < 1:
		return fmt.Sprintf("seq %d is no line number", e.Seq)
	case !e.Kind.Valid():
		return fmt.Sprintf("kind %q is not known", e.Kind)
	case !e.Amount.InRange() || !e.Before.InRange() || !e.After.InRange():
		return "an amount is out of range"
	case !dated(e.At):
		return "its time is missing or absurd"
	case unstorable(e.Extension, e.Username, e.Ref, e.By, e.Note):
		return "a text holds a zero byte"
	}
	return ""
}

func cdrFault(c *rating.CDR) string {
	switch {
	case c.ID == "":
		return "no call id is given"
	case c.Extension == "":
		return "no extension is named"
	case !slices.Contains(dispositions, c.Disposition):
		return fmt.Sprintf("disposition %q is not known", c.Disposition)
	case !c.Cost.InRange() || c.Cost < 0:
		return "the cost is out of range"
	case c.Duration < 0 || c.Duration > maxDuration:
		return fmt.Sprintf("duration %d is out of range", c.Duration)
	case !dated(c.StartedAt) || c.AnsweredAt != nil && !dated(*c.AnsweredAt) || c.EndedAt != nil && !dated(*c.EndedAt):
		return "a time is missing or absurd"
	case unstorable(string(c.ID), c.Extension, c.Username, c.Dialled, c.Sent, c.Trunk, c.Currency, string(c.Reason), string(c.EndedBy), c.Node, c.CallIDA, c.CallIDB):
		return "a text holds a zero byte"
	}
	return ""
}

// maxDuration bounds the seconds of one call: a hundred years. What is beyond is damage, and would upset the sums.
const maxDuration = 100 * 366 * 86_400

// dated reports whether an instant can be meant: from 1970 to 9999.
func dated(t time.Time) bool { return t.Unix() >= 0 && t.Year() <= 9999 }

// unstorable reports a text that not every database keeps.
func unstorable(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsRune(s, 0) })
}
