package rating

import (
	"encoding/json"
	"strings"
	"time"
)

// AuditRecord is one change that an operator made, or tried to make, through the API.
type AuditRecord struct {
	ID      string          `json:"id"`      // names the record for good; made when it is appended
	At      time.Time       `json:"at"`      // when the store took it, to the millisecond: one clock for all nodes
	Actor   string          `json:"actor"`   // user name, or "token NAME"
	Role    Role            `json:"role"`    // that the actor had; "" where nobody was known
	Address string          `json:"address"` // where the request came from
	Action  string          `json:"action"`  // what was done, such as "recharge" or "PATCH /extensions/{number}"
	Object  string          `json:"object"`  // to what, such as "extension 101"
	Before  json.RawMessage `json:"before"`  // the object before; nil = it was not there, or is of no interest
	After   json.RawMessage `json:"after"`   // and after; nil = it is gone
}

// AuditQuery asks for audit records.
type AuditQuery struct {
	Period        // in which they were taken
	Q      string // part of actor, action or object, whatever the case; "" = all
	Sort   string // at or -at; "" = -at
	Paging
}

// Matches reports whether a record is one of those that the query asks for.
func (q AuditQuery) Matches(r AuditRecord) bool {
	return !r.At.Before(q.From) && (q.Before.IsZero() || r.At.Before(q.Before)) &&
		strings.Contains(r.Searched(), strings.ToLower(strings.TrimSpace(q.Q)))
}

// Searched is the text in which keywords are looked for: in lower case, one line for each field.
func (r AuditRecord) Searched() string {
	return strings.ToLower(r.Actor + "\n" + r.Action + "\n" + r.Object)
}
