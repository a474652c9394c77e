package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tollgate/rating"
)

// dashboard answers three questions: what happens now, what came of today, and who runs out of money soon.
type dashboard struct {
	At              time.Time     `json:"at" doc:"When this was reckoned; it is used again for two seconds."`
	Date            string        `json:"date" doc:"Today, in the installation's time zone." example:"2019-05-31"`
	Currency        string        `json:"currency" enum:"USD,CNY,EUR,GBP,XXX" doc:"XXX is any other (¤)."`
	CallsNow        callsNowSum   `json:"calls_now" doc:"Calls that are up, on every node."`
	Today           todaySum      `json:"today" doc:"Calls that started today and have ended."`
	TopDestinations []destination `json:"top_destinations" doc:"Of today's answered calls, by seconds, at most ten."`
	LowBalances     lowBalances   `json:"low_balances" doc:"Billed extensions with little money left."`
	Trunks          []trunkState  `json:"trunks" doc:"Every trunk, as this node sees it."`
	Refusals        []refusal     `json:"refusals" doc:"Today's calls that we refused, the most frequent reason first."`
}

type callsNowSum struct {
	Ringing int `json:"ringing" doc:"Not answered yet."`
	Talking int `json:"talking" doc:"Answered."`
}

type todaySum struct {
	Calls        int64                        `json:"calls" doc:"Offered to a trunk."`
	Answered     int64                        `json:"answered" doc:"Of these."`
	Seconds      int64                        `json:"seconds" doc:"Billed seconds of the answered ones."`
	Minutes      int64                        `json:"minutes" doc:"The same in minutes, rounded half up."`
	Revenue      rating.Money                 `json:"revenue" doc:"What they cost."`
	ASR          *float64                     `json:"asr" minimum:"0" maximum:"1" doc:"Answer-seizure ratio: answered out of calls; null: there were none."`
	ACD          int64                        `json:"acd" doc:"Average call duration: seconds of an answered call, rounded half up."`
	Dispositions map[rating.Disposition]int64 `json:"dispositions" doc:"Records by how the calls ended, rejected ones included."`
}

type destination struct {
	Prefix  string       `json:"prefix" doc:"First digits of the dialled numbers."`
	Calls   int64        `json:"calls" doc:"Answered ones."`
	Seconds int64        `json:"seconds" doc:"Of talk."`
	Cost    rating.Money `json:"cost" doc:"Of all of them."`
}

type lowBalances struct {
	Threshold rating.Money `json:"threshold" doc:"The setting low_balance_threshold."`
	Total     int          `json:"total" doc:"Billed extensions whose balance and credit together are below it."`
	Items     []lowBalance `json:"items" doc:"The poorest of them, at most ten."`
}

type lowBalance struct {
	Number      string       `json:"number" doc:"The extension."`
	Username    string       `json:"username" doc:"Its user name."`
	PaymentType string       `json:"payment_type" enum:"prepaid,postpaid" doc:"How it is meant to be paid."`
	Balance     rating.Money `json:"balance" doc:"What is left of what was paid in."`
	Credit      rating.Money `json:"credit" doc:"How far below zero it may run."`
}

type trunkState struct {
	Name        string `json:"name" doc:"The trunk."`
	Enabled     bool   `json:"enabled" doc:"Whether calls go there."`
	Health      string `json:"health" enum:"up,down,unknown" doc:"unknown: it never answered an OPTIONS, and is used."`
	ActiveCalls int64  `json:"active_calls" doc:"Calls that ring or talk over it."`
}

type refusal struct {
	Reason rating.Reason `json:"reason" doc:"Why."`
	Calls  int64         `json:"calls" doc:"Attempts."`
}

const (
	dashboardReuse = 2 * time.Second // every open page asks again and again, and a look at all accounts is not free
	mostLow        = 10
)

// board keeps the newest dashboard for a moment.
type board struct {
	mu   sync.Mutex
	last dashboard
}

func (s *Server) dashboard(ctx context.Context, _ *struct{}) (*answer[dashboard], error) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if now := s.now(); now.Sub(s.board.last.At) >= dashboardReuse {
		fresh, err := s.reckonDashboard(ctx, now)
		if err != nil {
			return nil, err
		}
		s.board.last = fresh
	}
	return &answer[dashboard]{s.board.last}, nil
}

func (s *Server) reckonDashboard(ctx context.Context, now time.Time) (dashboard, error) {
	snapshot := s.snapshot()
	d := dashboard{At: now, Date: now.In(snapshot.Location()).Format(time.DateOnly), Currency: snapshot.Settings.Currency,
		TopDestinations: []destination{}, Trunks: []trunkState{}, Refusals: []refusal{}}
	calls, _ := s.deps.LiveCalls.Calls(ctx) // those of this node are better than none
	for _, c := range calls {
		if c.State == rating.Talking {
			d.CallsNow.Talking++
		} else {
			d.CallsNow.Ringing++
		}
	}
	sum, err := s.deps.Archive.Summary(ctx, d.Date, d.Date)
	if err != nil {
		return d, fmt.Errorf("add up today: %w", err)
	}
	d.Today = todayOf(sum)
	for _, x := range sum.Destinations {
		d.TopDestinations = append(d.TopDestinations, destination(x))
	}
	for _, x := range sum.Refusals {
		d.Refusals = append(d.Refusals, refusal(x))
	}
	for _, t := range snapshot.Plan.Trunks() {
		now := s.liveTrunk(*t)
		d.Trunks = append(d.Trunks, trunkState{t.Name, t.Enabled, now.Health, now.ActiveCalls})
	}
	d.LowBalances, err = s.lowBalances(ctx, snapshot)
	return d, err
}

func todayOf(sum rating.Summary) todaySum {
	t := todaySum{Calls: sum.Calls, Answered: sum.Answered, Seconds: sum.Seconds, Minutes: (sum.Seconds + 30) / 60, Revenue: sum.Revenue,
		ACD: sum.ACD(), Dispositions: sum.Dispositions}
	if asr, some := sum.ASR(); some {
		t.ASR = &asr
	}
	return t
}

// lowBalances finds the billed extensions that will run out soon. A postpaid one has its credit to spend.
func (s *Server) lowBalances(ctx context.Context, snapshot *rating.Snapshot) (lowBalances, error) {
	low := lowBalances{Threshold: snapshot.Settings.LowBalanceThreshold, Items: []lowBalance{}}
	var billed []extension
	snapshot.Each(func(e *rating.Extension) bool {
		if e.BillingEnabled {
			billed = append(billed, extensionOf(*e, rating.Account{}))
		}
		return true
	})
	if err := s.addMoney(ctx, billed); err != nil {
		return low, err
	}
	left := func(e extension) rating.Money { return e.Balance + e.Credit }
	billed = slices.DeleteFunc(billed, func(e extension) bool { return left(e) >= low.Threshold })
	slices.SortFunc(billed, func(a, b extension) int { return cmp.Or(cmp.Compare(left(a), left(b)), byNumber(a.Number, b.Number)) })
	low.Total = len(billed)
	for _, e := range billed[:min(mostLow, len(billed))] {
		low.Items = append(low.Items, lowBalance{e.Number, e.Username, e.PaymentType, e.Balance, e.Credit})
	}
	return low, nil
}
