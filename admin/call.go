package admin

import (
	"time"

	"tollgate/rating"
)

// call is a call detail record.
type call struct {
	ID          string             `json:"id" doc:"Names the call for good."`
	Extension   string             `json:"extension" doc:"Who paid."`
	Username    string             `json:"username" doc:"The user name at that time."`
	Dialled     string             `json:"dialled" doc:"The number that was dialled, and rated."`
	Sent        string             `json:"sent" doc:"The number that the trunk got."`
	Trunk       string             `json:"trunk" doc:"That answered, or the last one tried."`
	RateID      int64              `json:"rate_id" doc:"0: none."`
	Rate        orNull[rate]       `json:"rate" doc:"The rate as it was when the call began."`
	Units       int64              `json:"units" doc:"Billing units begun after the initial time."`
	StartedAt   time.Time          `json:"started_at" doc:"Arrival of the INVITE."`
	AnsweredAt  *time.Time         `json:"answered_at" doc:"Arrival of the trunk's 2xx; null: not answered."`
	EndedAt     *time.Time         `json:"ended_at" doc:"First BYE."`
	Duration    int64              `json:"duration" doc:"Billed seconds."`
	Cost        rating.Money       `json:"cost" doc:"What the account paid."`
	Currency    string             `json:"currency" doc:"At that time."`
	Disposition rating.Disposition `json:"disposition" enum:"answered,busy,no_answer,failed,cancelled,rejected" doc:"How the attempt ended."`
	Reason      rating.Reason      `json:"reason" doc:"Why we refused the call; empty where we did not."`
	Unbilled    *rating.Unbilled   `json:"unbilled" enum:"deactivated,extension,emergency,unrated,free" doc:"Why an allowed call cost nothing; null: it was billed."`
	SIPCode     int                `json:"sip_code" doc:"The answer that the caller got."`
	EndedBy     rating.EndedBy     `json:"ended_by" doc:"Who or what ended it."`
	Attempts    []attempt          `json:"attempts" doc:"Every trunk that the call was offered to, and its answer."`
	Count       int64              `json:"count" doc:"Refusals that this record stands for; else 1."`
	Node        string             `json:"node" doc:"The process that handled it."`
	CallIDA     string             `json:"call_id_a" doc:"Call-ID of the caller's leg."`
	CallIDB     string             `json:"call_id_b" doc:"Call-ID of the trunk's leg."`
	PostDial    int64              `json:"post_dial_ms" doc:"Milliseconds from the INVITE to the first ringing; 0: it never rang."`
	Steps       []step             `json:"steps,omitempty" doc:"How the cost came about, step by step; where one call is asked for."`
}

type attempt struct {
	Trunk string `json:"trunk" doc:"The trunk."`
	Code  int    `json:"code" doc:"Its last answer; 0: none."`
}

func callOf(c rating.CDR) call {
	x := call{ID: string(c.ID), Extension: c.Extension, Username: c.Username, Dialled: c.Dialled, Sent: c.Sent, Trunk: c.Trunk, RateID: c.RateID,
		Units: c.Units, StartedAt: c.StartedAt.UTC(), AnsweredAt: inUTC(c.AnsweredAt), EndedAt: inUTC(c.EndedAt), Duration: c.Duration, Cost: c.Cost,
		Currency: c.Currency, Disposition: c.Disposition, Reason: c.Reason, Unbilled: c.Unbilled, SIPCode: c.SIPCode, EndedBy: c.EndedBy,
		Attempts: make([]attempt, 0, len(c.Attempts)), Count: c.Count, Node: c.Node, CallIDA: c.CallIDA, CallIDB: c.CallIDB, PostDial: c.PostDial}
	if c.Rate != nil {
		r := rateOf(*c.Rate)
		x.Rate.value = &r
	}
	for _, a := range c.Attempts {
		x.Attempts = append(x.Attempts, attempt(a))
	}
	return x
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}

// step is one line of the sum that a cost is.
type step struct {
	From    int64        `json:"from" doc:"First second of talk that the step pays for, counted from 0."`
	To      int64        `json:"to" doc:"The second that it does not pay for any more."`
	Units   int64        `json:"units" doc:"Billing units; 0 is the initial time."`
	Price   rating.Money `json:"price" doc:"Of one."`
	Amount  rating.Money `json:"amount" doc:"Of all."`
	Total   rating.Money `json:"total" doc:"Up to here."`
	Explain string       `json:"explain" doc:"The same in words."`
}
