package rating

import "maps"

// Change is what a new snapshot has that the one before had not. A nil part stays as it is.
type Change struct {
	Version    int64
	Settings   *Settings
	Billing    *Billing
	Extensions map[string]*Extension // changed ones by number; a nil value is gone
	Rates      map[int64]*Rate       // changed ones by id; a nil value is gone
	Plan       *DialPlan
}

// With returns the next snapshot. It shares with this one whatever did not change, and costs what the change costs, not
// what the whole does. What c points to belongs to the new snapshot from here on.
func (s *Snapshot) With(c Change) *Snapshot {
	next := *s
	next.Version = c.Version
	if c.Settings != nil {
		next.Settings, next.location = *c.Settings, c.Settings.Location()
	}
	if c.Billing != nil {
		next.Billing = *c.Billing
	}
	if len(c.Extensions) > 0 {
		for number, e := range c.Extensions {
			next.digests += withDigest(e) - withDigest(s.extensions[number])
		}
		next.extensions = maps.Clone(s.extensions)
		overlay(next.extensions, c.Extensions)
	}
	if len(c.Rates) > 0 {
		next.Rates = s.Rates.With(c.Rates)
	}
	if c.Plan != nil {
		next.Plan = c.Plan
	}
	return &next
}

// overlay writes the changed values over the old ones; nil removes.
func overlay[K comparable, V any](old, changed map[K]*V) {
	for key, value := range changed {
		if value == nil {
			delete(old, key)
			continue
		}
		old[key] = value
	}
}

// Documents returns the contents of the snapshot, as they are stored: the inverse of NewSnapshot.
func (s *Snapshot) Documents() Documents {
	d := Documents{Version: s.Version, Settings: s.Settings, Billing: s.Billing, Rates: s.Rates.Rates(), DialRules: s.Plan.Rules(),
		Extensions: make([]Extension, 0, len(s.extensions)), Trunks: make([]Trunk, 0, len(s.Plan.order))}
	for _, e := range s.extensions {
		d.Extensions = append(d.Extensions, *e)
	}
	for _, t := range s.Plan.order {
		d.Trunks = append(d.Trunks, *t)
	}
	return d
}
