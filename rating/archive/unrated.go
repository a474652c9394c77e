package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tollgate/rating"
)

// Unrated returns a page of the destinations that found no rate, or whose calls passed unbilled, and how many rows all
// pages have. It reads the daily sums. An impossible query is rating.Invalid.
func (a *Archive) Unrated(ctx context.Context, q rating.UnratedQuery) (page []rating.UnratedRow, total int64, err error) {
	offset, limit, err := bounds(q.Paging)
	if err != nil {
		return nil, 0, err
	}
	first, last, err := dayNumbers(q.From, q.To)
	if err != nil {
		return nil, 0, err
	}
	if q.Why != "" && !slices.Contains(rating.Gaps(), q.Why) {
		return nil, 0, rating.Invalid{{Field: "why", Message: "must be one of " + strings.Join(rating.Gaps(), ", ")}}
	}
	if q.Sort == "" {
		q.Sort = "-calls"
	}
	sort, err := orderOf(q.Sort, "calls", "last_at", "prefix")
	if err != nil {
		return nil, 0, err
	}
	err = a.view(ctx, func(s *session) error {
		e, err := a.era(s)
		if err != nil {
			return err
		}
		whys := rating.Gaps()
		if q.Why != "" {
			whys = []string{q.Why}
		}
		c := destinationsOf(e, first, last, whys)
		if _, err := s.one([]any{&total}, "SELECT COUNT(*) FROM (SELECT 1 FROM roll_dest"+c.String()+" GROUP BY why, prefix) g", c.args...); err != nil {
			return err
		}
		page, err = s.unrated(c, sort, offset, limit)
		return err
	})
	return page, total, err
}

// destinationsOf selects rows of roll_dest.
func destinationsOf(e era, first, last int, whys []string) *conditions {
	c := &conditions{}
	c.where("generation = %s", e.generation)
	words := make([]any, len(whys))
	for i, w := range whys {
		words[i] = w
	}
	c.where("why IN ("+strings.Repeat("%s, ", len(words)-1)+"%s)", words...)
	c.where("day BETWEEN %s AND %s", first, last)
	return c
}

func (s *session) unrated(c *conditions, sort order, offset, limit int64) (rows []rating.UnratedRow, err error) {
	direction := ""
	if sort.descending {
		direction = " DESC"
	}
	// The example is that of the latest call: of one row of a group, found by its largest last_at.
	text := fmt.Sprintf(`SELECT g.prefix, g.why, g.calls, g.answered, g.seconds, g.last_at, (SELECT MAX(d.example) FROM roll_dest d
 WHERE d.generation = ?1 AND d.why = g.why AND d.day = g.last_day AND d.prefix = g.prefix)
 FROM (SELECT prefix, why, SUM(calls) AS calls, SUM(answered) AS answered, SUM(seconds) AS seconds, MAX(last_at) AS last_at, MAX(day) AS last_day
 FROM roll_dest%s GROUP BY why, prefix) g ORDER BY g.%s%s, g.prefix, g.why LIMIT %s OFFSET %s`, c.String(), sort.column, direction, c.arg(limit), c.arg(offset))
	err = s.each(func(scan func(...any) error) error {
		var r rating.UnratedRow
		var last int64
		err := scan(&r.Prefix, &r.Why, &r.Calls, &r.Answered, &r.Seconds, &last, &r.Example)
		r.LastAt = instant(last)
		rows = append(rows, r)
		return err
	}, text, c.args...)
	return rows, err
}
