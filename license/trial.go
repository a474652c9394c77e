package license

import "time"

// TrialLength is how long billing may be tried out from its first activation.
const TrialLength = 30 * 24 * time.Hour

// WarnBefore is how long before the end of the trial operators are told.
const WarnBefore = 7 * 24 * time.Hour

// State is what may be said of activation, trial and licence at one moment.
type State struct {
	Started     time.Time // first activation of billing; zero = never
	Licensed    bool      // a valid licence that lists a live device of this installation
	License     License   // the newest valid one, listed or not; zero without
	Now         time.Time // by a clock that is never turned back
	Development bool      // licences are checked with the key that everybody has
	Attempts    Attempts
}

// ExpiresAt is the end of the trial; zero where none has begun, or a licence makes it endless.
func (s State) ExpiresAt() time.Time {
	if s.Licensed || s.Started.IsZero() {
		return time.Time{}
	}
	return s.Started.Add(TrialLength)
}

// Expired reports whether the trial is over without a licence: managers and viewers may do nothing any more, the
// administrator may no longer move money. Calls are charged as before.
func (s State) Expired() bool {
	end := s.ExpiresAt()
	return !end.IsZero() && !s.Now.Before(end)
}

// Remaining is how long the trial still lasts, 0 when it is over. Without an end, before the first activation or with a
// licence, endless is true.
func (s State) Remaining() (left time.Duration, endless bool) {
	end := s.ExpiresAt()
	if end.IsZero() {
		return 0, true
	}
	return max(0, end.Sub(s.Now)), false
}

// DaysLeft is how many days of the trial are left, a begun one counted; 0 when it is over or has no end.
func (s State) DaysLeft() int64 {
	left, _ := s.Remaining()
	return int64((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// Expiring reports whether operators should be told that the end is near.
func (s State) Expiring() bool {
	left, endless := s.Remaining()
	return !endless && left <= WarnBefore
}
