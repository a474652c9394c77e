package admin

import (
	"context"
	"fmt"
	"time"

	"tollgate/rating"
)

// trial is how long billing may be tried out from its first activation.
const trial = 30 * 24 * time.Hour

// billing is the resource.
type billing struct {
	Active           bool       `json:"active" doc:"Whether calls are billed."`
	FirstActivatedAt *time.Time `json:"first_activated_at" readOnly:"true" doc:"When billing was first activated; null: never."`
	ExpiresAt        *time.Time `json:"expires_at" readOnly:"true" doc:"End of the trial; null: not begun, or a licence that never expires."`
	LicenseUploaded  bool       `json:"license_uploaded" readOnly:"true" doc:"Whether a valid licence is here."`
}

func billingOf(b rating.Billing) billing {
	x := billing{Active: b.Active}
	if b.FirstActivatedAt != nil {
		first := b.FirstActivatedAt.UTC()
		expires := first.Add(trial)
		x.FirstActivatedAt, x.ExpiresAt = &first, &expires
	}
	return x
}

func billingAnswer(b rating.Billing) *versioned[billing] {
	return &versioned[billing]{etag(b.Version), billingOf(b)}
}

func (s *Server) getBilling(context.Context, *struct{}) (*versioned[billing], error) {
	return billingAnswer(s.snapshot().Billing), nil
}

type billingReplacement struct {
	IfMatch
	Body replacement[billing]
}

// replaceBilling switches billing on or off. The first activation is kept for good.
func (s *Server) replaceBilling(ctx context.Context, in *billingReplacement) (*versioned[billing], error) {
	after, err := over(in.Body.body, billing{})
	if err != nil {
		return nil, err
	}
	changed, err := s.deps.Catalog.EditBilling(ctx, func(b rating.Billing) (rating.Billing, error) {
		if err := in.check(b.Version); err != nil {
			return b, err
		}
		b.Active = after.Active
		if b.Active && b.FirstActivatedAt == nil {
			now := s.now().Truncate(time.Second)
			b.FirstActivatedAt = &now
		}
		return b, nil
	})
	if err != nil {
		return nil, fmt.Errorf("edit billing: %w", err)
	}
	return billingAnswer(changed), nil
}
