package archive

import (
	"context"
	"fmt"

	"tollgate/rating"
)

// TakeID makes an empty archive go on where another one ended that is gone: it takes that one's id. An archive that
// holds anything is rating.ErrConflict: its records belong to another store. Call it before anything uses ID.
func (a *Archive) TakeID(ctx context.Context, id string) error {
	err := a.update(ctx, func(s *session) error {
		for _, table := range []string{"cdrs", "entries", "positions", "quarantine", "audit_log"} {
			var rows int64
			if _, err := s.one([]any{&rows}, `SELECT COUNT(*) FROM (SELECT 1 FROM `+table+` LIMIT 1) any_row`); err != nil {
				return err
			}
			if rows > 0 {
				return fmt.Errorf("the archive %s is not empty: %w", a.id, rating.ErrConflict)
			}
		}
		return s.setMeta(metaID, id)
	})
	if err == nil {
		a.id = id
	}
	return err
}
