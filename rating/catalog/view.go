package catalog

import (
	"cmp"
	"slices"
	"sync"

	"tollgate/rating"
)

// view is a snapshot with the lists that pages show, sorted when first asked for.
type view struct {
	snapshot   *rating.Snapshot
	plan       int64 // version of the last change to trunks, dial rules or settings
	extensions func() []*rating.Extension
}

func newView(s *rating.Snapshot, plan int64) *view {
	return &view{s, plan, sync.OnceValue(func() []*rating.Extension { return sortedExtensions(s) })}
}

func sortedExtensions(s *rating.Snapshot) []*rating.Extension {
	list := make([]*rating.Extension, 0, s.Extensions())
	s.Each(func(e *rating.Extension) bool {
		list = append(list, e)
		return true
	})
	slices.SortFunc(list, func(a, b *rating.Extension) int {
		return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	return list
}
