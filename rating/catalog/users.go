package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tollgate/rating"
)

// User returns who may log in under a name; rating.ErrNotFound.
func (c *Catalog) User(ctx context.Context, name string) (rating.User, error) {
	return read(ctx, c, userForm, name)
}

// Users returns all who may log in, by name.
func (c *Catalog) Users(ctx context.Context) ([]rating.User, error) {
	return list(ctx, c, userForm, func(a, b rating.User) int { return cmp.Compare(a.Name, b.Name) })
}

// PutUser stores a user over the version that it carries; 0 is a new user. rating.ErrVersion where the stored one has
// another version.
func (c *Catalog) PutUser(ctx context.Context, u rating.User) error {
	over := u.Version
	return putOver(ctx, c, userForm, u, func(h held[rating.User]) error {
		if have := max(h.version, 0); have != over {
			return fmt.Errorf("%w: it is at version %d, not %d", rating.ErrVersion, have, over)
		}
		return nil
	})
}

// DeleteUser removes a user and ends the sessions; rating.ErrNotFound.
func (c *Catalog) DeleteUser(ctx context.Context, name string) error {
	if err := remove(ctx, c, userForm, name, nil, nil); err != nil {
		return err
	}
	return c.DeleteSessions(ctx, name, "")
}

// read returns a document that is not part of the snapshot.
func read[T any](ctx context.Context, c *Catalog, f form[T], id string) (T, error) {
	var none T
	h, err := readHeld(ctx, c, f, []string{id})
	if err != nil {
		return none, err
	}
	if err := h[0].unusable(); err != nil {
		return none, about(f, id, err)
	}
	return *h[0].doc, nil
}

// list returns all documents of a small kind. One that cannot be read is left out, and named in the log.
func list[T any](ctx context.Context, c *Catalog, f form[T], order func(a, b T) int) ([]T, error) {
	values, err := c.client.HGetAll(ctx, f.kind.key()).Result()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.kind, storeError(err))
	}
	docs := make([]T, 0, len(values))
	for id, value := range values {
		h := f.held(id, value, true)
		if h.doc == nil {
			c.log.Error("a document in the store cannot be used and is left out", "kind", f.kind, "id", shorten(id), "err", h.err)
			continue
		}
		docs = append(docs, *h.doc)
	}
	slices.SortFunc(docs, order)
	return docs, nil
}

// putOver stores a document that is new, or that replaces what allowed accepts.
func putOver[T any](ctx context.Context, c *Catalog, f form[T], doc T, allowed func(held[T]) error) error {
	id := f.id(&doc)
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		h, err := readHeld(ctx, c, f, []string{id})
		if err != nil {
			return write{}, err
		}
		if err := allowed(h[0]); err != nil {
			return write{}, err
		}
		next := doc
		return prepare(ctx, c, f, &next, h[0], noStep, nil)
	})
	return about(f, id, err)
}
