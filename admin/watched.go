package admin

import (
	"context"
	"encoding/json"
	"reflect"
	"strconv"

	"tollgate/rating"
)

// watched is the catalog, and tells the trail of a request what changes in it. So no handler can forget to.
type watched struct{ Catalog }

// watchEdit is an edit that remembers what it was given, and hands what it made to tell when all is stored.
func watchEdit[T any](edit func(T) (T, error), remember func(T)) func(T) (T, error) {
	return func(old T) (T, error) {
		remember(old)
		return edit(old)
	}
}

// extensionFields are what operators edit of an extension; of the SIP password, whether there is one.
func extensionFields(e rating.Extension, password string) map[string]json.RawMessage {
	return fields(extensionOf(e, rating.Account{}), map[string]any{"sip_password": password})
}

func tellExtension(t *trail, before, after *rating.Extension) {
	var was, is rating.Digest
	if before != nil {
		was = before.Digest
	}
	if after != nil {
		is = after.Digest
	}
	passwordBefore, passwordAfter := secretChange(was, is)
	switch {
	case before == nil:
		t.tell("extension "+after.Number, nil, extensionFields(*after, passwordAfter))
	case after == nil:
		t.tell("extension "+before.Number, extensionFields(*before, passwordBefore), nil)
	default:
		b, a := differing(extensionFields(*before, passwordBefore), extensionFields(*after, passwordAfter))
		t.tell("extension "+before.Number, b, a)
	}
}

// AddExtension implements Extensions.
func (w watched) AddExtension(ctx context.Context, e rating.Extension, by string) (rating.Extension, error) {
	added, err := w.Catalog.AddExtension(ctx, e, by)
	if err == nil {
		tellExtension(trailFrom(ctx), nil, &added)
	}
	return added, err
}

// EditExtensions implements Extensions.
func (w watched) EditExtensions(ctx context.Context, numbers []string, by string, edit func(rating.Extension) (rating.Extension, error)) ([]rating.Extension, error) {
	before := make(map[string]rating.Extension, len(numbers))
	edited, err := w.Catalog.EditExtensions(ctx, numbers, by, watchEdit(edit, func(old rating.Extension) { before[old.Number] = old }))
	if err == nil {
		for i := range edited {
			if old, ok := before[edited[i].Number]; ok {
				tellExtension(trailFrom(ctx), &old, &edited[i])
			}
		}
	}
	return edited, err
}

// DeleteExtension implements Extensions.
func (w watched) DeleteExtension(ctx context.Context, number, by string, allowed func(version int64) error) error {
	before, known := w.Current().Extension(number)
	err := w.Catalog.DeleteExtension(ctx, number, by, allowed)
	if err == nil && known {
		tellExtension(trailFrom(ctx), before, nil)
	}
	return err
}

// ImportExtensions implements Extensions.
func (w watched) ImportExtensions(ctx context.Context, rows []rating.ExtensionRow, by string, dryRun bool) (rating.Imported, error) {
	type change struct{ before, after rating.Extension }
	changes, looking := make([]change, len(rows)), make([]rating.ExtensionRow, len(rows))
	for i, row := range rows {
		looking[i] = row
		looking[i].Edit = func(old rating.Extension) (after rating.Extension, err error) {
			after, err = row.Edit(old)
			changes[i] = change{old, after}
			return after, err
		}
	}
	done, err := w.Catalog.ImportExtensions(ctx, looking, by, dryRun)
	if err != nil || dryRun {
		return done, err
	}
	for _, c := range changes {
		if c.before.Version == 0 {
			tellExtension(trailFrom(ctx), nil, &c.after)
		} else if !reflect.DeepEqual(c.before, c.after) {
			tellExtension(trailFrom(ctx), &c.before, &c.after)
		}
	}
	return done, nil
}

func rateObject(id int64) string { return "rate " + strconv.FormatInt(id, 10) }

// AddRate implements Rates.
func (w watched) AddRate(ctx context.Context, r rating.Rate) (rating.Rate, error) {
	added, err := w.Catalog.AddRate(ctx, r)
	if err == nil {
		trailFrom(ctx).tell(rateObject(added.ID), nil, fields(rateOf(added), nil))
	}
	return added, err
}

// EditRate implements Rates.
func (w watched) EditRate(ctx context.Context, id int64, edit func(rating.Rate) (rating.Rate, error)) (rating.Rate, error) {
	var before rating.Rate
	edited, err := w.Catalog.EditRate(ctx, id, watchEdit(edit, func(old rating.Rate) { before = old }))
	if err == nil {
		b, a := differing(fields(rateOf(before), nil), fields(rateOf(edited), nil))
		trailFrom(ctx).tell(rateObject(id), b, a)
	}
	return edited, err
}

// DeleteRate implements Rates.
func (w watched) DeleteRate(ctx context.Context, id int64, allowed func(version int64) error) error {
	before, known := w.Current().Rates.Rate(id)
	err := w.Catalog.DeleteRate(ctx, id, allowed)
	if err == nil && known {
		trailFrom(ctx).tell(rateObject(id), fields(rateOf(*before), nil), nil)
	}
	return err
}

// ImportRates implements Rates.
func (w watched) ImportRates(ctx context.Context, rows []rating.RateRow, dryRun bool) (rating.Imported, error) {
	type change struct{ before, after rating.Rate }
	changes, looking := make([]change, len(rows)), make([]rating.RateRow, len(rows))
	for i, row := range rows {
		looking[i] = row
		looking[i].Edit = func(old rating.Rate) (after rating.Rate, err error) {
			after, err = row.Edit(old)
			changes[i] = change{old, after}
			return after, err
		}
	}
	done, err := w.Catalog.ImportRates(ctx, looking, dryRun)
	if err != nil || dryRun {
		return done, err
	}
	for _, c := range changes {
		was, is := fields(rateOf(c.before), nil), fields(rateOf(c.after), nil)
		if c.before.Version == 0 {
			trailFrom(ctx).tell(rateObject(c.before.ID), nil, is)
		} else if b, a := differing(was, is); len(b)+len(a) > 0 {
			trailFrom(ctx).tell(rateObject(c.before.ID), b, a)
		}
	}
	return done, nil
}

// trunkFields are what operators edit of a trunk; of the password, whether there is one.
func trunkFields(t rating.Trunk, password string) map[string]json.RawMessage {
	return fields(trunkOf(t), map[string]any{"password": password})
}

// AddTrunk implements Trunks.
func (w watched) AddTrunk(ctx context.Context, t rating.Trunk) (rating.Trunk, error) {
	added, err := w.Catalog.AddTrunk(ctx, t)
	if err == nil {
		_, password := secretChange("", added.Password)
		trailFrom(ctx).tell("trunk "+added.Name, nil, trunkFields(added, password))
	}
	return added, err
}

// EditTrunk implements Trunks.
func (w watched) EditTrunk(ctx context.Context, name string, edit func(rating.Trunk) (rating.Trunk, error)) (rating.Trunk, error) {
	var before rating.Trunk
	edited, err := w.Catalog.EditTrunk(ctx, name, watchEdit(edit, func(old rating.Trunk) { before = old }))
	if err == nil {
		was, is := secretChange(before.Password, edited.Password)
		b, a := differing(trunkFields(before, was), trunkFields(edited, is))
		trailFrom(ctx).tell("trunk "+name, b, a)
	}
	return edited, err
}

// DeleteTrunk implements Trunks.
func (w watched) DeleteTrunk(ctx context.Context, name string, allowed func(version int64) error) error {
	before, known := w.Current().Plan.Trunk(name)
	err := w.Catalog.DeleteTrunk(ctx, name, allowed)
	if err == nil && known {
		was, _ := secretChange(before.Password, "")
		trailFrom(ctx).tell("trunk "+name, trunkFields(*before, was), nil)
	}
	return err
}

func dialRuleObject(id int64) string { return "dial rule " + strconv.FormatInt(id, 10) }

// AddDialRule implements DialRules.
func (w watched) AddDialRule(ctx context.Context, r rating.DialRule) (rating.DialRule, error) {
	added, err := w.Catalog.AddDialRule(ctx, r)
	if err == nil {
		trailFrom(ctx).tell(dialRuleObject(added.ID), nil, fields(dialRuleOf(added), nil))
	}
	return added, err
}

// EditDialRule implements DialRules.
func (w watched) EditDialRule(ctx context.Context, id int64, edit func(rating.DialRule) (rating.DialRule, error)) (rating.DialRule, error) {
	var before rating.DialRule
	edited, err := w.Catalog.EditDialRule(ctx, id, watchEdit(edit, func(old rating.DialRule) { before = old }))
	if err == nil {
		b, a := differing(fields(dialRuleOf(before), nil), fields(dialRuleOf(edited), nil))
		trailFrom(ctx).tell(dialRuleObject(id), b, a)
	}
	return edited, err
}

// DeleteDialRule implements DialRules.
func (w watched) DeleteDialRule(ctx context.Context, id int64, allowed func(version int64) error) error {
	var before any
	for _, r := range w.Current().Plan.Rules() {
		if r.ID == id {
			before = fields(dialRuleOf(r), nil)
		}
	}
	err := w.Catalog.DeleteDialRule(ctx, id, allowed)
	if err == nil {
		trailFrom(ctx).tell(dialRuleObject(id), before, nil)
	}
	return err
}

// EditSettings implements Settings. The secrets of webhooks are not told, only that one changed.
func (w watched) EditSettings(ctx context.Context, edit func(rating.Settings) (rating.Settings, error)) (rating.Settings, error) {
	var before rating.Settings
	edited, err := w.Catalog.EditSettings(ctx, watchEdit(edit, func(old rating.Settings) { before = old }))
	if err == nil {
		was, is := map[string]any{}, map[string]any{}
		for _, hook := range edited.Webhooks {
			for _, old := range before.Webhooks {
				if old.URL == hook.URL && old.Secret != hook.Secret {
					was["webhook_secrets"], is["webhook_secrets"] = "(set)", "(changed)"
				}
			}
		}
		b, a := differing(fields(settingsOf(before), was), fields(settingsOf(edited), is))
		trailFrom(ctx).tell("settings", b, a)
	}
	return edited, err
}

// EditBilling implements Settings.
func (w watched) EditBilling(ctx context.Context, edit func(rating.Billing) (rating.Billing, error)) (rating.Billing, error) {
	var before rating.Billing
	edited, err := w.Catalog.EditBilling(ctx, watchEdit(edit, func(old rating.Billing) { before = old }))
	if err == nil {
		trailFrom(ctx).tell("billing", map[string]any{"active": before.Active}, map[string]any{"active": edited.Active})
	}
	return edited, err
}
