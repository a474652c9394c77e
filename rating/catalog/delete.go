package catalog

import (
	"context"
	"errors"
	"fmt"

	"tollgate/rating"
)

// DeleteExtension closes the account of an extension, then removes the document; rating.ErrActiveCalls while it has
// calls up: then nothing has changed. allowed sees the version that is stored, and may say no; nil is always yes.
func (c *Catalog) DeleteExtension(ctx context.Context, number, by string, allowed func(version int64) error) error {
	err := c.persist(ctx, func(ctx context.Context) (write, error) {
		all, err := readHeld(ctx, c, extensionForm, []string{number})
		if err != nil {
			return write{}, err
		}
		h := all[0]
		if h.doc == nil && h.err == nil {
			return write{}, errNoExtension
		}
		if allowed != nil {
			if err := allowed(h.version); err != nil {
				return write{}, err
			}
		}
		s := step{Do: closeAccount, Version: h.version, By: by}
		if h.doc != nil {
			s.Username, s.Terms = h.doc.Username, h.doc.Terms
		}
		return write{kind: extensionKind, documents: []putDocument{{number, h.version, keepValue, s.encode()}}}, nil
	})
	if err == nil {
		err = errors.Join(c.finish(ctx, []string{number}), c.surelyGone(ctx, number))
	}
	return about(extensionForm, number, err)
}

// surelyGone reports why the extension is still there: another node may have done the closing, and heard of the calls.
func (c *Catalog) surelyGone(ctx context.Context, number string) error {
	all, err := readHeld(ctx, c, extensionForm, []string{number})
	if err == nil && (all[0].doc != nil || all[0].err != nil) {
		err = rating.ErrActiveCalls
	}
	return err
}

// closeAndForget closes an account and then removes its extension: in this order, because a document without account
// only refuses calls, while an account without document would keep money that nobody sees.
func (c *Catalog) closeAndForget(ctx context.Context, extension string, s step) error {
	if err := c.accounts.Close(ctx, extension, s.Version, s.By); err != nil && !errors.Is(err, rating.ErrUnknownExtension) {
		return err
	}
	tombstone := formatID(max(s.Version, 0) + 1)
	w := write{kind: extensionKind, documents: []putDocument{{extension, s.Version, tombstone, lastStep}}}
	switch err := c.store(ctx, w); {
	case errors.Is(err, errOutrun):
		return nil // removed already
	case err != nil:
		return fmt.Errorf("remove extension %s: %w", extension, err)
	}
	c.awaitOwn(ctx, w)
	return nil
}
