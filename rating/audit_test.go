package rating

import (
	"testing"
	"time"
)

func TestReconcileFindsEveryMicroUnit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	terms := Terms{true, Prepaid, Unlocked, 5}
	good := func() Evidence {
		return Evidence{
			Account: Account{Extension: "101", Balance: 70, Held: 30, TotalRecharges: 100, ActiveCalls: 1, Seq: 2, Terms: terms},
			Terms:   &Terms{true, Prepaid, Unlocked, 5},
			Holds:   []Hold{{Call: "c", Amount: 30, Units: 3, Tariff: Tariff{PerUnit: 10, BillingUnit: 1}, Lease: now}},
			Journal: JournalSum{Entries: 2, LastSeq: 2, Amount: 70, After: 70, Recharged: 100, Charged: 30},
			Calls:   CallSum{Calls: 1, Cost: 30, RolledUp: 20, ArchivedIn: 20},
		}
	}
	if found := Reconcile(good(), now); len(found) != 0 {
		t.Fatalf("sound evidence: %+v", found)
	}
	for law, changes := range map[string][]func(*Evidence){
		"balance":         {func(e *Evidence) { e.Account.Balance++ }, func(e *Evidence) { e.Journal.Amount-- }, func(e *Evidence) { e.Journal.After++ }},
		"journal":         {func(e *Evidence) { e.Journal.Entries++ }, func(e *Evidence) { e.Journal.LastSeq-- }, func(e *Evidence) { e.Journal.Breaks++ }},
		"calls":           {func(e *Evidence) { e.Calls.Cost++ }, func(e *Evidence) { e.Journal.Charged-- }, func(e *Evidence) { e.Calls.Unmatched = []CallID{"x"} }},
		"statistics":      {func(e *Evidence) { e.Calls.RolledUp++ }},
		"total_recharges": {func(e *Evidence) { e.Account.TotalRecharges++ }},
		"held":            {func(e *Evidence) { e.Account.Held-- }, func(e *Evidence) { e.Holds[0].Amount++; e.Account.Held++ }, func(e *Evidence) { e.Account.ActiveCalls++ }, func(e *Evidence) { e.Holds[0].Lease = now.Add(-61 * time.Second) }},
		"terms":           {func(e *Evidence) { e.Terms.Credit++ }, func(e *Evidence) { e.Terms.Status = Locked }},
		"range":           {func(e *Evidence) { e.Account.Credit = -1; e.Terms = nil }},
	} {
		for i, change := range changes {
			e := good()
			change(&e)
			found := Reconcile(e, now)
			if len(found) == 0 || found[0].Law != law || found[0].Extension != "101" {
				t.Errorf("%s, change %d: found %+v", law, i, found)
			}
		}
	}
}

func TestCutAfterIsTheEarlierOfMoneyAndLimit(t *testing.T) {
	metered := Hold{Tariff: guide, Units: 2}
	for _, c := range []struct {
		name  string
		hold  Hold
		limit int64
		want  time.Duration
		ends  bool
	}{
		{"money", metered, 0, 170 * time.Second, true},
		{"limit", metered, 100, 100 * time.Second, true},
		{"money before limit", metered, 500, 170 * time.Second, true},
		{"unbilled has a limit only", Hold{Tariff: guide, Unbilled: EmergencyCall}, 0, 0, false},
		{"a flat fee has no end", Hold{Tariff: Tariff{InitialCost: 1}}, 0, 0, false},
	} {
		if got, ends := c.hold.CutAfter(c.limit); got != c.want || ends != c.ends {
			t.Errorf("%s: %v, %v", c.name, got, ends)
		}
	}
}
