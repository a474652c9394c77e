package catalog

import (
	"context"

	"tollgate/rating"
)

// AddDialRule adds a dial rule under an id of its own. Its trunks must exist.
func (c *Catalog) AddDialRule(ctx context.Context, r rating.DialRule) (rating.DialRule, error) {
	if err := r.Validate(); err != nil {
		return r, err
	}
	var last int64
	for _, held := range c.Current().Plan.Rules() {
		last = max(last, held.ID)
	}
	id, err := c.reserve(ctx, dialRuleKind, 1, last)
	if err != nil {
		return r, err
	}
	r.ID = id
	return add(ctx, c, dialRuleForm, r, rating.ErrConflict, ruleTrunks)
}

// EditDialRule changes a dial rule; rating.ErrNotFound where it is not there. edit may be called several times, each
// time with what is stored then; it is the place to compare versions.
func (c *Catalog) EditDialRule(ctx context.Context, id int64, edit func(rating.DialRule) (rating.DialRule, error)) (rating.DialRule, error) {
	return change(ctx, c, dialRuleForm, formatID(id), edit, ruleTrunks)
}

// DeleteDialRule removes a dial rule; rating.ErrNotFound where it is not there. allowed sees the version that is stored, and may
// say no; nil is always yes.
func (c *Catalog) DeleteDialRule(ctx context.Context, id int64, allowed func(version int64) error) error {
	return remove(ctx, c, dialRuleForm, formatID(id), allowed, nil)
}

func ruleTrunks(r *rating.DialRule, s *rating.Snapshot) error {
	return trunksExist(r.Trunks, "trunks", s)
}
