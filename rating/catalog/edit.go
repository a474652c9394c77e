package catalog

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// held is a document as the store has it.
type held[T any] struct {
	version int64 // 0 = nothing is stored under the id
	value   string
	doc     *T    // nil where there is none
	err     error // why doc is nil although something is stored
}

// readHeld reads documents by id. What cannot be read is for the caller to judge, one by one.
func readHeld[T any](ctx context.Context, c *Catalog, f form[T], ids []string) ([]held[T], error) {
	const portion = 1000
	all := make([]held[T], 0, len(ids))
	for from := 0; from < len(ids); from += portion {
		some := ids[from:min(from+portion, len(ids))]
		values, err := c.client.HMGet(ctx, f.kind.key(), some...).Result()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.kind, storeError(err))
		}
		for i, v := range values {
			value, stored := v.(string)
			all = append(all, f.held(some[i], value, stored))
		}
	}
	return all, nil
}

func (f form[T]) held(id, value string, stored bool) held[T] {
	h := held[T]{value: value}
	if stored {
		var text string
		if h.version, text = splitValue(value); h.version > 0 && text == "" {
			return h // deleted
		}
		h.doc, h.err = f.decode(id, value)
	}
	if h.doc == nil && f.none != nil {
		none := f.none()
		*f.version(&none) = max(h.version, *f.version(&none))
		h.doc = &none
	}
	return h
}

var errRenamed = fmt.Errorf("%w: its name or number cannot be changed", rating.ErrConflict)

// check looks at a document in the light of the others, as the snapshot shows them; nil where they do not matter.
type check[T any] func(doc *T, s *rating.Snapshot) error

// run runs the check, if there is one, on the newest snapshot, and returns what the write must find unchanged.
func (look check[T]) run(ctx context.Context, c *Catalog, doc *T) (plan string, err error) {
	if look == nil {
		return "", nil
	}
	if err := c.Refresh(ctx); err != nil {
		return "", err
	}
	v := c.view.Load()
	return formatID(v.plan), look(doc, v.snapshot)
}

// add stores a document that must not be there yet; else the error is exists.
func add[T any](ctx context.Context, c *Catalog, f form[T], doc T, exists error, look check[T]) (T, error) {
	id := f.id(&doc)
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		h, err := readHeld(ctx, c, f, []string{id})
		if err != nil {
			return write{}, err
		}
		if h[0].doc != nil || h[0].err != nil {
			return write{}, exists
		}
		return prepare(ctx, c, f, &doc, h[0], noStep, look)
	})
	return doc, about(f, id, err)
}

// change edits a document that must be there. edit may be called several times, each time with what is stored then; it
// is the place to compare versions.
func change[T any](ctx context.Context, c *Catalog, f form[T], id string, edit func(T) (T, error), look check[T]) (T, error) {
	var doc T
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		h, err := readHeld(ctx, c, f, []string{id})
		if err != nil {
			return write{}, err
		}
		if err := h[0].unusable(); err != nil {
			return write{}, err
		}
		if doc, err = edit(*h[0].doc); err != nil {
			return write{}, err
		}
		if f.id(&doc) != id {
			return write{}, errRenamed
		}
		return prepare(ctx, c, f, &doc, h[0], noStep, look)
	})
	return doc, about(f, id, err)
}

// unusable reports why a document cannot be edited.
func (h held[T]) unusable() error {
	switch {
	case h.doc == nil && h.err != nil:
		return fmt.Errorf("%w: what is stored cannot be read and is left out; delete it, and add it anew (%w)", rating.ErrConflict, h.err)
	case h.doc == nil:
		return rating.ErrNotFound
	}
	return nil
}

// prepare makes the write of a document over what is held, at the next version. A document that says what it said
// before is not written.
func prepare[T any](ctx context.Context, c *Catalog, f form[T], doc *T, h held[T], step string, look check[T]) (write, error) {
	next := max(h.version, 0) + 1
	if h.doc != nil {
		next = *f.version(h.doc)
		*f.version(doc) = next
		if same, err := f.encode(doc); err != nil || same == h.value {
			return write{}, err
		}
		next++
	}
	*f.version(doc) = next
	if err := f.validate(*doc); err != nil {
		return write{}, err
	}
	plan, err := look.run(ctx, c, doc)
	if err != nil {
		return write{}, err
	}
	value, err := f.encode(doc)
	if err != nil {
		return write{}, err
	}
	return write{f.kind, []putDocument{{f.id(doc), h.version, value, step}}, plan}, nil
}

// remove deletes a document, also one that cannot be read, if allowed does not mind the version that is stored; nil never does.
func remove[T any](ctx context.Context, c *Catalog, f form[T], id string, allowed func(version int64) error, look check[T]) error {
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		h, err := readHeld(ctx, c, f, []string{id})
		if err != nil {
			return write{}, err
		}
		if h[0].doc == nil && h[0].err == nil {
			return write{}, rating.ErrNotFound
		}
		if allowed != nil {
			if err := allowed(h[0].version); err != nil {
				return write{}, err
			}
		}
		plan, err := look.run(ctx, c, h[0].doc)
		return write{f.kind, []putDocument{{id, h[0].version, removeValue, noStep}}, plan}, err
	})
	return about(f, id, err)
}

// about adds to an error what it is about, unless it is about fields.
func about[T any](f form[T], id string, err error) error {
	var bad rating.Invalid
	if err == nil || errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("%s %s: %w", f.kind.one(), shorten(id), err)
}
