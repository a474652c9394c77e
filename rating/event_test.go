package rating

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatARecordTells(t *testing.T) {
	entry := func(kind Kind, before, after Money) Filed {
		return Filed{Shard: 3, Position: "17-0", Entry: &Entry{Extension: "101", Kind: kind, Before: before, After: after, Amount: after - before}}
	}
	call := func(d Disposition, by EndedBy, why Reason) Filed {
		end := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
		return Filed{Shard: 3, Position: "17-0", CDR: &CDR{Extension: "101", Disposition: d, EndedBy: by, Reason: why, EndedAt: &end}}
	}
	const low = Unit
	for _, c := range []struct {
		name   string
		record Filed
		want   []EventName
	}{
		{"a charge that crosses the threshold", entry(ChargeEntry, low, low-1), []EventName{BalanceLow}},
		{"a charge to exactly the threshold", entry(ChargeEntry, 2*low, low), nil},
		{"a charge far above", entry(ChargeEntry, 5*low, 4*low), nil},
		{"a charge below it, told before", entry(ChargeEntry, low-1, low-2), nil},
		{"a recharge", entry(RechargeEntry, 0, 5*low), []EventName{Recharged}},
		{"a recharge taken back across the threshold", entry(RechargeEntry, 5*low, 0), []EventName{Recharged, BalanceLow}},
		{"an adjustment across the threshold", entry(AdjustmentEntry, 5*low, 0), []EventName{BalanceLow}},
		{"a deleted extension", entry(ClosingEntry, 5*low, 0), nil},
		{"a call cut for money", call(Answered, ByCredit, ""), []EventName{CallCut}},
		{"a call cut by a limit", call(Answered, ByLimit, ""), []EventName{LimitReached}},
		{"a call refused by a limit", call(Rejected, BySystem, ReasonLimit), []EventName{LimitReached}},
		{"a call refused for money", call(Rejected, BySystem, ReasonNoCredit), nil},
		{"a call like any other", call(Answered, ByCaller, ""), nil},
		{"a record that cannot be read", Filed{Bad: "no JSON"}, nil},
	} {
		var got []EventName
		for _, e := range EventsOf(c.record, low) {
			got = append(got, e.Name)
			if !strings.Contains(e.ID, string(e.Name)) || !strings.Contains(string(e.Data), `"extension":"101"`) {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s tells %v, want %v", c.name, got, c.want)
		}
	}
}
