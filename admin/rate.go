package admin

import (
	"slices"

	"tollgate/rating"
)

// rate is the resource: a tariff, and the calls that it is for.
type rate struct {
	ID           int64            `json:"id" readOnly:"true" doc:"Names the rate for good."`
	Active       bool             `json:"active" doc:"Whether it bills calls."`
	Remark       string           `json:"remark" doc:"What it is for."`
	Prefix       string           `json:"prefix" doc:"Of the dialled number, before a dial rule strips anything; empty: any."`
	NumberLength int              `json:"number_length" doc:"Of the dialled number, + included; 0: any."`
	InitialCost  rating.Money     `json:"initial_cost" doc:"Covers the first initial_time seconds; at most 10000."`
	InitialTime  int64            `json:"initial_time" doc:"Seconds, 0 to 86400."`
	Rate         rating.Money     `json:"rate" doc:"Price of every begun billing_unit after the initial time; at most 10000."`
	BillingUnit  int64            `json:"billing_unit" doc:"Seconds, 1 to 86400; 0 only where rate is 0."`
	StartTime    rating.TimeOfDay `json:"start_time" doc:"First second of the day in which it bills, in the installation's time zone."`
	EndTime      rating.TimeOfDay `json:"end_time" doc:"Last second, included; a start after the end wraps midnight."`
	Extensions   []string         `json:"extensions" doc:"Who is billed by it: [\"*\"] is everyone, [] nobody."`
	Version      int64            `json:"version" readOnly:"true" doc:"Grows with every edit."`
}

func rateOf(r rating.Rate) rate {
	return rate{r.ID, r.Active, r.Remark, r.Prefix, r.NumberLength, r.InitialCost, r.InitialTime, r.PerUnit, r.BillingUnit, r.StartTime, r.EndTime,
		nonNil(r.Extensions), r.Version}
}

func (r rate) rating() rating.Rate {
	return rating.Rate{ID: r.ID, Active: r.Active, Remark: r.Remark, Prefix: r.Prefix, NumberLength: r.NumberLength,
		Tariff:    rating.Tariff{InitialCost: r.InitialCost, InitialTime: r.InitialTime, PerUnit: r.Rate, BillingUnit: r.BillingUnit},
		StartTime: r.StartTime, EndTime: r.EndTime, Extensions: r.Extensions, Version: r.Version}
}

// nonNil lets an empty list be [] and not null.
func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return slices.Clone(items)
}

// mergeRate puts a body over a rate.
func (b body) mergeRate(old rating.Rate) (rating.Rate, error) {
	merged, err := over(b, rateOf(old))
	if err != nil {
		return old, err
	}
	r := merged.rating()
	return r, r.Validate()
}

const priceRule = "A new rate says what calls cost: rate, initial_cost, or both. \"rate\": \"0\" makes them free."

// priced refuses a new rate that names no price: with everything else at its default it would make calls free for everybody.
func (b body) priced() rating.Invalid {
	if b.has("rate") || b.has("initial_cost") {
		return nil
	}
	return rating.Invalid{{Field: "rate", Message: "is missing, and so is initial_cost: say what calls cost, \"0\" if they are free"}}
}
