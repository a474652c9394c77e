package rating

import "time"

// Snapshot is everything that operators edit, at one version, indexed for the call path. It is immutable: a call keeps
// the one that it began with.
type Snapshot struct {
	Version  int64
	Settings Settings
	Billing  Billing
	Rates    *RateIndex
	Plan     *DialPlan

	location   *time.Location
	extensions map[string]*Extension
	digests    int // extensions with a SIP password
}

// Documents are the contents of a snapshot, as they are stored.
type Documents struct {
	Version    int64       `json:"version"`
	Settings   Settings    `json:"settings"`
	Billing    Billing     `json:"billing"`
	Extensions []Extension `json:"extensions"`
	Rates      []Rate      `json:"rates"`
	Trunks     []Trunk     `json:"trunks"`
	DialRules  []DialRule  `json:"dial_rules"`
}

// NewSnapshot indexes the documents.
func NewSnapshot(d Documents) *Snapshot {
	s := &Snapshot{Version: d.Version, Settings: d.Settings, Billing: d.Billing, Rates: NewRateIndex(d.Rates),
		Plan: NewDialPlan(d.DialRules, d.Trunks), location: d.Settings.Location(), extensions: make(map[string]*Extension, len(d.Extensions))}
	for i := range d.Extensions {
		s.extensions[d.Extensions[i].Number] = &d.Extensions[i]
	}
	for _, e := range s.extensions {
		s.digests += withDigest(e)
	}
	return s
}

// Extension returns who has the number. Do not change what the pointer points to.
func (s *Snapshot) Extension(number string) (*Extension, bool) {
	e, ok := s.extensions[number]
	return e, ok
}

// Extensions counts them.
func (s *Snapshot) Extensions() int { return len(s.extensions) }

// Each calls f with every extension, in no order, until f returns false.
func (s *Snapshot) Each(f func(*Extension) bool) {
	for _, e := range s.extensions {
		if !f(e) {
			return
		}
	}
}

// Location is the installation's time zone.
func (s *Snapshot) Location() *time.Location { return s.location }

// Day names the day of an instant in the installation's time zone: 2006-01-02.
func (s *Snapshot) Day(at time.Time) string { return at.In(s.location).Format(time.DateOnly) }

// AnyDigest reports whether an extension has a SIP password, so that strangers are challenged.
func (s *Snapshot) AnyDigest() bool { return s.digests > 0 }

// withDigest counts an extension that has a SIP password; nil is none.
func withDigest(e *Extension) int {
	if e != nil && e.Digest.Set() {
		return 1
	}
	return 0
}
