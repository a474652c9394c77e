package archive

import (
	"database/sql"
	"encoding/json"
	"time"

	"tollgate/rating"
)

// cdrTable names the columns of rowOfCDR.
var cdrTable = table{"cdrs", []string{"n", "id text", "party", "dialled text", "sent text", "trunk text", "rate_id", "rate", "units", "started_at", "answered_at", "ended_at",
	"duration", "cost", "currency text", "disposition text", "reason text", "unbilled text", "sip_code", "ended_by text", "attempts text", "count", "node text", "call_id_a text", "call_id_b text", "post_dial_ms", "charged"}, "DO NOTHING"}

// cdrColumns are what scanCDR reads, of cdrs c, parties p and rates r.
const cdrColumns = `c.id, p.extension, p.username, c.dialled, c.sent, c.trunk, c.rate_id, r.body, c.units, c.started_at, c.answered_at, c.ended_at,
 c.duration, c.cost, c.currency, c.disposition, c.reason, c.unbilled, c.sip_code, c.ended_by, c.attempts, c.count, c.node, c.call_id_a, c.call_id_b, c.post_dial_ms`

// rowOfCDR is a CDR as its table has it, under number n, and its party.
func (r *registrar) rowOfCDR(n int64, c *rating.CDR, charged bool) (row []any, party int64, err error) {
	if party, err = r.party(c.Extension, c.Username); err != nil {
		return nil, 0, err
	}
	rate, err := r.rate(c.Rate)
	if err != nil {
		return nil, 0, err
	}
	attempts, err := json.Marshal(c.Attempts)
	return []any{n, string(c.ID), party, c.Dialled, c.Sent, c.Trunk, c.RateID, rate, c.Units,
		c.StartedAt.UnixMicro(), micros(c.AnsweredAt), micros(c.EndedAt), c.Duration, int64(c.Cost), c.Currency,
		string(c.Disposition), string(c.Reason), textOf(c.Unbilled), c.SIPCode, string(c.EndedBy), string(attempts), c.Count,
		c.Node, c.CallIDA, c.CallIDB, c.PostDial, boolean(charged)}, party, err
}

// scanCDR reads cdrColumns, and whatever else the query selects before them.
func scanCDR(scan func(...any) error, before ...any) (rating.CDR, error) {
	var c rating.CDR
	var rate, attempts, unbilled sql.NullString
	var started int64
	var answered, ended sql.NullInt64
	err := scan(append(before, &c.ID, &c.Extension, &c.Username, &c.Dialled, &c.Sent, &c.Trunk, &c.RateID, &rate, &c.Units, &started,
		&answered, &ended, &c.Duration, &c.Cost, &c.Currency, &c.Disposition, &c.Reason, &unbilled, &c.SIPCode, &c.EndedBy,
		&attempts, &c.Count, &c.Node, &c.CallIDA, &c.CallIDB, &c.PostDial)...)
	if err != nil {
		return c, err
	}
	c.StartedAt, c.AnsweredAt, c.EndedAt = instant(started), maybe(answered), maybe(ended)
	if unbilled.Valid {
		why := rating.Unbilled(unbilled.String)
		c.Unbilled = &why
	}
	// A text that was damaged by hand leaves its field empty; the rest of the record still counts.
	if rate.Valid && json.Unmarshal([]byte(rate.String), &c.Rate) != nil {
		c.Rate = nil
	}
	if json.Unmarshal([]byte(attempts.String), &c.Attempts) != nil {
		c.Attempts = nil
	}
	return c, nil
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func maybe(micros sql.NullInt64) *time.Time {
	if !micros.Valid {
		return nil
	}
	t := instant(micros.Int64)
	return &t
}

// micros is an instant as it is stored, nil as NULL.
func micros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMicro()
}

func textOf(u *rating.Unbilled) any {
	if u == nil {
		return nil
	}
	return string(*u)
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
