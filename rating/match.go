package rating

import (
	"cmp"
	"slices"
	"strings"
)

// RateIndex answers which rate bills a call: the longest prefix, then the exact length before any, then a named
// extension before all, then the lower id. It is immutable and safe for many readers.
type RateIndex struct {
	rates []Rate
	nodes []prefixNode // a tree of prefixes; node 0 is the empty prefix
}

type prefixNode struct {
	next  [symbols]int32      // child per character; 0 is none
	lists map[listKey][]int32 // rates with exactly this prefix, in order of id
}

// listKey is what else must be equal, most specific first when looked up.
type listKey struct {
	length    int
	extension string
}

// RateQuery is a call as the rates see it.
type RateQuery struct {
	Extension string
	Number    string    // as dialled, normalised
	At        TimeOfDay // when the INVITE arrived, in the installation's time zone
}

// NewRateIndex builds the index of all active rates; the others are kept for Explain.
func NewRateIndex(rates []Rate) *RateIndex {
	x := &RateIndex{rates: slices.SortedFunc(slices.Values(rates), func(a, b Rate) int { return cmp.Compare(a.ID, b.ID) })}
	x.nodes = make([]prefixNode, 1, 1+len(rates))
	for i, r := range x.rates {
		if r.Active {
			x.insert(int32(i), r)
		}
	}
	return x
}

func (x *RateIndex) insert(rate int32, r Rate) {
	at, ok := x.node(r.Prefix)
	if !ok {
		return // refused by Validate; a foreign record matches nothing
	}
	if x.nodes[at].lists == nil {
		x.nodes[at].lists = make(map[listKey][]int32)
	}
	for _, extension := range r.Extensions {
		key := listKey{r.NumberLength, extension}
		x.nodes[at].lists[key] = append(x.nodes[at].lists[key], rate)
	}
}

// Match returns the rate that bills the call. The pointer is into the index: do not change what it points to.
func (x *RateIndex) Match(q RateQuery) (*Rate, bool) {
	var path [MaxPrefix + 1]int32
	depth := 0
	for i := 0; i < len(q.Number) && i < MaxPrefix; i++ {
		s := symbol(q.Number[i])
		if s < 0 {
			break
		}
		child := x.nodes[path[depth]].next[s]
		if child == 0 {
			break
		}
		depth++
		path[depth] = child
	}
	for ; depth >= 0; depth-- {
		if r := x.inNode(&x.nodes[path[depth]], q); r != nil {
			return r, true
		}
	}
	return nil, false
}

func (x *RateIndex) inNode(n *prefixNode, q RateQuery) *Rate {
	if n.lists == nil {
		return nil
	}
	for _, length := range [...]int{len(q.Number), 0} {
		for _, extension := range [...]string{q.Extension, AllExtensions} {
			for _, i := range n.lists[listKey{length, extension}] {
				if r := &x.rates[i]; q.At.within(r.StartTime, r.EndTime) {
					return r
				}
			}
		}
	}
	return nil
}

// Why a rate does not bill a call, in the order in which it is asked.
const (
	NotActive       = "inactive"
	NotExtension    = "extension"
	NotTimeBlock    = "time_block"
	NotPrefix       = "prefix"
	NotNumberLength = "number_length"
	NotSpecific     = "less_specific" // it would, but another one is more specific
)

// NotMatched names a rate that does not bill a call, and why.
type NotMatched struct {
	RateID int64  `json:"rate_id"`
	Reason string `json:"reason"`
}

// Explain returns the rate that bills the call, nil if none, and for every other one the first reason why not.
func (x *RateIndex) Explain(q RateQuery) (*Rate, []NotMatched) {
	winner, _ := x.Match(q)
	others := make([]NotMatched, 0, len(x.rates))
	for i := range x.rates {
		if r := &x.rates[i]; r != winner {
			others = append(others, NotMatched{r.ID, r.whyNot(q)})
		}
	}
	return winner, others
}

func (r *Rate) whyNot(q RateQuery) string {
	switch {
	case !r.Active:
		return NotActive
	case !r.billed(q.Extension):
		return NotExtension
	case !q.At.within(r.StartTime, r.EndTime):
		return NotTimeBlock
	case !strings.HasPrefix(q.Number, r.Prefix):
		return NotPrefix
	case r.NumberLength != 0 && r.NumberLength != len(q.Number):
		return NotNumberLength
	}
	return NotSpecific
}

// Rates returns all rates in order of id. The slice belongs to the index.
func (x *RateIndex) Rates() []Rate { return x.rates }
