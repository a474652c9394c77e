package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tollgate/rating"
)

// AddTrunk adds a trunk; rating.ErrConflict where the name is taken.
func (c *Catalog) AddTrunk(ctx context.Context, t rating.Trunk) (rating.Trunk, error) {
	return add(ctx, c, trunkForm, t, fmt.Errorf("%w: there is a trunk of this name already", rating.ErrConflict), nil)
}

// EditTrunk changes a trunk, but not its name; rating.ErrNotFound where it is not there. edit may be called several
// times, each time with what is stored then; it is the place to compare versions.
func (c *Catalog) EditTrunk(ctx context.Context, name string, edit func(rating.Trunk) (rating.Trunk, error)) (rating.Trunk, error) {
	return change(ctx, c, trunkForm, name, edit, nil)
}

// DeleteTrunk removes a trunk; rating.ErrConflict, and who, while a dial rule or the setting emergency_trunks names it.
// allowed sees the version that is stored, and may say no; nil is always yes.
func (c *Catalog) DeleteTrunk(ctx context.Context, name string, allowed func(version int64) error) error {
	return remove(ctx, c, trunkForm, name, allowed, func(_ *rating.Trunk, s *rating.Snapshot) error {
		users := trunkUsers(name, s)
		if len(users) == 0 {
			return nil
		}
		return fmt.Errorf("%w: it is used by %s", rating.ErrConflict, strings.Join(users, ", "))
	})
}

// trunkUsers says what names a trunk: at most a few.
func trunkUsers(name string, s *rating.Snapshot) []string {
	const most = 5
	var users []string
	for _, r := range s.Plan.Rules() {
		if !slices.Contains(r.Trunks, name) {
			continue
		}
		if len(users) == most {
			users = append(users, "more dial rules")
			break
		}
		users = append(users, fmt.Sprintf("dial rule %d", r.ID))
	}
	if slices.Contains(s.Settings.EmergencyTrunks, name) {
		users = append(users, "the setting emergency_trunks")
	}
	return users
}

// trunksExist reports the names of a list that are no trunks, as faults of a field.
func trunksExist(names []string, field string, s *rating.Snapshot) error {
	var bad rating.Invalid
	for _, name := range names {
		if _, ok := s.Plan.Trunk(name); !ok {
			bad = append(bad, rating.FieldError{Field: field, Message: fmt.Sprintf("there is no trunk %q", shorten(name))})
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}
