package catalog

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// AddExtension adds an extension and opens its account. rating.ErrAccountExists comes with the extension that has the
// number.
func (c *Catalog) AddExtension(ctx context.Context, e rating.Extension, by string) (rating.Extension, error) {
	list, err := c.editExtensions(ctx, by, []extensionEdit{{number: e.Number, may: mayAdd, edit: func(rating.Extension) (rating.Extension, error) {
		return e, nil
	}}})
	return append(list, rating.Extension{})[0], alone(err)
}

// EnsureExtension is AddExtension for a number that was merely heard of: what exists already is returned as it is.
func (c *Catalog) EnsureExtension(ctx context.Context, e rating.Extension, by string) (rating.Extension, error) {
	held, err := c.AddExtension(ctx, e, by)
	if errors.Is(err, rating.ErrAccountExists) {
		return held, nil
	}
	return held, err
}

// EditExtensions makes an edit on one or many extensions, and on the terms of their accounts: on all of them, or on
// none; rating.ErrUnknownExtension where a number is not there. edit may be called several times for each, each time
// with what is stored then; it is the place to compare versions. Where it changes nothing, the version stays. The
// result is in the order of numbers. What is wrong with several comes as Faults; with one, as rating.Invalid.
func (c *Catalog) EditExtensions(ctx context.Context, numbers []string, by string, edit func(rating.Extension) (rating.Extension, error)) ([]rating.Extension, error) {
	edits := make([]extensionEdit, len(numbers))
	for i, number := range numbers {
		edits[i] = extensionEdit{number: number, may: mayEdit, edit: edit}
	}
	list, err := c.editExtensions(ctx, by, edits)
	if len(numbers) == 1 {
		err = alone(err)
	}
	return list, err
}

// ImportExtensions creates and updates extensions, all of them or none. What is wrong with the rows comes as Faults.
// With dryRun everything is checked and nothing is stored.
func (c *Catalog) ImportExtensions(ctx context.Context, rows []rating.ExtensionRow, by string, dryRun bool) (rating.Imported, error) {
	edits := make([]extensionEdit, len(rows))
	for i, row := range rows {
		edits[i] = extensionEdit{number: row.Number, may: mayAdd | mayEdit, edit: row.Edit, opening: row.Opening}
	}
	if dryRun {
		plan, err := c.planExtensions(ctx, by, edits)
		return plan.imported, err
	}
	var done rating.Imported
	err := c.storeExtensions(ctx, by, edits, func(p extensionPlan) { done = p.imported })
	return done, err
}

// editExtensions makes edits, all or none, and returns what is stored then.
func (c *Catalog) editExtensions(ctx context.Context, by string, edits []extensionEdit) ([]rating.Extension, error) {
	var result []rating.Extension
	err := c.storeExtensions(ctx, by, edits, func(p extensionPlan) { result = p.result })
	return result, err
}

// storeExtensions stores the edits and brings the accounts along. The documents and the steps that their accounts need
// are written down together; where this process dies in between, any node does the steps.
func (c *Catalog) storeExtensions(ctx context.Context, by string, edits []extensionEdit, result func(extensionPlan)) error {
	var steps []string
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		plan, err := c.planExtensions(ctx, by, edits)
		result(plan)
		steps = plan.steps
		return plan.write, err
	})
	if err != nil {
		return err
	}
	if err := c.finish(ctx, steps); err != nil {
		return fmt.Errorf("the change is stored, and its account is brought along as soon as the store allows: %w", err)
	}
	return nil
}
