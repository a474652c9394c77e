package rating

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventName is what happened, as webhooks are told.
type EventName string

// The events.
const (
	BalanceLow      EventName = "balance.low"      // a balance fell below the setting low_balance_threshold
	Recharged       EventName = "recharge"         // money was paid in
	CallCut         EventName = "call.cut"         // a call was ended because the money was gone
	LimitReached    EventName = "limit.reached"    // a call was refused or ended by a limit
	TrunkDown       EventName = "trunk.down"       // a node does not reach a trunk any more
	TrunkUp         EventName = "trunk.up"         // and reaches it again
	LicenseExpiring EventName = "license.expiring" // once a day, from seven days before the end of the trial
)

// EventNames are all of them.
func EventNames() []EventName {
	return []EventName{BalanceLow, Recharged, CallCut, LimitReached, TrunkDown, TrunkUp, LicenseExpiring}
}

// Event is something that somebody outside wants to know of. Its id is the same however often it is told.
type Event struct {
	ID   string          `json:"id"`
	Name EventName       `json:"event"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// NewEvent makes an event; data is anything that JSON can say.
func NewEvent(id string, name EventName, at time.Time, data any) (Event, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", name, err)
	}
	return Event{ID: id, Name: name, At: at.UTC(), Data: text}, nil
}

// Data of the events that come from the journal and from call records.
type (
	balanceData struct {
		Extension string `json:"extension"`
		Username  string `json:"username"`
		Balance   Money  `json:"balance"`
		Threshold Money  `json:"threshold"`
	}
	rechargeData struct {
		Extension string `json:"extension"`
		Username  string `json:"username"`
		Before    Money  `json:"pre_balance"`
		Amount    Money  `json:"amount"`
		After     Money  `json:"post_balance"`
		By        string `json:"by"`
		Note      string `json:"note"`
	}
	callData struct {
		ID          CallID      `json:"id"`
		Extension   string      `json:"extension"`
		Username    string      `json:"username"`
		Dialled     string      `json:"dialled"`
		Trunk       string      `json:"trunk"`
		Duration    int64       `json:"duration"`
		Cost        Money       `json:"cost"`
		Currency    string      `json:"currency"`
		Disposition Disposition `json:"disposition"`
		EndedBy     EndedBy     `json:"ended_by"`
		Count       int64       `json:"count"`
	}
)

// EventsOf returns what a record of the outbox has to tell. The ids come from its position, so that a record that is read
// twice tells the same events.
func EventsOf(f Filed, lowBalance Money) []Event {
	var events []Event
	add := func(name EventName, at time.Time, data any) {
		e, err := NewEvent(fmt.Sprintf("%02d-%s-%s", f.Shard, f.Position, name), name, at, data)
		if err == nil { // it is made of plain fields
			events = append(events, e)
		}
	}
	if e := f.Entry; e != nil {
		if e.Kind == RechargeEntry {
			add(Recharged, e.At, rechargeData{e.Extension, e.Username, e.Before, e.Amount, e.After, e.By, e.Note})
		}
		if e.Before >= lowBalance && e.After < lowBalance && e.Kind != ClosingEntry {
			add(BalanceLow, e.At, balanceData{e.Extension, e.Username, e.After, lowBalance})
		}
	}
	if c := f.CDR; c != nil {
		at := c.StartedAt
		if c.EndedAt != nil {
			at = *c.EndedAt
		}
		data := callData{c.ID, c.Extension, c.Username, c.Dialled, c.Trunk, c.Duration, c.Cost, c.Currency, c.Disposition, c.EndedBy, c.Count}
		if c.EndedBy == ByCredit && c.Disposition == Answered {
			add(CallCut, at, data)
		}
		if c.EndedBy == ByLimit || c.Reason == ReasonLimit {
			add(LimitReached, at, data)
		}
	}
	return events
}
