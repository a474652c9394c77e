package rating

import "time"

// Period is a time span: From is in it, Before is not. A zero end is open.
type Period struct{ From, Before time.Time }

// Paging says which part of a result is wanted: pages count from 1.
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
	Date         string `json:"date"`      // 2019-05-31, 2019-05 or 2019
	Extension    string `json:"extension"` // "All" where none was asked for
	Username     string `json:"username"`
	Calls        int64  `json:"calls"`
	TotalSeconds int64  `json:"total_seconds"`
	TotalCost    Money  `json:"total_cost"`
}
