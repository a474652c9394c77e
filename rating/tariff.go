package rating

// Tariff is what a call costs: InitialCost covers the first InitialTime seconds, then every begun BillingUnit of
// seconds costs PerUnit. The price per unit is entered as such and never divided, so every cost is exact.
type Tariff struct {
	InitialCost Money `json:"initial_cost"`
	InitialTime int64 `json:"initial_time"` // seconds, 0 to 86400
	PerUnit     Money `json:"rate"`
	BillingUnit int64 `json:"billing_unit"` // seconds, 1 to 86400; 0 only where PerUnit is 0
}

// MaxTariffSeconds bounds an initial time and a billing unit: one day.
const MaxTariffSeconds = 86_400

// Free reports whether no call of this tariff can ever cost anything.
func (t Tariff) Free() bool { return t.InitialCost == 0 && t.PerUnit == 0 }

// metered reports whether talking on costs more and more.
func (t Tariff) metered() bool { return t.PerUnit > 0 && t.BillingUnit > 0 }

// Units returns how many billing units a call of that many seconds has begun after the initial time.
func (t Tariff) Units(seconds int64) int64 {
	if seconds <= t.InitialTime || t.BillingUnit <= 0 {
		return 0
	}
	return (seconds-t.InitialTime-1)/t.BillingUnit + 1
}

// Cost returns the price of an answered call of that many seconds, counted as BilledSeconds counts them. A call that
// was not answered (seconds <= 0) is free.
func (t Tariff) Cost(seconds int64) Money {
	if seconds <= 0 {
		return 0
	}
	return t.CostOfUnits(t.Units(seconds))
}

// CostOfUnits returns the price of the initial time and that many units. The largest tariff and the longest call stay
// below MaxMoney: 10,000 × 86,400 units and an initial 10,000 are 864,010,000.
func (t Tariff) CostOfUnits(units int64) Money { return t.InitialCost + Money(units)*t.PerUnit }

// FirstUnits returns how many units the first charge holds: the one that a call begins with when there is no initial
// time, or the first that costs anything when the initial time is free; else none.
func (t Tariff) FirstUnits() int64 {
	if t.metered() && (t.InitialTime == 0 || t.InitialCost == 0) {
		return 1
	}
	return 0
}

// FirstCharge returns what must be affordable, and is held, before the INVITE goes out.
func (t Tariff) FirstCharge() Money { return t.CostOfUnits(t.FirstUnits()) }

// PaidFor returns the seconds from the answer that a hold of that many units pays for; ok is false where it pays for
// a call without end, because talking on costs nothing.
func (t Tariff) PaidFor(units int64) (seconds int64, ok bool) {
	if !t.metered() {
		return 0, false
	}
	return t.InitialTime + units*t.BillingUnit, true
}

// UnitsAhead returns how many units begin within that many seconds, at least one: what a rich account may hold ahead.
func (t Tariff) UnitsAhead(seconds int64) int64 {
	if !t.metered() {
		return 0
	}
	return max(1, seconds/t.BillingUnit)
}

// TalkTime is the inverse of Cost: the longest call, in seconds, that costs no more than funds; ok is false where it
// has no end. Cost(TalkTime(funds)) <= funds < Cost(TalkTime(funds)+1).
func (t Tariff) TalkTime(funds Money) (seconds int64, ok bool) {
	if funds < t.InitialCost || funds < t.Cost(1) {
		return 0, true
	}
	if !t.metered() {
		return 0, false
	}
	return t.PaidFor(int64((funds - t.InitialCost) / t.PerUnit))
}
