package archive

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tollgate/rating"
)

// Bounds of one transaction of a rebuild, so that the drain gets its turn.
const (
	rebuildStep = 5000 // CDRs counted; see Archive.rebuildStep
	purgeStep   = 5000 // rows of old sums deleted
)

// SetLocation makes days follow another time zone, and gives an archive of an older program the sums that it lacks: it counts all calls anew beside the sums in use, and then puts the
// new sums in their place at once. Until then everything answers in the old zone. It returns when that is done, soon
// where both are as they should be; after an interruption, the next call with that zone goes on where the last one stopped.
func (a *Archive) SetLocation(ctx context.Context, location *time.Location) error {
	a.rebuilding.Lock()
	defer a.rebuilding.Unlock()
	a.calendars.add(location)
	for done := false; !done; {
		err := a.update(ctx, func(s *session) (err error) {
			done, err = a.recount(s, location.String())
			return err
		})
		if err != nil {
			return fmt.Errorf("count days in %s: %w", location, err)
		}
	}
	for done := false; !done; {
		err := a.update(ctx, func(s *session) (err error) {
			done, err = s.purge()
			return err
		})
		if err != nil {
			return fmt.Errorf("delete the sums of the zone before: %w", err)
		}
	}
	return nil
}

// recount takes one step towards the sums of a zone; done when they are in use.
func (a *Archive) recount(s *session, zone string) (done bool, err error) {
	current, err := s.meta(metaTimezone)
	if err != nil {
		return false, err
	}
	scheme, err := s.metaNumber(metaScheme)
	if err != nil {
		return false, err
	}
	if current == zone && scheme == sumScheme { // also where a change to another zone was begun, and is now taken back
		return true, s.clearMeta(metaRebuildTimezone, metaRebuildGeneration, metaRebuildDone)
	}
	generation, counted, err := s.rebuildState(zone)
	if err != nil {
		return false, err
	}
	c, err := a.calendars.of(zone)
	if err != nil {
		return false, err
	}
	t := newTally(era{generation, c})
	rows, last, err := s.tallyAfter(t, counted, a.rebuildStep)
	if err != nil {
		return false, err
	}
	if err := t.write(s); err != nil {
		return false, err
	}
	if rows == a.rebuildStep {
		return false, s.setMeta(metaRebuildDone, strconv.FormatInt(last, 10))
	}
	return true, s.adopt(zone, generation)
}

// rebuildState returns where the rebuild for a zone stands, and begins it where there is none.
func (s *session) rebuildState(zone string) (generation, counted int64, err error) {
	target, err := s.meta(metaRebuildTimezone)
	if err != nil {
		return 0, 0, err
	}
	if target == zone {
		if generation, err = s.metaNumber(metaRebuildGeneration); err == nil {
			counted, err = s.metaNumber(metaRebuildDone)
		}
		return generation, counted, err
	}
	_, err = s.one([]any{&generation}, `SELECT MAX(g) + 1 FROM (SELECT COALESCE(MAX(generation), 0) AS g FROM roll_day
 UNION ALL SELECT CAST(value AS BIGINT) FROM meta WHERE key IN (?1, ?2)) all_generations`, metaGeneration, metaRebuildGeneration)
	if err != nil {
		return 0, 0, err
	}
	for key, value := range map[string]string{metaRebuildTimezone: zone, metaRebuildGeneration: strconv.FormatInt(generation, 10), metaRebuildDone: "0"} {
		if err := s.setMeta(key, value); err != nil {
			return 0, 0, err
		}
	}
	return generation, 0, nil
}

// tallyAfter counts the next CDRs in the order in which they were filed.
func (s *session) tallyAfter(t *tally, counted int64, most int) (rows int, last int64, err error) {
	err = s.each(func(scan func(...any) error) error {
		var c addend
		var reason rating.Reason
		var why *rating.Unbilled
		if err := scan(&last, &c.party, &c.startedAt, &c.disposition, &c.seconds, &c.cost, &c.dialled, &reason, &why, &c.attempts); err != nil {
			return err
		}
		rows++
		c.why = whyOf(reason, why)
		t.add(c)
		return nil
	}, `SELECT n, party, started_at, disposition, duration, cost, dialled, reason, unbilled, count FROM cdrs WHERE n > ?1 ORDER BY n LIMIT ?2`, counted, most)
	return rows, last, err
}

// adopt puts the new sums in the place of the old.
func (s *session) adopt(zone string, generation int64) error {
	if err := s.setMeta(metaTimezone, zone); err != nil {
		return err
	}
	if err := s.setMeta(metaScheme, strconv.Itoa(sumScheme)); err != nil {
		return err
	}
	if err := s.setMeta(metaGeneration, strconv.FormatInt(generation, 10)); err != nil {
		return err
	}
	return s.clearMeta(metaRebuildTimezone, metaRebuildGeneration, metaRebuildDone)
}

// stale deletes sums of generations before and after the one in use.
var stale = []string{
	`DELETE FROM roll_day WHERE (generation, day) IN (SELECT generation, day FROM roll_day WHERE generation < ?1 LIMIT ?2)`,
	`DELETE FROM roll_day WHERE (generation, day) IN (SELECT generation, day FROM roll_day WHERE generation > ?1 LIMIT ?2)`,
	`DELETE FROM roll_ext WHERE (generation, party, day) IN (SELECT generation, party, day FROM roll_ext WHERE generation < ?1 LIMIT ?2)`,
	`DELETE FROM roll_ext WHERE (generation, party, day) IN (SELECT generation, party, day FROM roll_ext WHERE generation > ?1 LIMIT ?2)`,
	`DELETE FROM roll_month WHERE (generation, party, month) IN (SELECT generation, party, month FROM roll_month WHERE generation < ?1 LIMIT ?2)`,
	`DELETE FROM roll_month WHERE (generation, party, month) IN (SELECT generation, party, month FROM roll_month WHERE generation > ?1 LIMIT ?2)`,
	`DELETE FROM roll_dest WHERE (generation, why, day, prefix) IN (SELECT generation, why, day, prefix FROM roll_dest WHERE generation < ?1 LIMIT ?2)`,
	`DELETE FROM roll_dest WHERE (generation, why, day, prefix) IN (SELECT generation, why, day, prefix FROM roll_dest WHERE generation > ?1 LIMIT ?2)`,
}

// purge deletes some rows of generations that are not in use; done when there are none left.
func (s *session) purge() (done bool, err error) {
	current, err := s.metaNumber(metaGeneration)
	if err != nil {
		return false, err
	}
	var deleted int64
	for _, text := range stale {
		n, err := s.exec(text, current, purgeStep)
		if err != nil {
			return false, err
		}
		deleted += n
	}
	return deleted == 0, nil
}
