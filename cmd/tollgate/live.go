package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"tollgate/admin"
	"tollgate/rating"
	"tollgate/sipctl"
)

// liveCalls are the running calls of all nodes: what the store knows, and for our own calls what the SIP side knows.
type liveCalls struct{ *app }

const liveLimit = 2 * time.Second // of one look at the store

// Calls lists them, each with its cost so far and the instant at which its money ends. Without the store it lists our own.
func (l liveCalls) Calls(ctx context.Context) ([]rating.LiveCall, error) {
	ctx, cancel := context.WithTimeout(ctx, liveLimit)
	defer cancel()
	own := l.sip.Calls()
	holds, err := l.ledger.Calls(ctx)
	if err != nil {
		return own, err
	}
	mine := make(map[rating.CallID]rating.LiveCall, len(own))
	for _, c := range own {
		mine[c.ID] = c
	}
	byExtension := map[string][]rating.LiveCall{}
	for _, h := range holds {
		c := rating.NewLiveCall(h)
		if here, ok := mine[c.ID]; ok {
			c.Trunk, c.State, c.AnsweredAt = here.Trunk, here.State, here.AnsweredAt
			delete(mine, c.ID)
		}
		byExtension[c.Extension] = append(byExtension[c.Extension], c)
	}
	all, err := l.reckon(ctx, byExtension)
	if err != nil {
		return own, err
	}
	for _, c := range mine { // emergency calls that the store knows nothing of
		all = append(all, c)
	}
	return all, nil
}

// reckon fills in cost and deadline, account by account: calls of one account share its money.
func (l liveCalls) reckon(ctx context.Context, byExtension map[string][]rating.LiveCall) ([]rating.LiveCall, error) {
	accounts, err := l.ledger.Accounts(ctx, slices.Collect(maps.Keys(byExtension)))
	if err != nil {
		return nil, err
	}
	available := make(map[string]rating.Money, len(accounts))
	for _, account := range accounts {
		available[account.Extension] = account.Available()
	}
	all, now := []rating.LiveCall{}, time.Now()
	for extension, calls := range byExtension {
		rating.Reckon(calls, available[extension], now)
		all = append(all, calls...)
	}
	return all, nil
}

// HangUp ends a call on whatever node it is; false: nobody has it.
func (l liveCalls) HangUp(id rating.CallID) bool {
	if l.sip.HangUp(id) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), liveLimit)
	defer cancel()
	return l.ledger.HangUp(ctx, id) == nil
}

// HangUpExtension ends all calls of an extension, on every node, and returns how many.
func (l liveCalls) HangUpExtension(number string) int {
	n := 0
	calls, _ := l.Calls(context.Background()) // ours, where the store does not answer
	for _, c := range calls {
		if c.Extension == number && l.HangUp(c.ID) {
			n++
		}
	}
	return n
}

// trunkHealth is how trunks are doing, as this node sees them.
type trunkHealth struct{ sip *sipctl.Server }

// Trunk returns how a trunk is, as this node sees it.
func (t trunkHealth) Trunk(name string) (admin.TrunkNow, bool) {
	for _, state := range t.sip.Trunks() {
		if state.Name != name {
			continue
		}
		r := admin.Registration{State: string(state.Registration.State), Code: state.Registration.Code, Reason: state.Registration.Reason}
		if at := state.Registration.ExpiresAt; !at.IsZero() {
			at = at.UTC().Truncate(time.Second)
			r.ExpiresAt = &at
		}
		return admin.TrunkNow{Health: string(state.Health), ActiveCalls: state.ActiveCalls, Registration: r}, true
	}
	return admin.TrunkNow{}, false
}
