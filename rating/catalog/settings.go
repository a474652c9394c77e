package catalog

import (
	"context"

	"tollgate/rating"
)

// EditSettings changes the settings. The emergency trunks must exist. edit may be called several times, each time with
// what is stored then; it is the place to compare versions.
func (c *Catalog) EditSettings(ctx context.Context, edit func(rating.Settings) (rating.Settings, error)) (rating.Settings, error) {
	return change(ctx, c, settingsForm, settingsID, edit, func(s *rating.Settings, all *rating.Snapshot) error {
		return trunksExist(s.EmergencyTrunks, "emergency_trunks", all)
	})
}

// EditBilling changes whether calls are billed. Who activates billing for the first time says when that was; from then
// on first_activated_at stays, whatever edit says.
func (c *Catalog) EditBilling(ctx context.Context, edit func(rating.Billing) (rating.Billing, error)) (rating.Billing, error) {
	return change(ctx, c, billingForm, billingID, func(old rating.Billing) (rating.Billing, error) {
		next, err := edit(old)
		if old.FirstActivatedAt != nil {
			next.FirstActivatedAt = old.FirstActivatedAt
		}
		return next, err
	}, nil)
}

// defaultBilling is how an installation begins: not activated.
func defaultBilling() rating.Billing { return rating.Billing{Version: 1} }

func validBilling(b rating.Billing) error {
	if b.Active && b.FirstActivatedAt == nil {
		return rating.Invalid{{Field: "first_activated_at", Message: "must say when billing was first activated"}}
	}
	return nil
}
