package rating

import (
	"strings"
	"time"
)

// Period is a time span: From is in it, Before is not. A zero end is open.
type Period struct{ From, Before time.Time }

// Paging says which part of a result is wanted: pages count from 1 and have at most 200 rows. Zero is the first page, of ten.
type Paging struct{ Page, PerPage int }

// CallQuery asks for call detail records.
type CallQuery struct {
	Period                  // in which the calls started
	Disposition Disposition // "" = any
	Q           string      // part of the extension number or the user name at that time, whatever the case; "" = all
	Sort        string      // started_at, duration or cost, with - before it for the largest first; "" = -started_at
	Paging
}

// EntryQuery asks for journal lines other than charges: recharges, adjustments, openings, closings, payment types.
type EntryQuery struct {
	Period
	Q    string // as of a CallQuery
	Sort string // at or -at; "" = -at
	Paging
}

// Span is what a row of statistics adds up.
type Span string

// The spans of statistics, in the installation's time zone.
const (
	ByDay   Span = "day"
	ByMonth Span = "month"
	ByYear  Span = "year"
)

// StatisticsQuery asks for sums of answered calls. A span without calls has no row.
type StatisticsQuery struct {
	From, To  string // days in the installation's time zone, 2006-01-02, both included; "" = open
	Extension string // "" = all together
	By        Span
	Sort      string // date or -date; "" = -date
	Paging
}

// StatisticsRow is one span of one extension, or of all.
type StatisticsRow struct {
	Date           string `json:"date"`      // 2019-05-31, 2019-05 or 2019
	Extension      string `json:"extension"` // "All" where none was asked for
	Username       string `json:"username"`  // that it had in its latest calls
	Calls          int64  `json:"calls"`     // answered ones
	TotalSeconds   int64  `json:"total_seconds"`
	AverageSeconds int64  `json:"average_seconds"` // rounded half up
	TotalCost      Money  `json:"total_cost"`
}

// UnratedQuery asks for destinations that need a rate, or whose calls pass unbilled.
type UnratedQuery struct {
	From, To string // days in the installation's time zone, 2006-01-02, both included; "" = open
	Why      string // one of Gaps; "" = any of them
	Sort     string // calls, last_at or prefix, with - before it for the largest first; "" = -calls
	Paging
}

// Gaps are why a destination is in the report of unrated calls: calls that found no rate and were refused, that found
// none and passed, and that passed because billing is off as a whole or for their extension.
func Gaps() []string {
	return []string{string(ReasonNoRate), string(Unrated), string(BillingDeactivated), string(BillingDisabled)}
}

// UnratedRow is one prefix of dialled numbers and one reason.
type UnratedRow struct {
	Prefix   string    `json:"prefix"` // see DestinationPrefix
	Why      string    `json:"why"`    // one of Gaps
	Calls    int64     `json:"calls"`  // attempts
	Answered int64     `json:"answered"`
	Seconds  int64     `json:"seconds"` // of the answered ones
	LastAt   time.Time `json:"last_at"` // start of the latest of them
	Example  string    `json:"example"` // number that the latest of them dialled
}

// DestinationPrefix is what reports group dialled numbers by: a leading + or 00, and up to four characters that follow
// it. "988360046" is in 9883, "+8613912345678" in +8613. What is no number is in "?".
func DestinationPrefix(dialled string) string {
	const digits = 4
	rest := strings.TrimPrefix(strings.TrimPrefix(dialled, "+"), "00")
	if rest == "" || strings.Trim(rest, "0123456789*#") != "" {
		return "?"
	}
	return dialled[:len(dialled)-len(rest)+min(digits, len(rest))]
}

// Summary is what the dashboard says of some days.
type Summary struct {
	Dispositions map[Disposition]int64 `json:"dispositions"` // records, by how the calls ended
	Calls        int64                 `json:"calls"`        // that went to a trunk: all but the rejected
	Answered     int64                 `json:"answered"`
	Seconds      int64                 `json:"seconds"` // of talk
	Revenue      Money                 `json:"revenue"`
	Destinations []DestinationSum      `json:"destinations"` // of the answered calls, by seconds, the largest first, at most TopDestinations
	Refusals     []RefusalSum          `json:"refusals"`     // by attempts, the most first
}

// TopDestinations is how many destinations a Summary has.
const TopDestinations = 10

// DestinationSum is what answered calls to numbers of one DestinationPrefix add up to.
type DestinationSum struct {
	Prefix  string `json:"prefix"`
	Calls   int64  `json:"calls"`
	Seconds int64  `json:"seconds"`
	Cost    Money  `json:"cost"`
}

// RefusalSum is how many attempts were refused for a reason.
type RefusalSum struct {
	Reason Reason `json:"reason"`
	Calls  int64  `json:"calls"`
}

// ASR is the share of the calls offered to trunks that were answered (answer-seizure ratio); false where there were none.
func (s Summary) ASR() (float64, bool) {
	if s.Calls == 0 {
		return 0, false
	}
	return float64(s.Answered) / float64(s.Calls), true
}

// ACD is the average length of an answered call in seconds, rounded half up.
func (s Summary) ACD() int64 { return AverageSeconds(s.Seconds, s.Answered) }
