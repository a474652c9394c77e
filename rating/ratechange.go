package rating

import (
	"cmp"
	"maps"
	"slices"
)

// maxPatched bounds how many rates With changes one by one; building anew is the cheaper way beyond it.
const maxPatched = 64

// With returns the index with some rates changed, by id; a nil rate is gone. Changing and appending a few copies the
// index without building it anew; removing one builds it anew, because the rates behind it move up.
func (x *RateIndex) With(changed map[int64]*Rate) *RateIndex {
	if len(changed) > maxPatched || x.moves(changed) {
		return NewRateIndex(x.merged(changed))
	}
	next := &RateIndex{rates: make([]Rate, len(x.rates), len(x.rates)+len(changed)),
		nodes: make([]prefixNode, len(x.nodes), len(x.nodes)+len(changed)*MaxPrefix)}
	copy(next.rates, x.rates)
	copy(next.nodes, x.nodes)
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		if r := changed[id]; r != nil {
			next.put(*r)
		}
	}
	return next
}

// moves reports whether a change would give other rates another place.
func (x *RateIndex) moves(changed map[int64]*Rate) bool {
	var last int64
	if n := len(x.rates); n > 0 {
		last = x.rates[n-1].ID
	}
	for id, r := range changed {
		if _, held := x.place(id); r == nil && held || r != nil && !held && id <= last {
			return true
		}
	}
	return false
}

// merged returns all rates after the change, in no order.
func (x *RateIndex) merged(changed map[int64]*Rate) []Rate {
	rates := make([]Rate, 0, len(x.rates)+len(changed))
	for _, r := range x.rates {
		if _, ok := changed[r.ID]; !ok {
			rates = append(rates, r)
		}
	}
	for _, r := range changed {
		if r != nil {
			rates = append(rates, *r)
		}
	}
	return rates
}

// place returns where the rate is among all.
func (x *RateIndex) place(id int64) (int, bool) {
	return slices.BinarySearchFunc(x.rates, id, func(r Rate, id int64) int { return cmp.Compare(r.ID, id) })
}

// Rate returns a rate by id. The pointer is into the index: do not change what it points to.
func (x *RateIndex) Rate(id int64) (*Rate, bool) {
	i, ok := x.place(id)
	if !ok {
		return nil, false
	}
	return &x.rates[i], true
}

// put writes a rate in place of the one with its id, or behind all others. The lists of its nodes may still be shared
// with an older index, so they are copied before they change.
func (x *RateIndex) put(r Rate) {
	i, held := x.place(r.ID)
	if held {
		if old := x.rates[i]; old.Active {
			x.relist(old, func(list []int32) []int32 {
				return slices.DeleteFunc(list, func(at int32) bool { return at == int32(i) })
			})
		}
		x.rates[i] = r
	} else {
		x.rates = append(x.rates, r)
	}
	if r.Active {
		x.relist(r, func(list []int32) []int32 {
			at, _ := slices.BinarySearch(list, int32(i))
			return slices.Insert(list, at, int32(i))
		})
	}
}

// relist edits copies of the lists that a rate stands in, or shall.
func (x *RateIndex) relist(r Rate, edit func([]int32) []int32) {
	at, ok := x.node(r.Prefix)
	if !ok {
		return
	}
	lists := maps.Clone(x.nodes[at].lists)
	if lists == nil {
		lists = make(map[listKey][]int32)
	}
	for _, extension := range r.Extensions {
		key := listKey{r.NumberLength, extension}
		if lists[key] = edit(slices.Clone(lists[key])); len(lists[key]) == 0 {
			delete(lists, key)
		}
	}
	x.nodes[at].lists = lists
}

// node returns the node of a prefix, growing the tree where it has none; ok is false for what can begin no number.
func (x *RateIndex) node(prefix string) (at int32, ok bool) {
	for i := range len(prefix) {
		s := symbol(prefix[i])
		if s < 0 {
			return 0, false
		}
		if x.nodes[at].next[s] == 0 {
			x.nodes = append(x.nodes, prefixNode{})
			x.nodes[at].next[s] = int32(len(x.nodes) - 1)
		}
		at = x.nodes[at].next[s]
	}
	return at, true
}
