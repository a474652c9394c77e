package rating

import "slices"

// emergencyNumber returns the listed emergency number that a dialled one stands for: itself, or what is left when a
// matching dial rule has cut off its digits.
func (s *Snapshot) emergencyNumber(dialled string) (string, bool) {
	listed := s.Settings.EmergencyNumbers
	if slices.Contains(listed, dialled) {
		return dialled, true
	}
	for _, r := range s.Plan.rules {
		if rest, ok := r.stripped(dialled); ok && r.Strip > 0 && r.matches(dialled) && slices.Contains(listed, rest) {
			return rest, true
		}
	}
	return "", false
}

// Emergency returns the route of an emergency call, or false where the number is none. The trunks of the matching dial
// rule come first, then the setting emergency_trunks, then every enabled trunk: an emergency call tries them all. A
// rule that would cut into the emergency number itself is used for its trunks only.
func (s *Snapshot) Emergency(dialled string) (Route, bool) {
	number, ok := s.emergencyNumber(dialled)
	if !ok {
		return Route{}, false
	}
	route := Route{Sent: number}
	if rule, ok := s.Plan.Rule(dialled); ok {
		route.RuleID = rule.ID
		route.Trunks = s.Plan.enabled(rule.Trunks)
		if rest, _ := rule.stripped(dialled); rest == number {
			route.Sent = rule.Prepend + number
		}
	}
	for _, t := range slices.Concat(s.Plan.enabled(s.Settings.EmergencyTrunks), s.Plan.order) {
		if t.Enabled && !slices.Contains(route.Trunks, t) {
			route.Trunks = append(route.Trunks, t)
		}
	}
	return route, true
}
