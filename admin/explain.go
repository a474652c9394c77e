package admin

import (
	"fmt"

	"tollgate/rating"
)

// explainCost says step by step how the cost of a call came about. A call that cost nothing says why.
func explainCost(c rating.CDR) []step {
	switch {
	case c.Disposition == rating.Rejected:
		return []step{{Explain: "The call was refused: nothing to pay."}}
	case c.AnsweredAt == nil:
		return []step{{Explain: "The call was not answered: nothing to pay."}}
	case c.Unbilled != nil && *c.Unbilled != rating.Billed:
		return []step{{To: c.Duration, Explain: "The call was answered and not billed: " + unbilledText[*c.Unbilled] + "."}}
	case c.Rate == nil:
		return []step{{To: c.Duration, Amount: c.Cost, Total: c.Cost, Explain: "The record holds no rate."}}
	}
	return explainTariff(c.Rate.Tariff, c.Units, c.Duration)
}

var unbilledText = map[rating.Unbilled]string{
	rating.BillingDeactivated: "billing as a whole was deactivated",
	rating.BillingDisabled:    "billing was not enabled for the extension",
	rating.EmergencyCall:      "it went to an emergency number",
	rating.Unrated:            "no rate matched, and unrated calls are allowed",
	rating.FreeRate:           "its rate is free",
}

// explainTariff is Tariff.CostOfUnits, told as a sum.
func explainTariff(t rating.Tariff, units, duration int64) []step {
	var steps []step
	total := t.InitialCost
	if t.InitialCost > 0 || t.InitialTime > 0 {
		steps = append(steps, step{To: t.InitialTime, Price: t.InitialCost, Amount: t.InitialCost, Total: total,
			Explain: fmt.Sprintf("%s for the first %d s", t.InitialCost, t.InitialTime)})
	}
	if units > 0 {
		amount := t.CostOfUnits(units) - t.InitialCost
		total += amount
		steps = append(steps, step{From: t.InitialTime, To: t.InitialTime + units*t.BillingUnit, Units: units, Price: t.PerUnit, Amount: amount, Total: total,
			Explain: fmt.Sprintf("%d begun units of %d s at %s are %s", units, t.BillingUnit, t.PerUnit, amount)})
	}
	return append(steps, step{To: duration, Amount: 0, Total: total, Explain: fmt.Sprintf("A call of %d s costs %s", duration, total)})
}
