package rating

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// DialRule says where a dialled number goes: it cuts digits off the front, puts others there, and names trunks in the
// order in which they are tried. A call uses one rule only.
type DialRule struct {
	ID           int64    `json:"id"`
	Position     int64    `json:"position"` // decides between rules that match alike; lower first
	Enabled      bool     `json:"enabled"`
	Prefix       string   `json:"prefix"`        // "" = any
	NumberLength int      `json:"number_length"` // 0 = any
	Strip        int      `json:"strip"`         // characters cut off the front
	Prepend      string   `json:"prepend"`       // then put there
	Trunks       []string `json:"trunks"`
	Version      int64    `json:"version"`
}

// NewDialRule returns a rule as an empty form shows it.
func NewDialRule() DialRule { return DialRule{Enabled: true, Trunks: []string{}} }

// Validate reports every field that is out of bounds, as Invalid. That the trunks exist is checked where they are known.
func (r DialRule) Validate() error {
	var bad Invalid
	bad.add(r.Prefix == "" || validPrefix(r.Prefix), "prefix", prefixRule)
	bad.add(r.NumberLength >= 0 && r.NumberLength <= MaxNumber, "number_length", fmt.Sprintf("must be 0 (any) to %d", MaxNumber))
	bad.add(r.NumberLength == 0 || r.NumberLength >= len(r.Prefix), "number_length", "is shorter than the prefix, so nothing could match")
	bad.add(r.Strip >= 0 && r.Strip <= MaxNumber, "strip", fmt.Sprintf("must be 0 to %d", MaxNumber))
	bad.add(r.NumberLength == 0 || r.Strip < r.NumberLength || r.Prepend != "", "strip", "leaves nothing of the number")
	bad.add(r.Prepend == "" || validPrefix(r.Prepend), "prepend", prefixRule)
	bad.add(r.Position >= 0 && r.Position <= 1_000_000, "position", "must be 0 to 1000000")
	bad.add(len(r.Trunks) > 0 && len(r.Trunks) <= 20, "trunks", "must name 1 to 20 trunks, in the order in which they are tried")
	for i, name := range r.Trunks[:min(len(r.Trunks), 20)] {
		bad.add(validName(name), "trunks", fmt.Sprintf("%q is no trunk name", shorten(name)))
		bad.add(!slices.Contains(r.Trunks[:i], name), "trunks", "names "+shorten(name)+" twice")
	}
	return bad.err()
}

// matches reports whether the rule is for the number.
func (r DialRule) matches(number string) bool {
	return r.Enabled && strings.HasPrefix(number, r.Prefix) && (r.NumberLength == 0 || r.NumberLength == len(number))
}

// stripped returns the number without the characters that the rule cuts off; ok is false where it has fewer.
func (r DialRule) stripped(number string) (string, bool) {
	if r.Strip > len(number) {
		return "", false
	}
	return number[r.Strip:], true
}

// Route is where a call goes.
type Route struct {
	RuleID int64    `json:"rule_id"` // 0 = none, an emergency call without a matching rule
	Sent   string   `json:"sent"`    // the number as the trunk gets it
	Trunks []*Trunk `json:"-"`       // in the order in which they are tried; enabled ones only
}

// DialPlan holds the dial rules and trunks of a snapshot. It is immutable.
type DialPlan struct {
	rules  []DialRule // most specific first
	trunks map[string]*Trunk
	order  []*Trunk // by name
}

// NewDialPlan orders the rules: longest prefix, then exact length before any, then position, then id.
func NewDialPlan(rules []DialRule, trunks []Trunk) *DialPlan {
	p := &DialPlan{rules: slices.Clone(rules), trunks: make(map[string]*Trunk, len(trunks))}
	slices.SortFunc(p.rules, func(a, b DialRule) int {
		return cmp.Or(-cmp.Compare(len(a.Prefix), len(b.Prefix)), -cmp.Compare(min(a.NumberLength, 1), min(b.NumberLength, 1)),
			cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
	})
	for _, t := range trunks {
		p.trunks[t.Name] = &t
		p.order = append(p.order, &t)
	}
	slices.SortFunc(p.order, func(a, b *Trunk) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// Rule returns the rule for a dialled number. There is no second choice.
func (p *DialPlan) Rule(number string) (DialRule, bool) {
	for _, r := range p.rules {
		if r.matches(number) {
			return r, true
		}
	}
	return DialRule{}, false
}

// Route returns where a dialled number goes, or ErrNoRoute. A rule whose trunks are all disabled gives ErrTrunk.
func (p *DialPlan) Route(number string) (Route, error) {
	rule, ok := p.Rule(number)
	if !ok {
		return Route{}, ErrNoRoute
	}
	rest, ok := rule.stripped(number)
	if !ok || rule.Prepend+rest == "" || !ValidNumber(rule.Prepend+rest) {
		return Route{}, fmt.Errorf("dial rule %d leaves no number of %s: %w", rule.ID, number, ErrNoRoute)
	}
	route := Route{RuleID: rule.ID, Sent: rule.Prepend + rest, Trunks: p.enabled(rule.Trunks)}
	if len(route.Trunks) == 0 {
		return route, fmt.Errorf("dial rule %d has no enabled trunk: %w", rule.ID, ErrTrunk)
	}
	return route, nil
}

// enabled returns the enabled trunks of a list of names, in its order.
func (p *DialPlan) enabled(names []string) []*Trunk {
	trunks := make([]*Trunk, 0, len(names))
	for _, name := range names {
		if t := p.trunks[name]; t != nil && t.Enabled {
			trunks = append(trunks, t)
		}
	}
	return trunks
}

// Trunk returns a trunk by name.
func (p *DialPlan) Trunk(name string) (*Trunk, bool) {
	t, ok := p.trunks[name]
	return t, ok
}

// Trunks returns all trunks by name. The slice belongs to the plan.
func (p *DialPlan) Trunks() []*Trunk { return p.order }

// Rules returns all rules, most specific first. The slice belongs to the plan.
func (p *DialPlan) Rules() []DialRule { return p.rules }
