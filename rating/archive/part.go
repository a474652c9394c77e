package archive

import (
	"math"
	"strings"

	"tollgate/rating"
)

// sparse is how few calls a stretch must have for them to be looked up party by party, and sorted, rather than picked
// from among all calls of that time.
const sparse = 2000

// part is what one query reads of a page: rows of one stretch of time, in order, from an offset.
type part struct {
	from, to      int64
	offset, limit int64
	calls         int64 // that the selection has in that time
}

// parts finds a page: the stretch in which it begins, the one in which it ends, and what lies between, which is less
// than the page and so is few calls, however long the time.
func (sel selection) parts(stretches []stretch, offset, limit int64) []part {
	if !sel.byTime() {
		return []part{{sel.from, sel.to, offset, limit, math.MaxInt64}}
	}
	for len(stretches) > 0 && offset >= stretches[0].calls {
		offset -= stretches[0].calls
		stretches = stretches[1:]
	}
	if len(stretches) == 0 {
		return nil
	}
	first := stretches[0]
	parts := []part{{first.from, first.to, offset, limit, first.calls}}
	missing := limit - (first.calls - offset)
	var between *part
	for _, st := range stretches[1:] {
		if missing <= 0 {
			break
		}
		if st.calls >= missing {
			return finish(parts, between, &part{st.from, st.to, 0, missing, st.calls})
		}
		if between == nil {
			between = &part{from: st.from, to: st.to}
		}
		between.from, between.to = min(between.from, st.from), max(between.to, st.to)
		between.calls += st.calls
		between.limit += st.calls
		missing -= st.calls
	}
	return finish(parts, between, nil)
}

func finish(parts []part, more ...*part) []part {
	for _, p := range more {
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return parts
}

// callsOf appends the calls of a part to list.
func (s *session) callsOf(sel selection, p part, list []rating.CDR) ([]rating.CDR, error) {
	found, _, err := s.picked(sel, p, nil)
	return append(list, found...), err
}

// picked reads the calls of a part, and the key of the last of them.
func (s *session) picked(sel selection, p part, after *key) ([]rating.CDR, key, error) {
	text, c := s.pick(sel, p, after)
	list, n, err := s.cdrs("SELECT c.n, "+cdrColumns+" FROM ("+text+") k JOIN cdrs c ON c.n = k.n"+
		" JOIN parties p ON p.id = c.party LEFT JOIN rates r ON r.id = c.rate"+sel.order.by("c."), c.args...)
	if err != nil || len(list) == 0 {
		return nil, key{}, err
	}
	return list, key{sel.order.value(list[len(list)-1]), n}, nil
}

// value is what the order compares of a call, as it is stored.
func (o order) value(c rating.CDR) int64 {
	switch o.column {
	case "duration":
		return c.Duration
	case "cost":
		return int64(c.Cost)
	}
	return c.StartedAt.UnixMicro()
}

// pick builds the query for the numbers of a part's calls, after a key if there is one: one walk along the index of
// each disposition, of which the first rows are merged; or, where few calls match a keyword, a look at each party.
func (s *session) pick(sel selection, p part, after *key) (string, *conditions) {
	c := &conditions{}
	if after != nil && sel.byTime() { // where the index goes on
		if sel.order.descending {
			p.to = min(p.to, after.value+1)
		} else {
			p.from = max(p.from, after.value)
		}
	}
	from, to := c.arg(p.from), c.arg(p.to)
	span := "started_at >= " + from + " AND started_at < " + to
	if after != nil {
		span += " AND (" + sel.order.column + ", n) " + sel.order.beyond() + " (" + c.arg(after.value) + ", " + c.arg(after.n) + ")"
	}
	if sel.upTo > 0 {
		span += " AND n <= " + c.arg(sel.upTo)
	}
	order := sel.order
	if sel.byTime() && p.offset > p.calls/2 { // the way from the other end is shorter
		order.descending = !order.descending
		p.limit = min(p.limit, p.calls-p.offset)
		p.offset = p.calls - p.offset - p.limit
	}
	by := order.by("")
	end := by + " LIMIT " + c.arg(p.limit) + " OFFSET " + c.arg(p.offset)
	if sel.keyword != "" && p.calls <= sel.sparse {
		words := make([]string, len(sel.dispositions))
		for i, d := range sel.words() {
			words[i] = c.arg(d)
		}
		return "SELECT n FROM cdrs" + s.dialect.index("cdrs_party") + " WHERE party IN " + strings.Replace(matching, "%s", c.arg(string(sel.keyword)), 1) +
			" AND " + span + " AND disposition IN (" + strings.Join(words, ", ") + ")" + end, c
	}
	if sel.keyword != "" {
		span += " AND +party IN " + strings.Replace(matching, "%s", c.arg(string(sel.keyword)), 1)
	}
	walks, reach := make([]string, len(sel.dispositions)), c.arg(p.offset+p.limit)
	for i, d := range sel.words() {
		walks[i] = "SELECT n, " + sel.order.column + " FROM (SELECT n, " + sel.order.column + " FROM cdrs" + s.dialect.index("cdrs_log") +
			" WHERE disposition = " + c.arg(d) + " AND " + span + by + " LIMIT " + reach + ") w"
	}
	return "SELECT n FROM (" + strings.Join(walks, " UNION ALL ") + ") u" + end, c
}

// cdrs reads the calls of a query for n and cdrColumns, and the n of the last of them.
func (s *session) cdrs(text string, args ...any) (list []rating.CDR, n int64, err error) {
	err = s.each(func(scan func(...any) error) error {
		c, err := scanCDR(scan, &n)
		list = append(list, c)
		return err
	}, text, args...)
	return list, n, err
}
