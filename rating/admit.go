package rating

import "time"

// Admission is what an INVITE is let in on, decided from one snapshot; the money is asked for next.
type Admission struct {
	Extension *Extension // nil for an emergency call of an extension that is not known
	Dialled   string
	Route     Route
	Rate      *Rate  // nil where the call is not billed by one
	Tariff    Tariff // zero where the call is not billed
	Unbilled  Unbilled
	Limits    CallLimits
}

// Emergency reports whether nothing but the trunks may stop the call.
func (a Admission) Emergency() bool { return a.Unbilled == EmergencyCall }

// Admit decides who pays what for a call, and where it goes: emergency numbers first, then extension, lock, number
// lists, dial rule and rate, in this order. dialled is normalised. With an error the admission holds what is known by
// then, for the record of the refusal.
func (s *Snapshot) Admit(extension, dialled string, at time.Time) (Admission, error) {
	e, _ := s.Extension(extension)
	return s.AdmitExtension(e, dialled, at)
}

// AdmitExtension does so for an extension that the snapshot may not have yet; nil is one that nobody knows.
func (s *Snapshot) AdmitExtension(e *Extension, dialled string, at time.Time) (Admission, error) {
	a := Admission{Extension: e, Dialled: dialled}
	if route, ok := s.Emergency(dialled); ok {
		a.Route, a.Unbilled = route, EmergencyCall
		return a, nil
	}
	if a.Extension == nil {
		return a, ErrUnknownExtension
	}
	if a.Extension.Status == Locked {
		return a, ErrLocked
	}
	a.Limits = a.Extension.Limits.Over(s.Settings.DefaultLimits)
	if !a.Limits.AllowsNumber(dialled) {
		return a, ErrLimit
	}
	var err error
	if a.Route, err = s.Plan.Route(dialled); err != nil {
		return a, err
	}
	return s.price(a, at)
}

// price adds the rate, or why the call has none.
func (s *Snapshot) price(a Admission, at time.Time) (Admission, error) {
	switch {
	case !s.Billing.Active:
		a.Unbilled = BillingDeactivated
	case !a.Extension.BillingEnabled:
		a.Unbilled = BillingDisabled
	default:
		rate, ok := s.Rates.Match(RateQuery{a.Extension.Number, a.Dialled, TimeOfDayOf(at.In(s.location))})
		switch {
		case ok && rate.Free():
			a.Rate, a.Unbilled = rate, FreeRate
		case ok:
			a.Rate, a.Tariff = rate, rate.Tariff
		case s.Settings.UnratedCalls == Allow:
			a.Unbilled = Unrated
		default:
			return a, ErrNoRate
		}
	}
	if a.Unbilled != Billed {
		a.Limits.DailySpend = 0 // nothing is spent
	}
	return a, nil
}
