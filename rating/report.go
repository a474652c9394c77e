package rating

import "time"

// Period is a time span: From is in it, Before is not. A zero end is open.
type Period struct{ From, Before time.Time }

// Page is a part of a result: Limit rows after the first Offset ones.
type Page struct{ Offset, Limit int }

// CallQuery asks for call detail records.
type CallQuery struct {
	Period                  // in which the calls started
	Disposition Disposition // "" = any
	Q           string      // part of the extension number or the user name at that time, whatever the case; "" = all
	Sort        string      // started_at, extension, dialled, trunk, duration or cost; "-" before it turns the order around; "" = -started_at
	Page
}

// EntryQuery asks for journal lines other than charges: recharges, adjustments, openings, closings, payment types.
type EntryQuery struct {
	Period
	Q    string // as of a CallQuery
	Sort string // at, extension, amount; as of a CallQuery; "" = -at
	Page
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
	Sort      string // date, calls, total_seconds, total_cost; as of a CallQuery; "" = -date
	Page
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
