package rating

import (
	"fmt"
	"slices"
)

// AllExtensions in a rate's list means every extension.
const AllExtensions = "*"

// Bounds of what an operator may enter.
const (
	MaxPrefix     = 32      // characters of a prefix
	MaxNumber     = 40      // characters of a dialled number
	MaxRemark     = 200     // bytes of a remark or a note
	MaxNamed      = 100_000 // extensions named by one rate
	MaxExtension  = 32      // characters of an extension number
	MaxUsername   = 100     // bytes of a user name
	maxListInside = 1000    // entries of a small list: prefixes, trunks of a rule, networks of a trunk
)

// Rate is a tariff and the calls that it is for.
type Rate struct {
	ID           int64  `json:"id"`
	Active       bool   `json:"active"`
	Remark       string `json:"remark"`
	Prefix       string `json:"prefix"`        // of the dialled number, before any digit is stripped; "" = any
	NumberLength int    `json:"number_length"` // of the dialled number, + included; 0 = any
	Tariff
	StartTime  TimeOfDay `json:"start_time"` // the block wraps midnight when start is after end
	EndTime    TimeOfDay `json:"end_time"`   // included
	Extensions []string  `json:"extensions"` // who is billed by it; ["*"] = all, empty = nobody
	Version    int64     `json:"version"`
}

// NewRate returns a rate as an empty form shows it: active, the whole day, for everybody.
func NewRate() Rate {
	return Rate{Active: true, EndTime: LastSecond, Extensions: []string{AllExtensions}}
}

// Validate reports every field that is out of bounds, as Invalid.
func (r Rate) Validate() error {
	var bad Invalid
	bad.checkRemark(r.Remark, "remark")
	bad.add(r.Prefix == "" || validPrefix(r.Prefix), "prefix", prefixRule)
	bad.add(r.NumberLength >= 0 && r.NumberLength <= MaxNumber, "number_length", fmt.Sprintf("must be 0 (any) to %d", MaxNumber))
	bad.add(r.NumberLength == 0 || r.NumberLength >= len(r.Prefix), "number_length", "is shorter than the prefix, so nothing could match")
	r.Tariff.check(&bad)
	bad.add(r.StartTime >= 0 && r.StartTime <= LastSecond, "start_time", "must be 00:00:00 to 23:59:59")
	bad.add(r.EndTime >= 0 && r.EndTime <= LastSecond, "end_time", "must be 00:00:00 to 23:59:59")
	bad.add(r.StartTime != r.EndTime, "end_time", "must differ from start_time; the whole day is 00:00:00 to 23:59:59")
	checkRateExtensions(r.Extensions, &bad)
	return bad.err()
}

func (t Tariff) check(bad *Invalid) {
	price := func(m Money, field string) {
		bad.add(m >= 0 && m <= MaxPrice, field, "must be 0 to "+MaxPrice.String())
	}
	seconds := func(n int64, field string) {
		bad.add(n >= 0 && n <= MaxTariffSeconds, field, fmt.Sprintf("must be 0 to %d seconds", MaxTariffSeconds))
	}
	price(t.InitialCost, "initial_cost")
	seconds(t.InitialTime, "initial_time")
	price(t.PerUnit, "rate")
	seconds(t.BillingUnit, "billing_unit")
	bad.add(t.BillingUnit > 0 || t.PerUnit == 0, "billing_unit", "must be at least 1 second where the rate is not 0")
}

func checkRateExtensions(list []string, bad *Invalid) {
	if slices.Equal(list, []string{AllExtensions}) {
		return
	}
	bad.add(len(list) <= MaxNamed, "extensions", fmt.Sprintf("names more than %d extensions: use [\"*\"]", MaxNamed))
	seen := make(map[string]bool, len(list))
	for _, number := range list {
		switch {
		case number == AllExtensions:
			bad.add(false, "extensions", `"*" stands alone: ["*"] already means every extension`)
		case !ValidExtension(number):
			bad.add(false, "extensions", fmt.Sprintf("%q is no extension number: %s", shorten(number), extensionRule))
		case seen[number]:
			bad.add(false, "extensions", fmt.Sprintf("names %s twice", number))
		}
		seen[number] = true
		if len(*bad) > maxFaults {
			return
		}
	}
}

// maxFaults bounds how many faults of one value are listed.
const maxFaults = 50

// billed reports whether the rate is for the extension: named, or everyone.
func (r Rate) billed(extension string) bool {
	return slices.Contains(r.Extensions, extension) || slices.Equal(r.Extensions, []string{AllExtensions})
}
