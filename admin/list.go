package admin

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// answer is a body without more.
type answer[T any] struct {
	Body T
}

// versioned is a body with its version as an entity tag, which an edit may send back as If-Match.
type versioned[T any] struct {
	ETag string `header:"ETag" doc:"The version, in quotes; send it as If-Match with an edit."`
	Body T
}

// made is a new resource: where it is, and with its version as an entity tag.
type made[T any] struct {
	Location string `header:"Location" doc:"The path of the new resource."`
	ETag     string `header:"ETag" doc:"The version, in quotes; send it as If-Match with an edit."`
	Body     T
}

// madeAt is the answer that a resource was added under a name.
func madeAt[T any](collection, name string, v *versioned[T]) *made[T] {
	return &made[T]{apiBase + collection + "/" + url.PathEscape(name), v.ETag, v.Body}
}

// paging of a list.
type Paging struct {
	Page    int `query:"page" default:"1" minimum:"1" maximum:"1000000" doc:"Counted from 1. A page beyond the last is empty."`
	PerPage int `query:"per_page" default:"10" minimum:"1" maximum:"200" doc:"Items of a page."`
}

// list is one page of something.
type list[T any] struct {
	Items   []T   `json:"items" doc:"The page."`
	Total   int64 `json:"total" doc:"Items of all pages."`
	Page    int   `json:"page" doc:"As asked for."`
	PerPage int   `json:"per_page" doc:"As asked for."`
}

func (p Paging) offset() int { return (p.Page - 1) * p.PerPage }

// listOf makes a page of items that were cut out of the whole already.
func listOf[T any](p Paging, items []T, total int64) *answer[list[T]] {
	if items == nil {
		items = []T{}
	}
	return &answer[list[T]]{list[T]{items, total, p.Page, p.PerPage}}
}

// cut returns the page of the whole.
func cut[T any](p Paging, whole []T) []T {
	start := min(p.offset(), len(whole))
	return whole[start:min(start+p.PerPage, len(whole))]
}

// order sorts by a field, "-field" backwards; equal items are in the order of tie.
func order[T any](items []T, sort string, fields map[string]func(a, b T) int, tie func(a, b T) int) {
	name, descending := strings.CutPrefix(sort, "-")
	by := fields[name]
	slices.SortFunc(items, func(a, b T) int {
		c := 0
		if by != nil {
			c = by(a, b)
		}
		if descending {
			c = -c
		}
		return cmp.Or(c, tie(a, b))
	})
}

// byNumber orders extension numbers: the shorter first, so that 99 comes before 100.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// contains reports whether any of the texts contains the words that were searched for, whatever the case.
func contains(q string, texts ...string) bool {
	q = strings.ToLower(strings.TrimSpace(q))
	if q == "" {
		return true
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), q) })
}
