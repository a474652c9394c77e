package archive

import (
	"context"
	"errors"

	"tollgate/rating"
)

// TakeID makes an empty archive go on where another one ended that is gone: it takes that one's id. An archive that
// holds anything is rating.ErrConflict: its records belong to another store. Call it before anything uses ID.
func (a *Archive) TakeID(ctx context.Context, id string) error {
	err := a.update(ctx, func(s *session) error {
		if err := s.mustBeEmpty(a.id); err != nil {
			return err
		}
		return s.setMeta(metaID, id)
	})
	if err == nil {
		a.id = id
	}
	return err
}

// Empty reports whether the archive holds nothing yet.
func (a *Archive) Empty(ctx context.Context) (bool, error) {
	err := a.view(ctx, func(s *session) error { return s.mustBeEmpty(a.id) })
	if errors.Is(err, rating.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// HasMoney reports whether the archive holds a call or a line of a journal, which belong to one store and no other.
func (a *Archive) HasMoney(ctx context.Context) (has bool, err error) {
	err = a.view(ctx, func(s *session) error {
		has, err = s.hasRows("cdrs", "entries", "quarantine")
		return err
	})
	return has, err
}
