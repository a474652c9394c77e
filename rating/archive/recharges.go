package archive

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"tollgate/rating"
)

// RechargeFilter selects lines of the recharge history: every journal line that is no charge.
type RechargeFilter struct {
	From, To time.Time // done in [From, To); zero = open
	Q        string    // part of the extension number or of the user name, in upper or lower case
	Kinds    []rating.Kind
	Sort     string // at or -at; "" = -at
	Paging
}

// Recharge is a line of the recharge history.
type Recharge struct {
	ID int64 `json:"id"`
	rating.Entry
}

// Recharges returns a page of the history that f selects. An impossible filter is rating.Invalid.
func (a *Archive) Recharges(ctx context.Context, f RechargeFilter) (List[Recharge], error) {
	list := List[Recharge]{Items: []Recharge{}}
	offset, limit, err := f.bounds()
	if err != nil {
		return list, err
	}
	sort, err := f.check()
	if err != nil {
		return list, err
	}
	err = a.view(ctx, func(s *session) error {
		c := f.conditions()
		if _, err := s.one([]any{&list.Total}, "SELECT COUNT(*) FROM entries e"+c.String(), c.args...); err != nil {
			return err
		}
		items, err := s.recharges(c, sort, offset, limit)
		list.Items = append(list.Items, items...)
		return err
	})
	return list, err
}

// AllRecharges gives the whole history that f selects, in its order, without pages.
func (a *Archive) AllRecharges(ctx context.Context, f RechargeFilter) iter.Seq2[Recharge, error] {
	sort, err := f.check()
	if err != nil {
		return failing[Recharge](err)
	}
	return portions(portionSize, func(last *key) (list []Recharge, next key, err error) {
		c := f.conditions()
		if last != nil {
			c.where("e.at "+sort.beyond()+"= %s", last.value) // where the index goes on; the key is of the row
			c.where("(e.at, e.n) "+sort.beyond()+" (%s, %s)", last.value, last.n)
		}
		err = a.view(ctx, func(s *session) (err error) {
			list, err = s.recharges(c, sort, 0, portionSize)
			return err
		})
		if len(list) > 0 {
			end := list[len(list)-1]
			next = key{end.At.UnixMicro(), end.ID}
		}
		return list, next, err
	})
}

func (f RechargeFilter) check() (order, error) {
	if err := checkKeyword(f.Q); err != nil {
		return order{}, err
	}
	if slices.ContainsFunc(f.Kinds, func(k rating.Kind) bool { return !k.Valid() || k == rating.ChargeEntry }) {
		return order{}, rating.Invalid{{Field: "kind", Message: "must be recharge, adjustment, opening, closing or payment_type"}}
	}
	return orderOf(f.Sort, "at")
}

func (f RechargeFilter) conditions() *conditions {
	c := &conditions{terms: []string{"e.kind <> 'charge'"}} // as the index entries_history says it
	if !f.From.IsZero() {
		c.where("e.at >= %s", microsCeil(f.From))
	}
	if !f.To.IsZero() {
		c.where("e.at < %s", microsCeil(f.To))
	}
	if k := keywordOf(f.Q); k != "" {
		c.where("+e.party IN "+matching, string(k))
	}
	if len(f.Kinds) > 0 {
		words := make([]any, len(f.Kinds))
		for i, k := range f.Kinds {
			words[i] = string(k)
		}
		c.where("e.kind IN ("+strings.Repeat("%s, ", len(words)-1)+"%s)", words...)
	}
	return c
}

func (s *session) recharges(c *conditions, sort order, offset, limit int64) ([]Recharge, error) {
	var list []Recharge
	text := "SELECT e.n, " + entryColumns + " FROM entries e JOIN parties p ON p.id = e.party" + c.String() + sort.by("e.") +
		" LIMIT " + c.arg(limit) + " OFFSET " + c.arg(offset)
	err := s.each(func(scan func(...any) error) (err error) {
		var r Recharge
		r.Entry, err = scanEntry(scan, &r.ID)
		list = append(list, r)
		return err
	}, text, c.args...)
	return list, err
}
