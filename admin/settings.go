package admin

import (
	"context"
	"fmt"
	"reflect"

	"tollgate/rating"
)

// Settings is the part of the catalog that keeps the settings and whether billing is on.
type Settings interface {
	EditSettings(ctx context.Context, edit func(rating.Settings) (rating.Settings, error)) (rating.Settings, error)
	EditBilling(ctx context.Context, edit func(rating.Billing) (rating.Billing, error)) (rating.Billing, error)
}

const settingsRule = "A manager may change currency and low_balance_threshold; every other field must be as GET returned it."

// settings is the resource; its fields are those of rating.Settings.
type settings struct {
	Currency              string            `json:"currency" enum:"USD,CNY,EUR,GBP,XXX" doc:"XXX is any other (¤). Amounts are not converted by a change; each call says in which currency it was billed."`
	Timezone              string            `json:"timezone" doc:"IANA name; days, months and the time blocks of rates follow it." example:"UTC"`
	UnratedCalls          rating.Policy     `json:"unrated_calls" enum:"reject,allow" doc:"What happens to a call that no rate matches; allowed ones cost nothing."`
	UnknownExtension      rating.Policy     `json:"unknown_extension" enum:"reject,create" doc:"What happens to an extension that a trusted peer names and nobody knows."`
	InsufficientFundsCode int               `json:"insufficient_funds_code" enum:"402,403,480,603" doc:"SIP answer to a call without money."`
	LimitCode             int               `json:"limit_code" enum:"403,486" doc:"SIP answer to a call that a limit refuses."`
	EmergencyNumbers      []string          `json:"emergency_numbers" doc:"Never refused, never billed."`
	EmergencyTrunks       []string          `json:"emergency_trunks" doc:"Tried for emergency calls after the dial rule's; empty: every enabled trunk."`
	KeepaliveInterval     int64             `json:"keepalive_interval" doc:"Seconds between OPTIONS within a quiet call; 0: off."`
	MaxCallSeconds        int64             `json:"max_call_seconds" doc:"Longest call."`
	RingTimeout           int64             `json:"ring_timeout" doc:"Seconds until a call that nobody answers is cancelled."`
	DefaultLimits         rating.CallLimits `json:"default_limits" doc:"Of every extension that has none of its own; 0 or [] is no limit."`
	LowBalanceThreshold   rating.Money      `json:"low_balance_threshold" doc:"An account below it is reported as low."`
	Webhooks              []rating.Webhook  `json:"webhooks" doc:"Who is told of events. A secret is never shown; an empty one keeps the stored secret of the same URL."`
	WebhookAllowPrivate   bool              `json:"webhook_allow_private" doc:"Whether webhooks may go to private, loopback and link-local addresses."`
	Version               int64             `json:"version" readOnly:"true" doc:"Grows with every edit."`
}

// settingsOf is what may be shown: everything but the secrets of webhooks.
func settingsOf(x rating.Settings) settings {
	shown := settings(x)
	shown.EmergencyNumbers, shown.EmergencyTrunks = nonNil(x.EmergencyNumbers), nonNil(x.EmergencyTrunks)
	shown.DefaultLimits.DenyPrefixes, shown.DefaultLimits.AllowPrefixes = nonNil(x.DefaultLimits.DenyPrefixes), nonNil(x.DefaultLimits.AllowPrefixes)
	shown.Webhooks = nonNil(x.Webhooks)
	for i := range shown.Webhooks {
		shown.Webhooks[i].Secret = ""
		shown.Webhooks[i].Events = nonNil(shown.Webhooks[i].Events)
	}
	return shown
}

// restoreSecrets gives webhooks that were sent without secret the one that is stored for their URL.
func restoreSecrets(sent, stored []rating.Webhook) {
	for i := range sent {
		for _, w := range stored {
			if sent[i].Secret == "" && sent[i].URL == w.URL {
				sent[i].Secret = w.Secret
			}
		}
	}
}

// beyondManager reports whether an edit changes more than a manager may.
func beyondManager(before, after settings) bool {
	after.Currency, after.LowBalanceThreshold = before.Currency, before.LowBalanceThreshold
	return !reflect.DeepEqual(before, after)
}

func settingsAnswer(x rating.Settings) *versioned[settings] {
	return &versioned[settings]{etag(x.Version), settingsOf(x)}
}

func (s *Server) getSettings(context.Context, *struct{}) (*versioned[settings], error) {
	return settingsAnswer(s.snapshot().Settings), nil
}

type settingsReplacement struct {
	IfMatch
	Body replacement[settings]
}

func (s *Server) replaceSettings(ctx context.Context, in *settingsReplacement) (*versioned[settings], error) {
	role := principalFrom(ctx).Role
	changed, err := s.deps.Catalog.EditSettings(ctx, func(old rating.Settings) (rating.Settings, error) {
		if err := in.check(old.Version); err != nil {
			return old, err
		}
		return in.Body.mergeSettings(old, role)
	})
	if err != nil {
		return nil, fmt.Errorf("edit settings: %w", err)
	}
	return settingsAnswer(changed), nil
}

// mergeSettings puts a body over the settings, as far as the role may.
func (b body) mergeSettings(old rating.Settings, role rating.Role) (rating.Settings, error) {
	before := settingsOf(old)
	after, err := over(b, before)
	if err != nil {
		return old, err
	}
	if role != rating.Admin && beyondManager(before, after) {
		return old, forbidden.because(settingsRule)
	}
	restoreSecrets(after.Webhooks, old.Webhooks)
	next := rating.Settings(after)
	return next, next.Validate()
}
