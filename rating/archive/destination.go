package archive

import (
	"cmp"
	"maps"
	"slices"

	"tollgate/rating"
)

// destination is what calls of a day are counted by beside their party: what they were, and where they went.
type destination struct {
	why    string // see whyOf
	day    int
	prefix string // rating.DestinationPrefix
}

// traffic adds up the calls to a destination. Unanswered calls have neither seconds nor cost.
type traffic struct {
	attempts, answered, seconds int64
	cost                        rating.Money
	lastAt                      int64
	example                     string // number that the latest call dialled
}

func (t *traffic) add(c addend) {
	t.attempts += max(c.attempts, 1)
	if c.disposition == rating.Answered {
		t.answered++
		t.seconds += c.seconds
	}
	t.cost += c.cost
	if c.startedAt >= t.lastAt {
		t.lastAt, t.example = c.startedAt, c.dialled
	}
}

// refusals and unbilled are the words that whyOf keeps.
var (
	refusals = []string{string(rating.ReasonNoCredit), string(rating.ReasonLocked), string(rating.ReasonUnknownExtension), string(rating.ReasonNoRate),
		string(rating.ReasonLimit), string(rating.ReasonBadNumber), string(rating.ReasonNoRoute), string(rating.ReasonTrunk), string(rating.ReasonUnavailable), otherReason}
	unbilled = []string{string(rating.BillingDeactivated), string(rating.BillingDisabled), string(rating.EmergencyCall), string(rating.Unrated), string(rating.FreeRate)}
)

const (
	ordinary    = ""      // let in and billed
	otherReason = "other" // a reason that this program does not know
)

// whyOf is what a call was: the reason of its refusal, or why it was not billed, or "" for an ordinary one. There are
// no more words than these, whatever a record says.
func whyOf(reason rating.Reason, why *rating.Unbilled) string {
	switch {
	case slices.Contains(refusals, string(reason)):
		return string(reason)
	case reason != "":
		return otherReason
	case why != nil && slices.Contains(unbilled, string(*why)):
		return string(*why)
	}
	return ordinary
}

var destinationTable = table{"roll_dest", []string{"generation", "why text", "day", "prefix text", "calls", "answered", "seconds", "cost", "last_at", "example text"},
	adding("roll_dest", []string{"generation", "why", "day", "prefix"}, []string{"calls", "answered", "seconds", "cost"}) + `,
 example = CASE WHEN excluded.last_at >= roll_dest.last_at THEN excluded.example ELSE roll_dest.example END,
 last_at = CASE WHEN excluded.last_at >= roll_dest.last_at THEN excluded.last_at ELSE roll_dest.last_at END`}

func (t *tally) destinationRows() (rows [][]any) {
	keys := slices.SortedFunc(maps.Keys(t.destinations), func(a, b destination) int {
		return cmp.Or(cmp.Compare(a.why, b.why), cmp.Compare(a.day, b.day), cmp.Compare(a.prefix, b.prefix))
	})
	for _, k := range keys {
		d := t.destinations[k]
		rows = append(rows, []any{t.era.generation, k.why, k.day, k.prefix, d.attempts, d.answered, d.seconds, int64(d.cost), d.lastAt, d.example})
	}
	return rows
}
