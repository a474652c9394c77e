package admin

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/license"
	"tollgate/rating"
)

// billing is the resource.
type billing struct {
	Active           bool       `json:"active" doc:"Whether calls are billed."`
	FirstActivatedAt *time.Time `json:"first_activated_at" readOnly:"true" doc:"When billing was first activated, which began the trial; null: never."`
	ExpiresAt        *time.Time `json:"expires_at" readOnly:"true" doc:"End of the trial; null: not begun, or a licence that never expires."`
	LicenseUploaded  bool       `json:"license_uploaded" readOnly:"true" doc:"Whether a valid licence for this device, or for a live one beside it, is here."`
}

func billingOf(b rating.Billing, st license.State) billing {
	x := billing{Active: b.Active, LicenseUploaded: st.Licensed}
	if !st.Started.IsZero() {
		x.FirstActivatedAt = inUTC(&st.Started)
	}
	if end := st.ExpiresAt(); !end.IsZero() {
		x.ExpiresAt = inUTC(&end)
	}
	return x
}

func (s *Server) billingAnswer(b rating.Billing) *versioned[billing] {
	return &versioned[billing]{etag(b.Version), billingOf(b, s.deps.License.State())}
}

func (s *Server) getBilling(context.Context, *struct{}) (*versioned[billing], error) {
	return s.billingAnswer(s.snapshot().Billing), nil
}

type billingReplacement struct {
	IfMatch
	Body replacement[billing]
}

// replaceBilling switches billing on or off. The first activation begins the trial; when that is over, billing can be
// switched off, and on again only with a licence.
func (s *Server) replaceBilling(ctx context.Context, in *billingReplacement) (*versioned[billing], error) {
	after, err := over(in.Body.body, billing{})
	if err != nil {
		return nil, err
	}
	changed, err := s.deps.Catalog.EditBilling(ctx, func(b rating.Billing) (rating.Billing, error) {
		if err := in.check(b.Version); err != nil {
			return b, err
		}
		if after.Active && !b.Active {
			st, err := s.deps.License.Activate(ctx)
			if err != nil {
				return b, err
			}
			b.FirstActivatedAt = &st.Started
		}
		b.Active = after.Active
		return b, nil
	})
	if errors.Is(err, license.ErrTrialOver) {
		return nil, licenseExpired.because(sentence(license.ErrTrialOver))
	}
	if err != nil {
		return nil, fmt.Errorf("edit billing: %w", err)
	}
	return s.billingAnswer(changed), nil
}

// sentence makes an error that was written for operators a sentence of a problem.
func sentence(err error) string {
	text := err.Error()
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}
